"""A task's processes: watched by pidfd, signalled as a group, and gone only when all are gone."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

from salt_o2.agent import procfs
from salt_o2.agent.keeper import read_status, reap
from salt_o2.core.escalation import Blow
from salt_o2.core.messages import Exit


class Process:
    """A keeper and all that runs in its session; ours by birth or by adoption."""

    def __init__(self, pid: int, started: int, status: Path) -> None:
        """Take charge of keeper ``pid`` that started at ``started`` ticks and writes to ``status``."""
        self.pid, self.started, self._status = pid, started, status
        self.gone = asyncio.Event()
        """Set when the keeper has ended, and so the task."""
        self.exit = Exit()
        self._pidfd = -1

    def watch(self, ended: Callable[[], None]) -> None:
        """Call ``ended`` as soon as the keeper ends, if it has not already."""
        try:
            self._pidfd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            self._end(ended)
            return
        asyncio.get_running_loop().add_reader(self._pidfd, self._end, ended)

    def forget(self) -> None:
        """Stop watching; the processes are not affected."""
        if self._pidfd >= 0:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1

    async def child(self, patience_s: float = 10.0) -> int:
        """Return the pid of the program, once it is that and not a copy of the keeper; else the keeper's.

        On a host that has much to do a keeper needs a second for its first step.
        """
        loop, pause_s = asyncio.get_running_loop(), 0.002
        until = loop.time() + patience_s
        keeper = procfs.command_line(self.pid)
        while loop.time() < until and not self.gone.is_set():
            for found in procfs.children(self.pid):
                if procfs.command_line(found) not in ([], keeper):  # none: in the middle of its exec
                    return found
            await asyncio.sleep(pause_s)
            pause_s = min(1.5 * pause_s, 0.05)
        return self.pid

    def owns(self, pid: int) -> bool:
        """Tell whether ``pid`` is one of these processes."""
        return procfs.session_of(pid) == self.pid

    def hit(self, number: signal.Signals) -> None:
        """Send a signal to the whole process group."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return

    async def end(self, blows: tuple[Blow, ...]) -> bool:
        """Deal out ``blows`` until the keeper has ended; tell whether it has."""
        for blow in blows:
            if blow.signal is not None:
                self.hit(blow.signal)
            try:
                async with asyncio.timeout(blow.wait_s):
                    await self.gone.wait()
            except TimeoutError:
                continue
            return True
        return self.gone.is_set()

    def _end(self, ended: Callable[[], None]) -> None:
        self.forget()
        self.exit = self._how_it_ended()
        self.gone.set()
        ended()

    def _how_it_ended(self) -> Exit:
        """The keeper must be reaped in any case, or it stays as a zombie."""
        keeper_exit = reap(self.pid)
        return read_status(self._status) or keeper_exit
