"""Processes that belong to no cluster: a drill starts them, and nothing may harm them.

Each leads a session of its own and carries no mark of a cluster. It ends when its standard input ends, and
that is a pipe which only the drill holds: so no stranger is left when a drill is killed.
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
"""What all strangers run: it waits for the end of its input."""
SHIM = "o2-keeper:"
"""How the mark of a task's shim begins (agent/storage/state_directory.py)."""
LAST_PID = Path("/proc/sys/kernel/ns_last_pid")
"""The pid that was given last; the next process gets the one behind it (proc_sys_kernel(5))."""
TRIES = 200
"""How often a pid is asked for: other processes take the one behind it, too."""
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
    """One process that is not ours."""

    process: Process
    ports: tuple[int, ...] = ()
    """Where it listens."""
    rounds: int | None = None
    """For how many rounds more it lives; ``None``: as long as the drill."""

    def seen(self) -> ObservedUnrelatedProcess:
        """Return what is to be seen of it."""
        alive = self.process.alive
        return ObservedUnrelatedProcess(name=self.process.name, pid=self.process.pid, alive=alive)


class UnrelatedProcesses:
    """All strangers of one drill; the drill ends them, and nothing else may."""

    def __init__(self) -> None:
        """Open the pipe that they all read from; there is no stranger yet."""
        self._input, self._held = os.pipe()
        self.known: list[UnrelatedProcess] = []
        self.count = 0
        """How many there were, all in all."""

    def __enter__(self) -> "UnrelatedProcesses":
        """Return these."""
        return self

    def __exit__(self, *_: object) -> None:
        """End all."""
        self.end()

    def seen(self) -> list[ObservedUnrelatedProcess]:
        """Return what is to be seen of each."""
        return [each.seen() for each in self.known]

    def start(self, name: str, command_line: Sequence[str] = (CAT,), **more: str) -> UnrelatedProcess:
        """Start a stranger with this ``command_line``; ``more`` are variables of its environment."""
        return self._keep(UnrelatedProcess(self._spawn(name, command_line, more)))

    def start_like_ours(self, folder: Path) -> None:
        """Start strangers that look like something of a cluster in ``folder``, and are not.

        One has the name of a device, one a word in its command line that begins like the mark of a shim, one
        the mark of a task of another agent, and one is a session leader without anything special.
        """
        other = f"{folder}-of-another/tasks/none"
        self.start("a login shell", ("-sh",))
        self.start("a program named like a device", ("o2-device", "-"), O2_ROLE="another")
        self.start("a program with a word like a shim's mark", (CAT, "-", f"{SHIM}{other}"))
        self.start("a task of another agent", (CAT,), O2_TASK_HOME=other)

    def steal(
        self, entrance: Sequence[str], ports: Sequence[int], most: int, rounds: int
    ) -> UnrelatedProcess:
        """Start a process behind ``entrance`` that listens at ``ports``: the first ``most`` that are free."""
        argv = [*entrance, sys.executable, "-S", "-E", "-c", THIEF, str(most), *map(str, ports)]
        thief = subprocess.Popen(
            argv, stdin=self._input, stdout=subprocess.PIPE, env=ENVIRON, start_new_session=True
        )
        assert thief.stdout is not None
        with thief.stdout:
            held = tuple(int(word) for word in thief.stdout.readline().split())
        process = Process(f"a server at {len(held)} ports", thief.pid, start_time(thief.pid) or 0)
        thief.returncode = 0  # the process is collected by Process.alive, not by subprocess
        return self._keep(UnrelatedProcess(process, held, rounds))

    def take_pid(self, pid: int, name: str, rounds: int) -> UnrelatedProcess | None:
        """Start a stranger that has ``pid``; ``None`` if it cannot be had."""
        for _ in range(TRIES):
            if start_time(pid) is not None:
                return None
            LAST_PID.write_text(str(pid - 1))
            process = self._spawn(name, (CAT,), {})
            if process.pid == pid:
                return self._keep(UnrelatedProcess(process, rounds=rounds))
            _end([process])
        return None

    def next_round(self) -> None:
        """End the strangers whose rounds are over."""
        over = [each for each in self.known if each.rounds == 0]
        self.known = [each for each in self.known if each not in over]
        for each in self.known:
            each.rounds = None if each.rounds is None else each.rounds - 1
        _end([each.process for each in over])

    def end(self) -> None:
        """End all, and close the pipe."""
        _end([each.process for each in self.known])
        self.known = []
        os.close(self._input)
        os.close(self._held)

    def _keep(self, stranger: UnrelatedProcess) -> UnrelatedProcess:
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
    """Return whether this process may choose the pid of the next one.

    Everyone may open the file to write; the kernel refuses the write without a capability (proc(5)).
    """
    return os.geteuid() == 0 and os.access(LAST_PID, os.W_OK)


def _end(processes: Collection[Process]) -> None:
    """Kill strangers, which are our children, and collect them."""
    for process in processes:
        process.send(signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(process.pid, 0)
