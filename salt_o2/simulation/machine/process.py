"""Simulated operating system processes: several programs share one event loop, and each can be killed.

Each callback of the event loop belongs to the process in whose context it was scheduled. A killed process
runs no callback any more, not even its ``finally`` blocks; a stopped one runs none until it continues.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Coroutine
from typing import Any
from weakref import WeakSet

CURRENT: "contextvars.ContextVar[Program | None]" = contextvars.ContextVar("simulated program", default=None)
"""The program that the running callback belongs to; ``None`` is the simulator itself."""


class Died(BaseException):
    """The program was killed in the middle of a function; no code of the program catches this."""


class Program:
    """One process of the control system: an agent or control."""

    def __init__(self, name: str, clock_offset_s: float = 0.0) -> None:
        """Start a process called ``name``; its wall clock is ``clock_offset_s`` ahead."""
        self.name = name
        self.clock_offset_s = clock_offset_s
        self.alive = True
        self.frozen = False
        self.suspended: deque[Any] = deque()
        """Callbacks that wait for the end of a stop."""
        self.tasks: WeakSet[asyncio.Task[Any]] = WeakSet()
        self.turns_left: int | None = None
        """Callbacks until the process is killed, if a fault has decided that."""
        self.writes_left: int | None = None
        """Writes to the disk until the process is killed, if a fault has decided that."""
        self.dies_after_write = False
        """Whether it is killed after the last write instead of before."""
        self.is_disk_full = False
        self._dead: list[asyncio.Task[Any]] = []
        self.context = contextvars.copy_context()
        self.context.run(CURRENT.set, self)

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> "asyncio.Task[Any]":
        """Run ``work`` as a task of this process."""
        loop = asyncio.get_running_loop()
        task: asyncio.Task[Any] = self.context.run(loop.create_task, work, name=name)
        return task

    def dies_at_write(self) -> bool:
        """Count one write; return whether the process is killed at this one."""
        if self.writes_left is None:
            return False
        self.writes_left -= 1
        return self.writes_left < 0

    def kill(self) -> None:
        """End the process at once, as SIGKILL does."""
        self.alive = False
        self.suspended.clear()
        # A task that is collected runs its ``finally`` blocks, which a killed process does not.
        self._dead = list(self.tasks)

    def release_memory(self) -> None:
        """Release the memory of the process, after the simulation."""
        for task in {*self._dead, *self.tasks}:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            task._log_traceback = False
            coroutine = task.get_coro()
            try:
                if coroutine is not None and not task.done():
                    coroutine.close()
            except BaseException:
                pass
        self._dead.clear()


def current() -> Program | None:
    """Return the process that the running callback belongs to."""
    return CURRENT.get()
