"""Run long waits in a separate thread."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


class RunsInLine:
    """Marks an event loop whose executor runs functions in the thread of the loop."""


async def run_in_daemon_thread(function: Callable[..., T], *arguments: object) -> T:
    """Return what ``function`` returns, or raise what it raises.

    Like ``asyncio.to_thread``, but without using a thread of the shared pool. A process that exits does not
    wait for the thread. An event loop of simulated time has no threads: its own executor runs the function.
    """
    loop = asyncio.get_running_loop()
    if isinstance(loop, RunsInLine):
        return await loop.run_in_executor(None, function, *arguments)
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.done():
            return  # no task waits for the result any more
        if error is None:
            done.set_result(result)  # type: ignore[arg-type]
        else:
            done.set_exception(error)

    def work() -> None:
        result, error = None, None
        try:
            result = function(*arguments)
        except BaseException as raised:  # Salt raises SystemExit where other libraries raise an error
            error = raised
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, daemon=True, name="aside").start()
    return await done
