"""Processes of a cluster: start them so that they outlive us, identify them, end them reliably.

A pid alone does not identify a process: the kernel may have reused it. A pid with its start time (field 22
of /proc/PID/stat, see proc(5)) does.
"""

import os
import signal
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from salt_o2.cluster.paths import MARKER
from salt_o2.linux import procfs

_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Process:
    """One process, identified for good: ``started`` is in clock ticks since boot."""

    name: str
    pid: int
    started: int

    @property
    def alive(self) -> bool:
        """Return whether the process runs. A zombie does not; it is reaped if it is our child."""
        return not _reaped(self.pid) and start_time(self.pid) == self.started

    def send(self, number: signal.Signals) -> None:
        """Send a signal to this process and to no other. The process may have ended already."""
        with suppress(ProcessLookupError):
            handle = procfs.open_process(self.pid)
            try:
                if self.alive:
                    signal.pidfd_send_signal(handle, number)
            finally:
                os.close(handle)


def start_time(pid: int) -> int | None:
    """Return the start time of a process, in ticks since boot; ``None`` if it has ended or is a zombie."""
    fields = procfs.stat(pid) or []
    ended = not fields or (fields[_STATE] in "ZX" and not _awaits_us(fields))
    return None if ended else int(fields[_STARTED])


_STATE, _PARENT, _STARTED = 0, 1, 19
"""Fields of /proc/PID/stat, counted from the field after the name."""


def _awaits_us(fields: list[str]) -> bool:
    """Return whether the process is our own child and ending. It has ended only when we have reaped it."""
    return int(fields[_PARENT]) == os.getpid()


def spawn(name: str, argv: Sequence[str], environment: dict[str, str], output: Path) -> Process:
    """Start ``argv`` in its own session, with output to a file, and do not track it as our child."""
    output.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(output), flags, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    pid = os.posix_spawn(argv[0], tuple(argv), environment, file_actions=actions, setsid=True)
    return Process(name, pid, start_time(pid) or 0)


def _reaped(pid: int) -> bool:
    """Reap the process if it is our child and has ended, as in a program that starts a cluster itself."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False


def names_of(processes: Iterable[Process]) -> str:
    """Return the names of processes for a sentence."""
    return ", ".join(one.name for one in processes)


def wait_until_gone(processes: Iterable[Process], timeout_s: float) -> list[Process]:
    """Wait until all processes have ended; return those that have not in time."""
    deadline = time.monotonic() + timeout_s
    running = [process for process in processes if process.alive]
    while running and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        running = [process for process in running if process.alive]
    return running


def end(processes: Sequence[Process], patience_s: float) -> None:
    """End all processes: ask, wait ``patience_s``, then kill. Return when they have ended."""
    for process in processes:
        process.send(signal.SIGTERM)
        process.send(signal.SIGCONT)  # a stopped process would not receive it
    for process in wait_until_gone(processes, patience_s):
        process.send(signal.SIGKILL)
    wait_until_gone(processes, patience_s)


def marked(directory: Path) -> list[Process]:
    """Return all processes with the marker of the cluster in ``directory``, except us and our ancestors."""
    sign = f"{MARKER}={directory}".encode()
    spared = _lineage()
    return [
        _named(pid) for pid in procfs.pids() if pid not in spared and _carries(pid, sign) and start_time(pid)
    ]


def members(leader: Process) -> list[Process]:
    """Return the other processes of the session of ``leader``.

    When the leader has ended, its pid may lead an unrelated session. Then only younger processes with a
    cluster marker count, and none if a running process has the pid.
    """
    own = [pid for pid in procfs.pids() if pid != leader.pid and session_of(pid) == leader.pid]
    found = [_named(pid) for pid in own if start_time(pid)]
    if leader.alive:
        return found
    if start_time(leader.pid) is not None:
        return []
    return [one for one in found if one.started >= leader.started and _has_marker(one.pid)]


def parent_of(pid: int) -> int | None:
    """Return the parent of a process; ``None`` if the process has ended."""
    fields = procfs.stat(pid) or []
    return int(fields[_PARENT]) if fields else None


def session_of(pid: int) -> int | None:
    """Return the session of a process, which is the pid of its leader; ``None`` if the process has ended."""
    try:
        return os.getsid(pid)
    except OSError:
        return None


def variable_of(pid: int, name: str) -> str | None:
    """Return a variable of the initial environment of a process."""
    sign = f"{name}=".encode()
    found = next((entry for entry in procfs.environ(pid) if entry.startswith(sign)), None)
    return None if found is None else found.removeprefix(sign).decode(errors="replace")


def _named(pid: int) -> Process:
    return Process(_command(pid), pid, start_time(pid) or 0)


def _carries(pid: int, sign: bytes) -> bool:
    return sign in procfs.environ(pid)


def _has_marker(pid: int) -> bool:
    return variable_of(pid, MARKER) is not None


def _command(pid: int) -> str:
    return b" ".join(procfs.command_line(pid)).decode(errors="replace").strip() or "?"


def _lineage() -> set[int]:
    """Return our own pid and those of our ancestors."""
    pid, lineage = os.getpid(), {0}
    while pid not in lineage:
        lineage.add(pid)
        fields = procfs.stat(pid) or []
        pid = int(fields[_PARENT]) if fields else 0
    return lineage
