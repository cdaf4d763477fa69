"""A task's shim: watched through a pidfd, which also signals its process group."""

import asyncio
import contextlib
import errno
import signal
from collections.abc import Callable
from pathlib import Path

from salt_o2.agent.launch import shim
from salt_o2.agent.process.process_scan import Shim
from salt_o2.core.messages.reports import Exit
from salt_o2.linux.kernel import LINUX, Kernel


class ProcessGroup:
    """A shim, which leads a session; this agent started or adopted it."""

    def __init__(self, pid: int, started: int, status: Path, kernel: Kernel = LINUX) -> None:
        """Manage shim ``pid`` that started at ``started`` ticks and writes to ``status``."""
        self.pid, self.started, self._status = pid, started, status
        self._kernel = kernel
        self.ended = asyncio.Event()
        """Set when the shim, and so the task, has ended."""
        self.exit = Exit()
        self._pidfd = -1
        self._is_watched = False

    @property
    def is_there(self) -> bool:
        """Whether the shim still runs."""
        return not self.ended.is_set() and self._kernel.is_alive(self.pid, self.started)

    @property
    def name(self) -> Shim:
        """Return the identity of the shim, running or ended."""
        return Shim(
            pid=self.pid, started=self.started, is_zombie=self._kernel.is_zombie(self.pid, self.started)
        )

    def watch(self, ended: Callable[[], None]) -> None:
        """Call ``ended`` when the shim ends, or now if it has already ended."""
        try:
            self._pidfd = self._kernel.open_process(self.pid)
        except ProcessLookupError:
            self._end(ended)
            return
        asyncio.get_running_loop().add_reader(self._pidfd, self._end, ended)
        self._is_watched = True
        if not self._kernel.is_alive(self.pid, self.started):
            self._end(ended)

    def forget(self) -> None:
        """Stop watching; the processes are not affected, and a shim that has ended is collected."""
        self._stop_watching()
        if self._pidfd >= 0:
            self._kernel.close_process(self._pidfd)
            self._pidfd = -1
        if self.ended.is_set():
            shim.collect(self.pid, self.started, self._kernel)

    async def child(self, patience_s: float = 10.0) -> int:
        """Return the pid of the program once it has replaced the shim's copy; otherwise the shim's pid.

        On a busy host a shim needs a second for its first step.
        """
        loop, pause_s = asyncio.get_running_loop(), 0.002
        until = loop.time() + patience_s
        while loop.time() < until and not self.ended.is_set():
            for found in self._kernel.children(self.pid):
                # An empty command line means that the process is in its exec.
                if self._kernel.command_line(found) not in ([], self._kernel.command_line(self.pid)):
                    return found
            await asyncio.sleep(pause_s)
            pause_s = min(1.5 * pause_s, 0.05)
        return self.pid

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to the shim's process group, and to no other group that gets its number.

        The handle names the group even if the shim has ended and the number belongs to another group.
        """
        if self._pidfd < 0:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            try:
                self._kernel.signal_group(self._pidfd, number)
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
                self._hit_by_number(number)

    def _hit_by_number(self, number: signal.Signals) -> None:
        """Send by number: before Linux 6.9 a group has no handle.

        The number is the shim's as long as the shim exists.
        """
        if self.is_there or self.name.is_zombie:
            self._kernel.signal_group_by_number(self.pid, number)

    def _end(self, ended: Callable[[], None]) -> None:
        self._stop_watching()
        self.exit = shim.read_status(self._status) or shim.exit_of(self.pid, self.started, self._kernel)
        self.ended.set()
        ended()

    def _stop_watching(self) -> None:
        if self._is_watched:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            self._is_watched = False
