"""Limit of how many tasks of a host start at the same time.

A program that starts keeps a core busy. Two hundred programs that start at once on a few cores are ready no
sooner. Meanwhile no other process gets the processor: the agent sends no heartbeat, the minion does not
answer, and tasks in a run stall.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

AT_LEAST, PER_CORE = 6, 3
TURN_S = 2.0
"""A task that is not ready by then waits for something else. The next task starts beside it."""


class StartLimiter:
    """Gives tasks slots in which to start."""

    def __init__(self, most: int = 0, turn_s: float = TURN_S) -> None:
        """Let ``most`` tasks start at once, by default three for each core; a slot lasts ``turn_s`` s."""
        self._free = asyncio.Semaphore(most or max(AT_LEAST, PER_CORE * len(os.sched_getaffinity(0))))
        self._turn_s = turn_s

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a slot, and hold it to the end of the block or of the slot, whichever comes first."""
        await self._free.acquire()
        over = asyncio.get_running_loop().call_later(self._turn_s, self._free.release)
        try:
            yield
        finally:
            if over.when() > asyncio.get_running_loop().time():
                over.cancel()
                self._free.release()
