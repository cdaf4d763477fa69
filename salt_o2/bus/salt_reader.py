"""Wait for the end of Salt's own read loops, which end without notice.

Salt reads in a separate task for each callback. When a read fails in a way that Salt does not expect, that
task ends, at most with a line in the log, and no message is ever read again.
"""

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn

from salt_o2.concurrency.background_loops import LoopEnded

LOOK_S = 0.05
"""Polling interval in seconds. Salt starts its task shortly after the request."""


async def wait_for_end(client: Callable[[], Any], what: str) -> NoReturn:
    """Wait until a task in which Salt reads for ``client()``, a PublishClient of Salt, has ended.

    Raises:
        LoopEnded: the task has ended; ``what`` names the subject of the loop.
    """
    while not (tasks := tasks_of(client())):
        await asyncio.sleep(LOOK_S)
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    ended = done.pop()
    error = None if ended.cancelled() else ended.exception()
    raise LoopEnded(what, f"Salt reads no more of them: {error!r}" if error else "Salt reads no more of them")


def tasks_of(client: Any) -> list["asyncio.Task[Any]"]:
    """Return the tasks in which Salt reads for ``client``, over ZeroMQ, TCP or a unix socket."""
    by_callback = [task for _, task in getattr(client, "callbacks", {}).values()]  # ZeroMQ
    single = getattr(client, "on_recv_task", None)  # TCP and unix sockets
    return [*by_callback, single] if single is not None else by_callback
