"""Information of the kernel about processes (proc(5)).

A pid alone identifies no process, as the kernel reuses it. Pid and start time together identify a process
within one boot.
"""

import errno
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from salt_o2.linux import tcp_table

PROC = Path("/proc")
KERNEL_THREAD = 0x00200000
"""A flag of a kernel thread, which never has a program (proc(5): stat; PF_KTHREAD)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One running process: ``pid`` and ``started`` (clock ticks since boot) identify it within one boot."""

    pid: int
    parent: int
    group: int
    session: int
    started: int

    @property
    def is_alive(self) -> bool:
        """Whether this process still runs."""
        return is_alive(self.pid, self.started)


@cache
def boot_id() -> str:
    """Return the name of this boot of the machine."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def start_ticks(pid: int) -> int | None:
    """Return when ``pid`` started, in clock ticks since boot; ``None`` if it has ended or is a zombie."""
    fields = stat(pid)
    return None if fields is None or fields[0] in "ZX" else int(fields[19])


def is_alive(pid: int, started: int) -> bool:
    """Return whether the process that started at ``started`` ticks still runs as ``pid``."""
    return start_ticks(pid) == started


def exists(pid: int) -> bool:
    """Return whether a process, possibly a zombie, has the number ``pid``."""
    return stat(pid) is not None


def is_zombie(pid: int, started: int) -> bool:
    """Return whether the process that started at ``started`` ticks has ended and keeps its number ``pid``."""
    fields = stat(pid)
    return fields is not None and fields[0] in "ZX" and int(fields[19]) == started


def entry(pid: int) -> Entry | None:
    """Return process ``pid``; ``None`` if it has ended or is a zombie."""
    fields = stat(pid)
    if fields is None or fields[0] in "ZX":
        return None
    return Entry(pid, int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]))


def processes() -> dict[int, Entry]:
    """Return all running processes by pid.

    The function reads one small file for each process, so call it rarely and for many tasks at once.
    """
    return {pid: found for pid in pids() if (found := entry(pid)) is not None}


def open_process(pid: int) -> int:
    """Return a handle of process ``pid`` (pidfd_open(2)).

    The kernel gives the number of an ended process again, also to a thread of another process. Then
    pidfd_open(2) fails with ``EINVAL``, or with ``ENOENT`` on newer kernels (measured on 6.18).

    Raises:
        ProcessLookupError: there is no such process, or ``pid`` is the number of a thread.
        OSError: there are no more handles.
    """
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno in (errno.EINVAL, errno.ENOENT):
            raise ProcessLookupError(errno.ESRCH, f"{pid} is no process") from error
        raise


def send(process: Entry, number: signal.Signals) -> bool:
    """Send a signal to ``process`` and to no other that has its pid; return whether it was permitted.

    A process that has ended gets no signal; this counts as permitted.
    """
    try:
        handle = open_process(process.pid)
    except ProcessLookupError:
        return True
    try:
        # This check follows the opening of the handle, so the handle is of this process or of an ended one.
        if process.is_alive:
            signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    finally:
        os.close(handle)
    return True


def numbers_of(pid: int) -> list[int]:
    """Return the pids of ``pid`` from this namespace to its own (proc(5): NSpid); none if it has ended."""
    try:
        lines = (PROC / str(pid) / "status").read_text(errors="replace").splitlines()
    except OSError:
        return []
    return next(([int(word) for word in line.split()[1:]] for line in lines if line.startswith("NSpid:")), [])


def variable(pid: int, name: str) -> str:
    """Return a variable of ``pid`` at its start; empty if it is unset or unreadable."""
    sign = f"{name}=".encode()
    found = next((each for each in environ(pid) if each.startswith(sign)), sign)
    return os.fsdecode(found.removeprefix(sign))


def uid_of(pid: int) -> int | None:
    """Return the effective user of ``pid``; ``None`` if it has ended."""
    try:
        return (PROC / str(pid)).stat().st_uid
    except OSError:
        return None


def uids_of(pid: int) -> set[int]:
    """Return the real, effective, saved and file system user of ``pid``; none if it has ended."""
    try:
        lines = (PROC / str(pid) / "status").read_text(errors="replace").splitlines()
    except OSError:
        return set()
    return {int(word) for line in lines if line.startswith("Uid:") for word in line.split()[1:]}


def shares_user_namespace(pid: int) -> bool:
    """Return whether the uids of ``pid`` are those of this process's namespace, also if it has ended."""
    try:
        return os.readlink(PROC / str(pid) / "ns/user") == os.readlink(PROC / "self/ns/user")  # noqa: PTH115
    except OSError:
        return True


def is_in_group(pid: int, name: str) -> bool:
    """Return whether ``pid`` is in a control group called ``name`` or below one."""
    try:
        lines = (PROC / str(pid) / "cgroup").read_text(errors="replace").splitlines()
    except OSError:
        return False
    return any(name in line.partition(":")[2].partition(":")[2].split("/") for line in lines)


def session_of(pid: int) -> int | None:
    """Return the session of ``pid``, or ``None`` if the process does not exist."""
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def children(pid: int) -> list[int]:
    """Return the children of ``pid``."""
    try:
        return [int(word) for word in (PROC / f"{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def resident_pages(pid: int) -> int:
    """Return how many pages of memory ``pid`` has resident; 0 if it has ended."""
    try:
        return int((PROC / str(pid) / "statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0


def thread_count(pid: int) -> int:
    """Return how many threads ``pid`` has; 0 if it has ended."""
    fields = stat(pid)
    return 0 if fields is None or fields[0] in "ZX" else int(fields[17])


def command_line(pid: int) -> list[bytes]:
    """Return the arguments of ``pid``; empty if it has ended, or is in the middle of its exec."""
    try:
        content = (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return []
    return content.split(b"\0") if content else []


def is_in_exec(pid: int) -> bool:
    """Return whether ``pid`` is between two programs, without arguments and variables."""
    if command_line(pid):
        return False
    fields = stat(pid)
    return fields is not None and fields[0] not in "ZX" and not int(fields[6]) & KERNEL_THREAD


def environ(pid: int) -> list[bytes]:
    """Return the variables that ``pid`` was started with.

    The list is empty if the process has ended, belongs to another user, or is in the middle of its exec.
    """
    try:
        return (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def ports_of(pid: int) -> list[int]:
    """Return the TCP ports that ``pid`` listens at, in its own network namespace."""
    return sorted({one.port for one in tcp_table.sockets_of(pid, tcp_table.LISTEN)})


def listening_ports() -> set[int]:
    """Return all TCP ports of this network namespace at which a program listens."""
    return {one.port for one in tcp_table.listening()}


def listener(port: int) -> str:
    """Return pid and command of the process that listens on TCP ``port``; empty if that is not visible."""
    inodes = {one.inode for one in tcp_table.listening() if one.port == port}
    if not inodes:
        return ""
    for pid in pids():
        if inodes & tcp_table.inodes_of(pid):
            command = b" ".join(command_line(pid)).decode(errors="replace").strip()
            return f"process {pid} ({command[:120]})"
    return "a process of another user"


def pids() -> Iterator[int]:
    """Return the pids of all processes."""
    return (int(name) for name in os.listdir(PROC) if name.isdigit())  # noqa: PTH208


def stat(pid: int) -> list[str] | None:
    """Return the fields of ``pid`` after its name (proc(5): stat), state first; ``None`` if it has ended.

    The name may itself contain blanks and brackets.
    """
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    return text[text.rindex(")") + 2 :].split()
