"""Waits for processes that are in the middle of their exec: they show neither arguments nor variables.

posix_spawn(3) returns at that moment, so this is normal for a process that has just been started. Until the
exec ends, the process cannot be identified by its command line or by the mark in its environment.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from salt_o2.linux.kernel import LINUX, Kernel

T = TypeVar("T")
PATIENCE_S = 10.0
"""How long an exec may take on a busy host."""
PAUSE_S = 0.002


async def shown(
    pid: int, read: Callable[[int], T], patience_s: float = PATIENCE_S, kernel: Kernel = LINUX
) -> T:
    """Return the result of ``read`` for ``pid``; while it is empty because of an exec, read again.

    After ``patience_s`` seconds an empty result is final.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + patience_s
    while not (found := read(pid)) and kernel.is_in_exec(pid) and clock() < until:
        await asyncio.sleep(PAUSE_S)
    # The exec may have ended between the two reads.
    return found or read(pid)


async def find_by_argument(argument: str, kernel: Kernel = LINUX) -> list[int]:
    """Return the processes that have exactly ``argument`` on their command lines."""
    wanted = argument.encode()
    return [pid for pid in kernel.pids() if wanted in await shown(pid, kernel.command_line, kernel=kernel)]
