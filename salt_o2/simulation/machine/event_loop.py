"""An event loop in virtual time: time jumps to the next timer, and the seed decides every order.

Callbacks of one process keep their order, as asyncio guarantees. Between processes the seed draws it.
Functions for threads run in the loop, after a delay from the seed.
"""

import asyncio
import contextvars
import heapq
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

from salt_o2.concurrency.daemon_thread import RunsInLine
from salt_o2.simulation.machine.process import CURRENT, Program

RESOLUTION_S = 1e-9
FIRST_FD = 1_000_000
"""Simulated descriptors have higher numbers than real ones."""
THREAD_S = 0.002
"""Mean time that a function takes in a thread."""


MOST_AT_ONCE = 100_000
"""Callbacks at one virtual time after which a program is known to run without end."""


class Starved(RuntimeError):
    """The time cannot advance, though the simulation has not ended."""


class Callback(asyncio.Handle):
    """A callback with the program that it belongs to.

    A simulation runs some fifty thousand callbacks. The handles of asyncio ask the loop for its debug mode
    several times for each of them.
    """

    __slots__ = ("program",)

    def __init__(self, callback: Any, args: Any, loop: Any, context: contextvars.Context | None) -> None:
        """Call ``callback`` with ``args`` in ``context``, by default in the present one."""
        self._context = contextvars.copy_context() if context is None else context
        self._loop, self._callback, self._args = loop, callback, args
        self._cancelled = False
        self._repr = self._source_traceback = None
        self.program: Program | None = self._context.get(CURRENT)

    def cancel(self) -> None:
        """Do not run, and release the memory."""
        self._cancelled = True
        self._callback, self._args = None, ()


class Timer(Callback):
    """A callback at a time."""

    __slots__ = ("at",)
    at: float

    def when(self) -> float:
        """Return the virtual time in seconds."""
        return self.at


class Descriptor:
    """A simulated file descriptor that becomes readable once and stays so."""

    def __init__(self) -> None:
        """Start without data."""
        self.is_readable = False
        self._handle: Callback | None = None

    def watch(self, loop: "VirtualLoop", handle: Callback) -> None:
        """Run ``handle`` when the descriptor is readable."""
        self._handle = handle
        if self.is_readable:
            loop.run_handle_soon(handle)

    def unwatch(self) -> bool:
        """Run no callback any more; return whether there was one."""
        handle, self._handle = self._handle, None
        if handle is not None:
            handle.cancel()
        return handle is not None

    def make_readable(self, loop: "VirtualLoop") -> None:
        """Become readable."""
        if not self.is_readable:
            self.is_readable = True
            if self._handle is not None:
                loop.run_handle_soon(self._handle)


