"""Where the state of a device is written up, for the threads that answer its controller."""

from queue import SimpleQueue
from threading import Lock

from salt_o2.occ.fairmq_states import IDLE

Changes = SimpleQueue[str | None]


class Board:
    """The present state, and those who want to know every new one."""

    def __init__(self) -> None:
        """Begin in IDLE."""
        self._lock = Lock()
        self._listeners: list[Changes] = []
        self.state = IDLE

    def enter(self, state: str) -> None:
        """Write up ``state`` and tell everyone."""
        with self._lock:
            self.state = state
            for changes in self._listeners:
                changes.put(state)

    def subscribe(self, changes: Changes) -> None:
        """Put every state from now on into ``changes``."""
        with self._lock:
            self._listeners.append(changes)

    def unsubscribe(self, changes: Changes) -> None:
        """Stop doing so."""
        with self._lock:
            self._listeners.remove(changes)
