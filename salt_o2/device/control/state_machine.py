"""The state machine of a device, held by ``transitions`` from the one table."""

from collections.abc import Callable
from typing import Any

from transitions import Machine

from salt_o2.device.control.transitions import STATES, TRANSITIONS


class StateMachine:
    """The state of one device; calls ``entered`` with the state before and the one after every move."""

    state: str

    def __init__(self, entered: Callable[[str, str], None]) -> None:
        """Begin in IDLE."""
        self._entered = entered
        table: list[Any] = [list(row) for row in TRANSITIONS]
        self._machine: Any = Machine(
            model=self, states=list(STATES), transitions=table, initial=STATES[0], auto_transitions=False
        )

    def take(self, event: str) -> None:
        """Follow ``event``; raise ``transitions.MachineError`` if the table has no such move."""
        before = self.state
        self._machine.events[event].trigger(self)
        self._entered(before, self.state)
