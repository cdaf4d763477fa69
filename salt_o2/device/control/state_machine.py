"""State machine of a device, built with ``transitions`` from the one table."""

from collections.abc import Callable
from typing import Any

from transitions import Machine

from salt_o2.device.control.transitions import STATES, TRANSITIONS


class StateMachine:
    """State of one device. Call ``entered`` with the old and the new state after every transition."""

    state: str

    def __init__(self, entered: Callable[[str, str], None]) -> None:
        """Start in IDLE."""
        self._entered = entered
        table: list[Any] = [list(row) for row in TRANSITIONS]
        self._machine: Any = Machine(
            model=self, states=list(STATES), transitions=table, initial=STATES[0], auto_transitions=False
        )

    def apply(self, event: str) -> None:
        """Apply ``event``. Raise ``transitions.MachineError`` if the table has no such transition."""
        before = self.state
        self._machine.events[event].trigger(self)
        self._entered(before, self.state)
