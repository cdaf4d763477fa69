"""A model of the Linux kernel of one host: processes, pids that are given again, signals, boots.

It has the interface of :class:`salt_o2.linux.kernel.Kernel`. A shim is a process that starts one program,
writes its exit status and adopts the orphans of the task, as ``salt_o2/agent/launch/shim.py`` does.
"""

import contextvars
import os
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Protocol

from salt_o2.agent.launch.shim import SCRIPT
from salt_o2.agent.storage.task_directory import MARK
from salt_o2.linux.procfs import Entry
from salt_o2.simulation.machine.event_loop import Descriptor, Timer, VirtualLoop

TICKS = os.sysconf("SC_CLK_TCK")
INIT = 1
FIRST_PID = 10
EXEC_S = 0.003
"""Mean time of an exec."""


class Running(Protocol):
    """What a program does; :mod:`salt_o2.simulation.machine.device` has devices."""

    def begin(self, process: "Process") -> None:
        """Start to work as ``process``."""

    def signal(self, number: signal.Signals) -> None:
        """React to a signal that does not kill at once."""

    def ended(self) -> None:
        """Stop: the process has ended."""


@dataclass(slots=True, eq=False)
class Process:
    """One process of the host."""

    pid: int
    parent: int
    group: int
    session: int
    started: int
    command: list[bytes]
    mark: str = ""
    owner: str = ""
    """``task``, ``agent`` or ``stranger``."""
    in_exec: bool = False
    is_zombie: bool = False
    is_stopped: bool = False
    exit_code: int | None = None
    exit_signal: int = 0
    program: Running | None = None
    on_exit: Callable[["Process"], None] | None = None
    group_key: object = field(default_factory=object)
    ports: set[int] = field(default_factory=set)
    descriptors: list[Descriptor] = field(default_factory=list)

    @property
    def runs(self) -> bool:
        """Whether the process has not ended."""
        return not self.is_zombie and self.exit_code is None and not self.exit_signal


