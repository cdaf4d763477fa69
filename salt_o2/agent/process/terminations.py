"""The ends of processes that no task of the agent has, as long as they are under way.

An order to end a task that the agent does not know makes it look for processes of that task and end them. It
takes a moment, and an order to start a task of the same name may come meanwhile. That task waits here, so its
own processes are never among those that are ended. An agent that stops cancels them: they know nothing of
what the next agent starts.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from salt_o2.concurrency.background_loops import spawn


class Terminations:
    """The ends that are under way, by the folder of the task."""

    def __init__(self) -> None:
        """None is under way."""
        self._last: dict[Path, asyncio.Task[None]] = {}
        self._all: set[asyncio.Task[None]] = set()

    def begin(self, folder: Path, work: Callable[[], Awaitable[None]]) -> None:
        """Carry ``work`` out, after all that was begun for ``folder`` before."""
        ending = spawn(f"an end in {folder}", self._after(self._last.get(folder), work), self._all)
        self._last[folder] = ending
        ending.add_done_callback(lambda ended: self._forget(folder, ended))

    async def _after(self, before: asyncio.Task[None] | None, work: Callable[[], Awaitable[None]]) -> None:
        if before is not None:
            await asyncio.wait({before})
        await work()

    def _forget(self, folder: Path, ended: asyncio.Task[None]) -> None:
        if self._last.get(folder) is ended:
            del self._last[folder]

    def is_under_way(self, folder: Path) -> bool:
        """Return whether processes of the task in ``folder`` are being ended."""
        return folder in self._last

    async def over(self, folder: Path) -> None:
        """Wait until no end is under way in ``folder``."""
        while (ending := self._last.get(folder)) is not None:
            await asyncio.wait({ending})

    async def cancel(self) -> None:
        """Cancel all, and wait until they are over."""
        for ending in tuple(self._all):
            ending.cancel()
        await asyncio.gather(*self._all, return_exceptions=True)
