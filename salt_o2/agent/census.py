"""Which processes are left of tasks that have ended: one look at all processes for all who ask together.

A task may have forked children that left its process group but not its session. To see them means to look at
every process of the host, so two hundred tasks that end together must not look two hundred times.
"""

import asyncio
import os
import signal

from salt_o2.agent import procfs

LOOK_AFTER_S = 0.002


class Census:
    """Finds and ends what is left in sessions."""

    def __init__(self) -> None:
        """Nothing is asked yet."""
        self._next: asyncio.Task[dict[int, list[int]]] | None = None

    async def clear(self, session: int, patience_s: float = 5.0) -> list[int]:
        """Kill whatever is left in ``session``; return what is still there after ``patience_s`` seconds."""
        loop = asyncio.get_running_loop()
        until = loop.time() + patience_s
        while left := await self._left(session):
            if loop.time() > until:
                return left
            for pid in left:
                _kill(pid)
        return []

    async def _left(self, session: int) -> list[int]:
        if self._next is None or self._next.done():
            self._next = asyncio.create_task(_look())
        found = (await asyncio.shield(self._next)).get(session, [])
        return [pid for pid in found if procfs.start_ticks(pid) is not None]


async def _look() -> dict[int, list[int]]:
    await asyncio.sleep(LOOK_AFTER_S)
    return procfs.sessions()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