class SimulatedKernel:
    """The kernel of one host."""

    def __init__(
        self,
        loop: VirtualLoop,
        rng: Random,
        host: str,
        programs: Callable[["SimulatedKernel", list[str]], Running],
        pids: int = 150,
    ) -> None:
        """Give out ``pids`` numbers in turn; ``programs`` returns what a command line does."""
        self._loop, self._rng, self.host, self._programs = loop, rng, host, programs
        self._most = FIRST_PID + pids
        self._context = contextvars.Context()
        self._handles: dict[int, Process] = {}
        self.boots = 0
        self.is_up = True
        self.wrong_signals: list[str] = []
        """Signals that the agent sent to processes that are no task's: there must be none."""
        self.agent_pid = 0
        self._boot()

    def _boot(self) -> None:
        self.boots += 1
        self._booted_at = self._loop.time() - self._rng.uniform(20.0, 60.0)
        self.table: dict[int, Process] = {}
        self.ports: dict[int, Process] = {}
        self._next_pid = FIRST_PID + self._rng.randrange(self._most - FIRST_PID)

    # --- the simulator's side -------------------------------------------------------------------

    def later(self, delay_s: float, callback: Callable[..., None], *arguments: Any) -> Timer:
        """Call ``callback`` in ``delay_s`` seconds; no program's end affects it."""
        return self._loop.call_later(delay_s, callback, *arguments, context=self._context)

    def reboot(self) -> None:
        """End all processes at once and forget everything but the disk."""
        self.is_up = False
        for process in list(self.table.values()):
            process.on_exit = None
            self._end(process, None, int(signal.SIGKILL))
        self._handles.clear()
        self._boot()
        self.is_up = True

    def add_agent(self) -> int:
        """Return the pid of a new agent process."""
        self.agent_pid = self._create([b"salt-minion"], INIT, "agent").pid
        return self.agent_pid

    def remove_agent(self) -> None:
        """End the agent's process: its children belong to init, which collects them."""
        pid, self.agent_pid = self.agent_pid, 0
        process = self.table.get(pid)
        if process is not None and process.owner == "agent":
            self._end(process, None, int(signal.SIGKILL))
            self.table.pop(pid, None)

    def add_stranger(self, lasts_s: float, port: int = 0, pid: int = 0) -> Process:
        """Start a process of another user for ``lasts_s`` seconds, listening at ``port`` if that is free.

        It gets ``pid`` if that is free.
        """
        if pid and pid not in self.table:
            self._next_pid = pid
        process = self._create([b"stranger"], INIT, "stranger")
        if port and port not in self.ports:
            self.listen(process, port)
        self.later(lasts_s, self.finish, process, 0)
        return process

    def add_member(self, parent: Process) -> Process:
        """Let the program ``parent`` start a process that leaves the session, as a daemon does."""
        child = self._create([b"helper"], parent.pid, "task")
        child.mark = parent.mark
        return child

    def listen(self, process: Process, port: int) -> bool:
        """Let ``process`` listen at ``port``; return whether the port was free."""
        if port in self.ports:
            return False
        self.ports[port] = process
        process.ports.add(port)
        return True

    def finish(self, process: Process, code: int) -> None:
        """End ``process`` by itself with an exit code."""
        if process.runs:
            self._end(process, code, 0)

    def crash(self, process: Process, number: signal.Signals = signal.SIGSEGV) -> None:
        """End ``process`` by a signal that no program sent."""
        if process.runs:
            self._end(process, None, int(number))

    def task_processes(self) -> list[Process]:
        """Return the running processes of tasks."""
        return [each for each in self.table.values() if each.owner == "task" and each.runs]

    def _create(self, command: list[bytes], parent: int, owner: str, session: int = 0) -> Process:
        pid = self._free_pid()
        leads = session or pid
        started = int(self.boot_seconds() * TICKS)
        process = Process(pid, parent, leads, leads, started, command, owner=owner)
        if session and (leader := self.table.get(session)) is not None:
            process.group_key = leader.group_key
        self.table[pid] = process
        return process

    def _free_pid(self) -> int:
        for _ in range(self._most):
            pid = self._next_pid
            self._next_pid = pid + 1 if pid + 1 < self._most else FIRST_PID
            if pid not in self.table:
                return pid
        raise BlockingIOError(11, "no process could be created")

    def _end(self, process: Process, code: int | None, number: int) -> None:
        process.exit_code, process.exit_signal = code, number
        for port in process.ports:
            self.ports.pop(port, None)
        process.ports.clear()
        program, process.program = process.program, None
        if program is not None:
            program.ended()
        self._reparent(process)
        parent = self.table.get(process.parent)
        process.is_zombie = parent is not None and parent.runs and parent.owner == "agent"
        if not process.is_zombie:
            self.table.pop(process.pid, None)
        for descriptor in process.descriptors:
            descriptor.make_readable(self._loop)
        if process.on_exit is not None:
            process.on_exit(process)

    def _reparent(self, process: Process) -> None:
        """Give the children of ``process`` to the nearest shim above it that runs, or to init."""
        above = self._subreaper(process)
        for child in [each for each in self.table.values() if each.parent == process.pid]:
            child.parent = above
            if child.is_zombie:
                self.table.pop(child.pid, None)

    def _subreaper(self, process: Process) -> int:
        seen = set[int]()
        parent = self.table.get(process.parent)
        while parent is not None and parent.pid not in seen:
            seen.add(parent.pid)
            if parent.runs and isinstance(parent.program, Shim):
                return parent.pid
            parent = self.table.get(parent.parent)
        return INIT

    def deliver(self, process: Process, number: signal.Signals) -> None:
        """Let a signal of the agent reach ``process``."""
        if process.owner == "stranger":
            self.wrong_signals.append(f"{number.name} to a process of another program on {self.host}")
        if not process.runs:
            return
        if number is signal.SIGKILL:
            self._end(process, None, int(number))
        elif process.program is not None:
            process.program.signal(number)
        elif number in (signal.SIGTERM, signal.SIGINT):
            self._end(process, None, int(number))

    # --- the interface of salt_o2.linux.kernel.Kernel -------------------------------------------

    def boot_id(self) -> str:
        """Return the name of this boot."""
        return f"{self.host}-boot-{self.boots}"

    def boot_seconds(self) -> float:
        """Return the seconds since the boot."""
        return self._loop.time() - self._booted_at

    def own_pid(self) -> int:
        """Return the pid of the agent."""
        return self.agent_pid

    def pids(self) -> Iterable[int]:
        """Return all pids."""
        return sorted(self.table)

    def processes(self) -> dict[int, Entry]:
        """Return all running processes."""
        return {pid: found for pid in sorted(self.table) if (found := self.entry(pid)) is not None}

    def entry(self, pid: int) -> Entry | None:
        """Return process ``pid``, if it runs."""
        found = self.table.get(pid)
        if found is None or not found.runs:
            return None
        return Entry(pid, found.parent, found.group, found.session, found.started)

    def start_ticks(self, pid: int) -> int | None:
        """Return when ``pid`` started."""
        found = self.table.get(pid)
        return found.started if found is not None and found.runs else None

    def is_alive(self, pid: int, started: int) -> bool:
        """Return whether that process runs."""
        return self.start_ticks(pid) == started

    def is_zombie(self, pid: int, started: int) -> bool:
        """Return whether that process has ended and keeps its pid."""
        found = self.table.get(pid)
        return found is not None and found.is_zombie and found.started == started

    def session_of(self, pid: int) -> int | None:
        """Return the session of ``pid``."""
        found = self.table.get(pid)
        return found.session if found is not None else None

    def children(self, pid: int) -> list[int]:
        """Return the children of ``pid``."""
        return sorted(each.pid for each in self.table.values() if each.parent == pid)

    def numbers_of(self, pid: int) -> list[int]:
        """Return the pid: there are no namespaces."""
        return [pid] if pid in self.table else []

    def uid_of(self, pid: int) -> int | None:
        """Return the user of ``pid``."""
        return os.geteuid() if pid in self.table else None

    def uids_of(self, pid: int) -> set[int]:
        """Return the users of ``pid``."""
        return {os.geteuid()} if pid in self.table else set()

    def command_line(self, pid: int) -> list[bytes]:
        """Return the arguments of ``pid``."""
        found = self.table.get(pid)
        return [] if found is None or found.in_exec or not found.runs else [*found.command, b""]

    def variable(self, pid: int, name: str) -> str:
        """Return the mark of ``pid``; the model has no other variables."""
        found = self.table.get(pid)
        if found is None or found.in_exec or not found.runs or name != MARK:
            return ""
        return found.mark

    def is_in_exec(self, pid: int) -> bool:
        """Return whether ``pid`` is between two programs."""
        found = self.table.get(pid)
        return found is not None and found.runs and found.in_exec

    def send(self, process: Entry, number: signal.Signals) -> bool:
        """Send a signal to that process, and to no other with its pid."""
        found = self.table.get(process.pid)
        if found is not None and found.runs and found.started == process.started:
            self.deliver(found, number)
        return True

    def open_process(self, pid: int) -> int:
        """Return a handle of ``pid``.

        Raises:
            ProcessLookupError: there is no such process.
        """
        found = self.table.get(pid)
        if found is None:
            raise ProcessLookupError(3, "No such process")
        descriptor = Descriptor()
        descriptor.is_readable = not found.runs
        found.descriptors.append(descriptor)
        handle = self._loop.open_descriptor(descriptor)
        self._handles[handle] = found
        return handle

    def close_process(self, handle: int) -> None:
        """Close a handle."""
        self._handles.pop(handle, None)
        self._loop.close_descriptor(handle)

    def signal_group(self, handle: int, number: signal.Signals) -> None:
        """Send a signal to the group that the process of ``handle`` leads."""
        leader = self._handles.get(handle)
        if leader is None:
            return
        for each in [one for one in self.table.values() if one.group_key is leader.group_key]:
            self.deliver(each, number)

    def signal_group_by_number(self, group: int, number: signal.Signals) -> None:
        """Send a signal to group ``group``."""
        for each in [one for one in self.table.values() if one.group == group]:
            self.deliver(each, number)

    def spawn(self, command: Sequence[str], env: Mapping[str, str], files: Sequence[int]) -> int:
        """Start a shim; see the module.

        Raises:
            OSError: no pid is free.
        """
        at = list(command).index(SCRIPT) + 1
        status = Path(command[at + 1]).with_name("status")
        words = [str(word) for word in command[at + 6 :]]
        shim = Shim(self, status, words, float(command[at + 3] or 0) / 10)
        process = self._create([os.fsencode(word) for word in command], self.agent_pid, "task")
        process.mark, process.program = env.get(MARK, ""), shim
        shim.begin(process)
        return process.pid

    def exit_code(self, pid: int) -> int | None:
        """Return the exit code of an ended child."""
        found = self.table.get(pid)
        return found.exit_code if found is not None and found.is_zombie else None

    def collect(self, pid: int) -> None:
        """Collect an ended child."""
        found = self.table.get(pid)
        if found is not None and found.is_zombie:
            self.table.pop(pid, None)

    def find_program(self, name: str, path: str | None) -> str | None:
        """Return a path: all programs exist, unless their name says otherwise."""
        return None if name.startswith("missing") else f"/opt/bin/{name}"

    def port_error(self, port: int) -> OSError | None:
        """Return the error of a bind of ``port``."""
        return OSError(98, "Address already in use") if port in self.ports else None

    def listening_ports(self) -> set[int]:
        """Return the ports at which processes listen."""
        return set(self.ports)

    def listener(self, port: int) -> str:
        """Return the process that listens at ``port``."""
        found = self.ports.get(port)
        return "" if found is None else f"process {found.pid} ({found.command[0].decode()})"

    def owners_of(self, host: str, port: int) -> set[int]:
        """Return the users of the port."""
        return {os.geteuid()} if port in self.ports else set()

    # --- what programs ask ----------------------------------------------------------------------

    def draw_exec_s(self) -> float:
        """Return how long the next exec takes."""
        return self._rng.expovariate(1.0 / EXEC_S)

    def start_program(self, shim: Process, words: list[str]) -> Process:
        """Start the program of a shim: first a copy of the shim, then the program itself."""
        child = self._create(list(shim.command), shim.pid, "task", session=shim.session)
        child.mark = shim.mark
        self.later(self.draw_exec_s(), self._exec, child, words)
        return child

    def _exec(self, child: Process, words: list[str]) -> None:
        if child.runs:
            child.command = [os.fsencode(word) for word in words]
            child.program = self._programs(self, words)
            child.program.begin(child)


