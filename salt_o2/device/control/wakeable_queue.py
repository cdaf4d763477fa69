"""Queue that wakes the device's thread from any wait when a request arrives."""

import os
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """A queue with a file descriptor that is readable while the queue has items."""

    def __init__(self) -> None:
        """Create an empty queue."""
        self._items: SimpleQueue[T] = SimpleQueue()
        self._counter = os.eventfd(0, os.EFD_SEMAPHORE | os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._counter

    def put(self, item: T) -> None:
        """Add ``item`` and wake the waiting thread."""
        os.eventfd_write(self._counter, 1)  # count first, so that get() finds the item counted
        self._items.put(item)

    def get(self) -> T:
        """Wait for an item, then remove and return the oldest one."""
        item = self._items.get()
        os.eventfd_read(self._counter)
        return item

    def empty(self) -> bool:
        """Return whether the queue has no items."""
        return self._items.empty()

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._counter)
