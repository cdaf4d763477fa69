"""The kernel as the agent uses it: information about processes, handles of them, signals, new processes.

The agent gets its kernel as an argument. :class:`LinuxKernel` is the real one; the simulator
(``salt_o2.simulation``) has a model of it, which a test compares with this one.
"""

import os
import shutil
import signal
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from salt_o2.linux import procfs, tcp_table
from salt_o2.linux.procfs import Entry

PIDFD_SIGNAL_PROCESS_GROUP = 1 << 2
"""pidfd_send_signal(2), from Linux 6.9 on."""
RESET_SIGNALS = sorted(signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP})


class Kernel(Protocol):
    """What the agent asks of the kernel of its host; see :mod:`salt_o2.linux.procfs` for the terms."""

    def boot_id(self) -> str:
        """Return the name of this boot of the machine."""

    def boot_seconds(self) -> float:
        """Return the seconds since the boot."""

    def own_pid(self) -> int:
        """Return the pid of the calling process."""

    def pids(self) -> Iterable[int]:
        """Return the pids of all processes."""

    def processes(self) -> dict[int, Entry]:
        """Return all running processes by pid."""

    def entry(self, pid: int) -> Entry | None:
        """Return process ``pid``; ``None`` if it has ended or is a zombie."""

    def start_ticks(self, pid: int) -> int | None:
        """Return when ``pid`` started, in clock ticks since boot; ``None`` if it has ended."""

    def is_alive(self, pid: int, started: int) -> bool:
        """Return whether the process that started at ``started`` ticks still runs as ``pid``."""

    def is_zombie(self, pid: int, started: int) -> bool:
        """Return whether the process that started at ``started`` ticks has ended and keeps its ``pid``."""

    def session_of(self, pid: int) -> int | None:
        """Return the session of ``pid``, or ``None`` if the process does not exist."""

    def children(self, pid: int) -> list[int]:
        """Return the children of ``pid``."""

    def numbers_of(self, pid: int) -> list[int]:
        """Return the pids of ``pid`` from this namespace to its own; none if it has ended."""

    def uid_of(self, pid: int) -> int | None:
        """Return the effective user of ``pid``; ``None`` if it has ended."""

    def uids_of(self, pid: int) -> set[int]:
        """Return all users of ``pid``; none if it has ended."""

    def command_line(self, pid: int) -> list[bytes]:
        """Return the arguments of ``pid``; empty if it has ended, or is in the middle of its exec."""

    def variable(self, pid: int, name: str) -> str:
        """Return a variable of ``pid`` at its start; empty if it is unset or unreadable."""

    def is_in_exec(self, pid: int) -> bool:
        """Return whether ``pid`` is between two programs, without arguments and variables."""

    def send(self, process: Entry, number: signal.Signals) -> bool:
        """Send a signal to ``process`` and to no other with its pid; return whether it was permitted."""

    def open_process(self, pid: int) -> int:
        """Return a handle of ``pid``: a descriptor that becomes readable when the process ends.

        Raises:
            ProcessLookupError: there is no such process.
        """

    def close_process(self, handle: int) -> None:
        """Close a handle of :meth:`open_process`."""

    def signal_group(self, handle: int, number: signal.Signals) -> None:
        """Send a signal to the process group that the process of ``handle`` leads.

        Raises:
            OSError: ``EINVAL`` if this kernel has no handles of groups.
        """

    def signal_group_by_number(self, group: int, number: signal.Signals) -> None:
        """Send a signal to process group ``group``."""

    def spawn(self, command: Sequence[str], env: Mapping[str, str], files: Sequence[int]) -> int:
        """Start ``command`` in a session of its own and return its pid; ``files`` become 0, 1 and 2.

        No signal is blocked or ignored in the new process.

        Raises:
            OSError: no process could be created.
        """

    def exit_code(self, pid: int) -> int | None:
        """Return the exit code of the ended child ``pid``; ``None`` if a signal ended it, or it is no child.

        The child is not collected.
        """

    def collect(self, pid: int) -> None:
        """Collect the child ``pid`` if it has ended: from then on its pid is free."""

    def find_program(self, name: str, path: str | None) -> str | None:
        """Return the executable program ``name`` in the directories of ``path``, or ``None``."""

    def port_error(self, port: int) -> OSError | None:
        """Return why TCP ``port`` cannot be bound at all addresses; ``None`` if it can."""

    def listening_ports(self) -> set[int]:
        """Return all TCP ports at which a program listens."""

    def listener(self, port: int) -> str:
        """Return pid and command of the process that listens on ``port``; empty if none is visible."""

    def owners_of(self, host: str, port: int) -> set[int]:
        """Return the users of the sockets that a client of ``port`` at ``host`` may reach."""


