"""Terminations in progress of processes that belong to no task of the agent.

An order to end an unknown task makes the agent search for processes of that task and stop them. This takes a
moment, and an order to start a task of the same name may arrive meanwhile. The new task waits here, so its
own processes are never among those that are stopped. An agent that stops cancels its terminations: they have
no information about tasks that the next agent starts.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from salt_o2.concurrency.background_loops import spawn


class Terminations:
    """Terminations in progress, by the directory of the task."""

    def __init__(self) -> None:
        """Start without terminations."""
        self._last: dict[Path, asyncio.Task[None]] = {}
        self._all: set[asyncio.Task[None]] = set()

    def begin(self, folder: Path, work: Callable[[], Awaitable[None]]) -> None:
        """Run ``work`` after all work that was started for ``folder`` before."""
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
        """Return whether processes of the task in ``folder`` are being stopped."""
        return folder in self._last

    async def over(self, folder: Path) -> None:
        """Wait until no termination is in progress in ``folder``."""
        while (ending := self._last.get(folder)) is not None:
            await asyncio.wait({ending})

    async def cancel(self) -> None:
        """Cancel all terminations, and wait until they have ended."""
        for ending in tuple(self._all):
            ending.cancel()
        await asyncio.gather(*self._all, return_exceptions=True)
