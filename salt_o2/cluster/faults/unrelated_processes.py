"""Processes that belong to no cluster. A drill starts them, and no component may harm them.

Each leads its own session and carries no cluster marker. It ends when its standard input ends. That input
is a pipe that only the drill holds, so no such process remains when a drill is killed.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from salt_o2.cluster.faults.invariants import ObservedUnrelatedProcess
from salt_o2.cluster.processes import Process, start_time

CAT = "/bin/cat"
"""Program of all unrelated processes: it waits for the end of its input."""
SHIM = "o2-shim:"
"""Prefix of the mark of a task's shim (agent/storage/state_directory.py)."""
LAST_PID = Path("/proc/sys/kernel/ns_last_pid")
"""The last assigned pid. The next process gets the pid after it (proc_sys_kernel(5))."""
TRIES = 200
"""Maximum attempts to get a pid: other processes compete for it."""
THIEF = """
import socket, sys
held = []
for port in map(int, sys.argv[2:]):
    if len(held) == int(sys.argv[1]):
        break
    taken = socket.socket()
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind(("", port))
        taken.listen()
    except OSError:
        taken.close()
    else:
        held.append(taken)
print(*(each.getsockname()[1] for each in held), flush=True)
sys.stdin.read()
"""
ENVIRON = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


@dataclass(slots=True)
class UnrelatedProcess:
    """One unrelated process."""

    process: Process
    ports: tuple[int, ...] = ()
    """Ports on which the process listens."""
    rounds: int | None = None
    """Remaining rounds of the process; ``None``: as long as the drill."""

    def observe(self) -> ObservedUnrelatedProcess:
        """Return the observation of the process."""
        alive = self.process.alive
        return ObservedUnrelatedProcess(name=self.process.name, pid=self.process.pid, alive=alive)


class UnrelatedProcesses:
    """All unrelated processes of one drill. Only the drill may end them."""

    def __init__(self) -> None:
        """Open the pipe that all processes read from. Start no process yet."""
        self._input, self._output = os.pipe()
        self.known: list[UnrelatedProcess] = []
        self.count = 0
        """Total number of processes started."""

    def __enter__(self) -> "UnrelatedProcesses":
        """Return this object."""
        return self

    def __exit__(self, *_: object) -> None:
        """End all processes."""
        self.end()

    def observe(self) -> list[ObservedUnrelatedProcess]:
        """Return the observation of each process."""
        return [each.observe() for each in self.known]

    def start(self, name: str, command_line: Sequence[str] = (CAT,), **more: str) -> UnrelatedProcess:
        """Start a process with this ``command_line``; ``more`` are variables of its environment."""
        return self._register(UnrelatedProcess(self._spawn(name, command_line, more)))

    def start_like_ours(self, folder: Path) -> None:
        """Start processes that resemble processes of a cluster in ``folder`` but are unrelated.

        One has the name of a device. One has a word in its command line that begins like the mark of a
        shim. One has the mark of a task of another agent. One is a plain session leader.
        """
        other = f"{folder}-of-another/tasks/none"
        self.start("a login shell", ("-sh",))
        self.start("a program named like a device", ("o2-device", "-"), O2_ROLE="another")
        self.start("a program with a word like a shim's mark", (CAT, "-", f"{SHIM}{other}"))
        self.start("a task of another agent", (CAT,), O2_TASK_HOME=other)

    def steal(
        self, entrance: Sequence[str], ports: Sequence[int], most: int, rounds: int
    ) -> UnrelatedProcess:
        """Start a process behind ``entrance`` that listens on the first ``most`` free ports of ``ports``."""
        argv = [*entrance, sys.executable, "-S", "-E", "-c", THIEF, str(most), *map(str, ports)]
        thief = subprocess.Popen(
            argv, stdin=self._input, stdout=subprocess.PIPE, env=ENVIRON, start_new_session=True
        )
        assert thief.stdout is not None
        with thief.stdout:
            listening = tuple(int(word) for word in thief.stdout.readline().split())
        process = Process(f"a server at {len(listening)} ports", thief.pid, start_time(thief.pid) or 0)
        thief.returncode = 0  # Process.alive reaps the process; subprocess does not
        return self._register(UnrelatedProcess(process, listening, rounds))

    def take_pid(self, pid: int, name: str, rounds: int) -> UnrelatedProcess | None:
        """Start a process with ``pid``; return ``None`` if the pid is not available."""
        for _ in range(TRIES):
            if start_time(pid) is not None:
                return None
            LAST_PID.write_text(str(pid - 1))
            process = self._spawn(name, (CAT,), {})
            if process.pid == pid:
                return self._register(UnrelatedProcess(process, rounds=rounds))
            _end([process])
        return None

    def next_round(self) -> None:
        """End the processes whose rounds are over."""
        over = [each for each in self.known if each.rounds == 0]
        self.known = [each for each in self.known if each not in over]
        for each in self.known:
            each.rounds = None if each.rounds is None else each.rounds - 1
        _end([each.process for each in over])

    def end(self) -> None:
        """End all processes and close the pipe."""
        _end([each.process for each in self.known])
        self.known = []
        os.close(self._input)
        os.close(self._output)

    def _register(self, stranger: UnrelatedProcess) -> UnrelatedProcess:
        self.known.append(stranger)
        self.count += 1
        return stranger

    def _spawn(self, name: str, words: Sequence[str], more: Mapping[str, str]) -> Process:
        actions = [
            (os.POSIX_SPAWN_DUP2, self._input, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        pid = os.posix_spawn(CAT, tuple(words), {**ENVIRON, **more}, file_actions=actions, setsid=True)
        return Process(name, pid, start_time(pid) or 0)


def may_choose_pids() -> bool:
    """Return whether this process may choose the pid of the next process.

    Every user may open the file for writing. The kernel refuses the write without a capability (proc(5)).
    """
    return os.geteuid() == 0 and os.access(LAST_PID, os.W_OK)


def _end(processes: Collection[Process]) -> None:
    """Kill processes that are our children, and reap them."""
    for process in processes:
        process.send(signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(process.pid, 0)