class VirtualLoop(asyncio.BaseEventLoop, RunsInLine):
    """The event loop of one simulation."""

    def __init__(self, rng: Random) -> None:
        """Start at time 0; ``rng`` draws orders and delays."""
        super().__init__()
        self._now = 0.0
        self._clock_resolution = RESOLUTION_S
        self._rng = rng
        self._timers: list[tuple[float, int, Any]] = []
        """Timers by time, and in the order in which they were set."""
        self._sequence = 0
        self._descriptors: dict[int, Descriptor] = {}
        self._last_fd = FIRST_FD
        self.connect: Callable[[Any, str, int], Any] | None = None
        """Opens a simulated TCP connection; set by the network."""
        self.killed: Callable[[Program], None] = lambda _: None
        """Called when the countdown of a process has ended."""
        self.turns = self._turns_before = 0
        """Callbacks so far, and when the virtual time last advanced."""
        self.set_task_factory(_create_task)

    def time(self) -> float:
        """Return the virtual time in seconds."""
        return self._now

    # --- one turn -------------------------------------------------------------------------------

    def _run_once(self) -> None:
        timers, ready = self._timers, self._ready  # type: ignore[attr-defined]
        while not self._stopping:  # type: ignore[attr-defined]
            if not ready:
                while timers and timers[0][2]._cancelled:
                    heapq.heappop(timers)
                if not timers:
                    raise Starved("no callback is left that could run")
                if timers[0][0] > self._now:
                    self._now, self._turns_before = timers[0][0], self.turns
            if self.turns - self._turns_before > MOST_AT_ONCE:
                raise Starved(f"more than {MOST_AT_ONCE} callbacks ran, and no time passed")
            until = self._now + RESOLUTION_S
            while timers and timers[0][0] <= until:
                ready.append(heapq.heappop(timers)[2])
            if len(ready) == 1:
                self._run_one(ready.popleft())
            else:
                for handle in self._in_drawn_order(ready):
                    self._run_one(handle)

    def _in_drawn_order(self, ready: "deque[Callback]") -> list[Callback]:
        by_program: dict[int, list[Callback]] = {}
        for handle in ready:
            by_program.setdefault(id(handle.program), []).append(handle)
        ready.clear()
        groups = list(by_program.values())
        if len(groups) == 1:
            return groups[0]
        self._rng.shuffle(groups)
        return [handle for group in groups for handle in group]

    def _run_one(self, handle: Callback) -> None:
        if handle._cancelled:
            return
        program = handle.program
        if program is not None:
            if not program.alive:
                return
            if program.frozen:
                program.suspended.append(handle)
                return
            if program.turns_left is not None:
                program.turns_left -= 1
                if program.turns_left < 0:
                    self.killed(program)
                    return
        self.turns += 1
        try:
            handle._context.run(handle._callback, *handle._args)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            text = f"exception in callback {handle._callback!r}"
            self.call_exception_handler({"message": text, "exception": error, "handle": handle})

    def thaw(self, program: Program) -> None:
        """Let a stopped ``program`` continue."""
        program.frozen = False
        self._ready.extend(program.suspended)  # type: ignore[attr-defined]
        program.suspended.clear()

    def call_soon(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Any = None
    ) -> Callback:
        """Call ``callback`` in the next turn."""
        handle = Callback(callback, args, self, context)
        self._ready.append(handle)  # type: ignore[attr-defined]
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Any, *args: Any, context: Any = None
    ) -> Timer:
        """Call ``callback`` in ``delay`` seconds."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> Timer:
        """Call ``callback`` at the virtual time ``when``; of two at the same time the first goes first."""
        timer = Timer(callback, args, self, context)
        timer.at = when
        self._sequence += 1
        heapq.heappush(self._timers, (when, self._sequence, timer))
        return timer

    # --- what other event loops ask of the operating system -------------------------------------

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Any = None
    ) -> Callback:
        """Schedule ``callback``: there is one thread only."""
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Any, *args: Any
    ) -> "asyncio.Future[Any]":
        """Run ``func`` in the loop, after a delay that the seed draws."""
        future: asyncio.Future[Any] = self.create_future()

        def work() -> None:
            if future.done():
                return
            try:
                result = func(*args)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        self.call_later(self._rng.expovariate(1.0 / THREAD_S), work)
        return future

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> None:  # type: ignore[override]
        """Call ``callback`` when the simulated descriptor ``fd`` is readable."""
        self._descriptors[fd].watch(self, Callback(callback, args, self, None))

    def remove_reader(self, fd: Any) -> bool:
        """Stop to watch ``fd``."""
        found = self._descriptors.get(fd)
        return found is not None and found.unwatch()

    def open_descriptor(self, descriptor: Descriptor) -> int:
        """Return a new number for ``descriptor``; no number is ever used twice."""
        self._last_fd += 1
        self._descriptors[self._last_fd] = descriptor
        return self._last_fd

    def close_descriptor(self, fd: int) -> None:
        """Forget ``fd``."""
        self._descriptors.pop(fd, None)

    def run_handle_soon(self, handle: Callback) -> None:
        """Run ``handle`` in the next turn."""
        self._ready.append(handle)  # type: ignore[attr-defined]

    async def create_connection(
        self, protocol_factory: Any, host: Any = None, port: Any = None, **_: Any
    ) -> Any:
        """Open a connection in the simulated network.

        Raises:
            OSError: as the simulated network says.
        """
        assert self.connect is not None
        return await self.connect(protocol_factory, host, port)

    def _process_events(self, event_list: Any) -> None:
        """Do nothing: there are no events of a selector."""

    def _write_to_self(self) -> None:
        """Do nothing: no other thread wakes this loop."""

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Do nothing: there are no threads."""


def _create_task(loop: Any, work: Any, **more: Any) -> "asyncio.Task[Any]":
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **more)
    context = more.get("context")
    program: Program | None = context.get(CURRENT) if context is not None else CURRENT.get()
    if program is not None:
        program.tasks.add(task)
    return task
