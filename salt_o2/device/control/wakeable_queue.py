"""Wakes the thread that runs a device out of whatever it waits for, when something is asked of it."""

import os
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """A queue with a file descriptor that is readable as long as anything is in it."""

    def __init__(self) -> None:
        """Begin empty."""
        self._items: SimpleQueue[T] = SimpleQueue()
        self._counter = os.eventfd(0, os.EFD_SEMAPHORE | os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._counter

    def put(self, item: T) -> None:
        """Add ``item`` and wake who waits."""
        os.eventfd_write(self._counter, 1)  # first, so that get() finds it counted
        self._items.put(item)

    def get(self) -> T:
        """Take the oldest item, waiting for one."""
        item = self._items.get()
        os.eventfd_read(self._counter)
        return item

    def empty(self) -> bool:
        """Tell whether nothing is waiting."""
        return self._items.empty()

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._counter)
