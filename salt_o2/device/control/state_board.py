"""Current state of a device, for the threads that answer its controller."""

from queue import SimpleQueue
from threading import Lock

from salt_o2.occ.fairmq_states import IDLE

Changes = SimpleQueue[str | None]


class Board:
    """The current state and the subscribers to new states."""

    def __init__(self) -> None:
        """Start in IDLE."""
        self._lock = Lock()
        self._listeners: list[Changes] = []
        self.state = IDLE

    def enter(self, state: str) -> None:
        """Set ``state`` and notify all subscribers."""
        with self._lock:
            self.state = state
            for changes in self._listeners:
                changes.put(state)

    def subscribe(self, changes: Changes) -> None:
        """Put every later state into ``changes``."""
        with self._lock:
            self._listeners.append(changes)

    def unsubscribe(self, changes: Changes) -> None:
        """Stop putting states into ``changes``."""
        with self._lock:
            self._listeners.remove(changes)
