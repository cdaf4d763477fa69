"""Background loops: each runs as long as its engine. A loop that ends earlier, in any way, ends the engine.

    run_engine --> run_together --> loop "inbox", loop "requests", loop "control" --> run_together --> ...

A loop ends early when it returns, when it raises, or when its task is cancelled without a request: asyncio
treats the last one as an orderly end, and a TaskGroup does not report it. Here each of them raises
LoopEnded, which names the loop and the reason. The engine's process ends with it, and linux/supervisor.py
starts another process, which adopts all tasks or environments.

A coroutine that ends after some time, such as a question to one host, is no loop. It is started
with ``spawn``, which logs an exception that the coroutine did not handle.
"""

import asyncio
import logging
import signal
from collections.abc import Coroutine, Mapping
from typing import Any, NoReturn

log = logging.getLogger(__name__)

LOOP = "loop: "
"""Prefix of the names of loop tasks, for tests and for the inspection of a process that hangs."""
_ENDED = "salt_o2 loop that ended"
"""Key under which a lasting loop passes its error to the engine's exception handler."""

Work = Coroutine[Any, Any, Any]


class LoopEnded(RuntimeError):
    """A loop that must run as long as its engine has ended."""

    def __init__(self, name: str, reason: str) -> None:
        """Store the name of the loop and the reason of its end."""
        super().__init__(f"the loop {name!r} ended: {reason}")


def is_cancel_requested() -> bool:
    """Return whether some code asked the current task to end.

    A CancelledError without such a request comes from a future that the task waited for.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def run_together(loops: Mapping[str, Work]) -> NoReturn:
    """Run all ``loops``, by name, until the caller is cancelled; then cancel them and wait for their end.

    Raises:
        LoopEnded: one loop ended; the remaining loops were cancelled.
    """
    tasks = [asyncio.create_task(work, name=LOOP + name) for name, work in loops.items()]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    ended = next(task for task in tasks if task in done)
    raise _fault(ended) from _error_of(ended)


def keep_running(name: str, work: Work) -> asyncio.Task[None]:
    """Start one more loop; the caller cancels it when it is not needed any more.

    A loop that ends without that ends the engine, as a loop of ``run_together`` does.
    """
    task = asyncio.create_task(work, name=LOOP + name)
    task.add_done_callback(_report_early_end)
    return task


def spawn(name: str, work: Work, keep_in: set[asyncio.Task[Any]]) -> asyncio.Task[Any]:
    """Start ``work``, which ends without a request; ``keep_in`` holds its task until then.

    An exception that it does not handle is logged with ``name``.
    """
    task = asyncio.create_task(work, name=name)
    keep_in.add(task)
    task.add_done_callback(keep_in.discard)
    task.add_done_callback(_log_failure)
    return task


async def run_engine(engine: str, loops: Mapping[str, Work]) -> None:
    """Run ``loops`` of ``engine`` until SIGTERM or SIGINT; then cancel them and return.

    Raises:
        LoopEnded: a loop ended before; it is logged as the reason for which the engine ends.
    """
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(run_together(loops), name=engine)
    signals: list[int] = []
    faults: list[BaseException] = []

    def end_by_signal(number: int) -> None:
        signals.append(number)
        running.cancel()

    def end_by_fault(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if _ENDED not in context:
            loop.default_exception_handler(context)
            return
        faults.append(context[_ENDED])
        running.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end_by_signal, number)
    loop.set_exception_handler(end_by_fault)
    try:
        await running
    except asyncio.CancelledError:
        if signals:
            return
        if is_cancel_requested():
            raise
        faults.append(LoopEnded(engine, "it was cancelled without a request"))
    except LoopEnded as error:
        faults.append(error)
    finally:
        loop.set_exception_handler(None)
    log.critical("%s ends: %s. Tasks continue; another process takes over", engine, faults[0])
    raise faults[0]


def _fault(task: asyncio.Task[Any]) -> LoopEnded:
    name = task.get_name().removeprefix(LOOP)
    if task.cancelled():
        return LoopEnded(name, "it was cancelled without a request")
    error = task.exception()
    if error is None:
        return LoopEnded(name, "it returned, but must run as long as its engine")
    return LoopEnded(name, str(error) if isinstance(error, LoopEnded) else repr(error))


def _error_of(task: asyncio.Task[Any]) -> BaseException | None:
    return None if task.cancelled() else task.exception()


def _report_early_end(task: asyncio.Task[Any]) -> None:
    if task.cancelled() and task.cancelling():
        return
    fault = _fault(task)
    fault.__cause__ = _error_of(task)
    task.get_loop().call_exception_handler({"message": str(fault), "exception": fault, _ENDED: fault})


def _log_failure(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("%s failed: %r", task.get_name(), error, exc_info=error)
    elif task.cancelled() and not task.cancelling():
        log.error("%s was cancelled without a request", task.get_name())