class LinuxKernel:
    """The kernel of this machine."""

    boot_id = staticmethod(procfs.boot_id)

    def boot_seconds(self) -> float:
        """Return the seconds since the boot."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def own_pid(self) -> int:
        """Return the pid of this process."""
        return os.getpid()

    def pids(self) -> Iterable[int]:
        """Return the pids of all processes."""
        return procfs.pids()

    def processes(self) -> dict[int, Entry]:
        """Return all running processes by pid."""
        return procfs.processes()

    def entry(self, pid: int) -> Entry | None:
        """Return process ``pid``; ``None`` if it has ended or is a zombie."""
        return procfs.entry(pid)

    def start_ticks(self, pid: int) -> int | None:
        """Return when ``pid`` started, in clock ticks since boot; ``None`` if it has ended."""
        return procfs.start_ticks(pid)

    def is_alive(self, pid: int, started: int) -> bool:
        """Return whether the process that started at ``started`` ticks still runs as ``pid``."""
        return procfs.is_alive(pid, started)

    def is_zombie(self, pid: int, started: int) -> bool:
        """Return whether the process that started at ``started`` ticks has ended and keeps its ``pid``."""
        return procfs.is_zombie(pid, started)

    def session_of(self, pid: int) -> int | None:
        """Return the session of ``pid``, or ``None`` if the process does not exist."""
        return procfs.session_of(pid)

    def children(self, pid: int) -> list[int]:
        """Return the children of ``pid``."""
        return procfs.children(pid)

    def numbers_of(self, pid: int) -> list[int]:
        """Return the pids of ``pid`` from this namespace to its own; none if it has ended."""
        return procfs.numbers_of(pid)

    def uid_of(self, pid: int) -> int | None:
        """Return the effective user of ``pid``; ``None`` if it has ended."""
        return procfs.uid_of(pid)

    def uids_of(self, pid: int) -> set[int]:
        """Return all users of ``pid``; none if it has ended."""
        return procfs.uids_of(pid)

    def command_line(self, pid: int) -> list[bytes]:
        """Return the arguments of ``pid``; empty if it has ended, or is in the middle of its exec."""
        return procfs.command_line(pid)

    def variable(self, pid: int, name: str) -> str:
        """Return a variable of ``pid`` at its start; empty if it is unset or unreadable."""
        return procfs.variable(pid, name)

    def is_in_exec(self, pid: int) -> bool:
        """Return whether ``pid`` is between two programs, without arguments and variables."""
        return procfs.is_in_exec(pid)

    def send(self, process: Entry, number: signal.Signals) -> bool:
        """Send a signal to ``process`` and to no other with its pid; return whether it was permitted."""
        return procfs.send(process, number)

    def open_process(self, pid: int) -> int:
        """Return a handle of ``pid`` (pidfd_open(2)).

        Raises:
            ProcessLookupError: there is no such process.
        """
        return procfs.open_process(pid)

    def close_process(self, handle: int) -> None:
        """Close a handle of :meth:`open_process`."""
        os.close(handle)

    def signal_group(self, handle: int, number: signal.Signals) -> None:
        """Send a signal to the process group that the process of ``handle`` leads.

        Raises:
            OSError: ``EINVAL`` before Linux 6.9.
        """
        signal.pidfd_send_signal(handle, number, None, PIDFD_SIGNAL_PROCESS_GROUP)

    def signal_group_by_number(self, group: int, number: signal.Signals) -> None:
        """Send a signal to process group ``group``."""
        os.killpg(group, number)

    def spawn(self, command: Sequence[str], env: Mapping[str, str], files: Sequence[int]) -> int:
        """Start ``command`` in a session of its own and return its pid; ``files`` become 0, 1 and 2.

        Raises:
            OSError: no process could be created.
        """
        return os.posix_spawn(
            command[0],
            list(command),
            dict(env),
            file_actions=[(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(files)],
            setsid=True,
            setsigmask=[],
            setsigdef=RESET_SIGNALS,
        )

    def exit_code(self, pid: int) -> int | None:
        """Return the exit code of the ended child ``pid``; ``None`` without one, or if it is no child."""
        with suppress(ChildProcessError):
            found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is not None and found.si_code == os.CLD_EXITED:
                return found.si_status
        return None

    def collect(self, pid: int) -> None:
        """Collect the child ``pid`` if it has ended: from then on its pid is free."""
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)

    def find_program(self, name: str, path: str | None) -> str | None:
        """Return the executable program ``name`` in the directories of ``path``, or ``None``."""
        return shutil.which(name, path=path)

    def port_error(self, port: int) -> OSError | None:
        """Return why TCP ``port`` cannot be bound at all addresses; ``None`` if it can."""
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # A closed connection does not count as a user of the port.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("0.0.0.0", port))
            except OSError as error:
                return error
        return None

    def listening_ports(self) -> set[int]:
        """Return all TCP ports of this network namespace at which a program listens."""
        return procfs.listening_ports()

    def listener(self, port: int) -> str:
        """Return pid and command of the process that listens on ``port``; empty if none is visible."""
        return procfs.listener(port)

    def owners_of(self, host: str, port: int) -> set[int]:
        """Return the users of the sockets that a client of ``port`` at ``host`` may reach."""
        return tcp_table.owners_of(host, port)


LINUX: Kernel = LinuxKernel()
