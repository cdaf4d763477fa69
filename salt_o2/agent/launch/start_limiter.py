"""How many tasks of a host start at the same time.

A program that starts keeps a core busy. Two hundred that start at once on a few cores are ready no sooner,
and until they are nobody else gets a turn: no agent that beats, no minion that answers, no task in a run.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

AT_LEAST, PER_CORE = 6, 3
TURN_S = 2.0
"""Who is not ready by then is waiting for something else, and has the next one start beside it."""


class StartLimiter:
    """Gives tasks their turn to start."""

    def __init__(self, most: int = 0, turn_s: float = TURN_S) -> None:
        """Let ``most`` start at the same time, by default three for each core; a turn lasts ``turn_s`` s."""
        self._free = asyncio.Semaphore(most or max(AT_LEAST, PER_CORE * len(os.sched_getaffinity(0))))
        self._turn_s = turn_s

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a turn, and keep it to the end of the block or of the turn, whichever comes first."""
        await self._free.acquire()
        over = asyncio.get_running_loop().call_later(self._turn_s, self._free.release)
        try:
            yield
        finally:
            if over.when() > asyncio.get_running_loop().time():
                over.cancel()
                self._free.release()