class Shim:
    """The shim of one task."""

    def __init__(self, kernel: SimulatedKernel, status: Path, words: list[str], grace_s: float) -> None:
        """Start ``words`` and write their exit status to ``status``."""
        self._kernel, self._status, self._words, self._grace_s = kernel, status, words, grace_s
        self._process: Process | None = None

    def begin(self, process: Process) -> None:
        """Become the shell, then start the program."""
        self._process, process.in_exec = process, True
        self._kernel.later(self._kernel.draw_exec_s(), self._shell)

    def _shell(self) -> None:
        if self._process is not None and self._process.runs:
            self._process.in_exec = False
            self._kernel.later(self._kernel.draw_exec_s(), self._start)

    def _start(self) -> None:
        if self._process is not None and self._process.runs:
            child = self._kernel.start_program(self._process, self._words)
            child.on_exit = self._program_ended

    def _program_ended(self, child: Process) -> None:
        if self._process is None or not self._process.runs:
            return
        code = child.exit_code if child.exit_code is not None else 128 + child.exit_signal
        self._write(f"{code}\n")
        self._end_orphans(code, 0.0)

    def _end_orphans(self, code: int, waited_s: float) -> None:
        if self._process is None or not self._process.runs:
            return
        left = [
            self._kernel.table[pid]
            for pid in self._kernel.children(self._process.pid)
            if self._kernel.table[pid].runs
        ]
        if not left:
            self._kernel.finish(self._process, code)
            return
        for each in left:
            is_late = waited_s >= self._grace_s
            self._kernel.deliver(each, signal.SIGKILL if is_late else signal.SIGTERM)
            if is_late:
                self._write("killed\n")
        self._kernel.later(0.1, self._end_orphans, code, waited_s + 0.1)

    def _write(self, text: str) -> None:
        with suppress(OSError), self._status.open("a") as file:
            file.write(text)

    def signal(self, number: signal.Signals) -> None:
        """Ignore the signal: the shim traps it."""

    def ended(self) -> None:
        """Stop."""
        self._process = None
