"""Waits for processes that are in the middle of their exec: they show neither arguments nor variables.

posix_spawn(3) returns in that moment, so it is the rule for a process that was started just now, not the
exception. What is known by its command line or by the mark in its environment is not known then.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from salt_o2.linux import procfs

T = TypeVar("T")
PATIENCE_S = 10.0
"""How long an exec may take on a host that has much to do."""
PAUSE_S = 0.002


async def shown(pid: int, read: Callable[[int], T], patience_s: float = PATIENCE_S) -> T:
    """Return what ``read`` finds of ``pid``; while it is nothing because of an exec, read again.

    After ``patience_s`` seconds nothing counts as nothing.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + patience_s
    while not (found := read(pid)) and procfs.is_in_exec(pid) and clock() < until:
        await asyncio.sleep(PAUSE_S)
    return found or read(pid)  # the exec may have ended between the two looks


async def find_by_argument(argument: str) -> list[int]:
    """Return the processes that have exactly ``argument`` on their command lines."""
    wanted = argument.encode()
    return [pid for pid in procfs.pids() if wanted in await shown(pid, procfs.command_line)]
