"""The states of a FairMQ device, as one table.

    IDLE -INIT DEVICE-> INITIALIZING DEVICE -COMPLETE INIT-> INITIALIZED -BIND-> (BINDING) BOUND
    -CONNECT-> (CONNECTING) DEVICE READY -INIT TASK-> (INITIALIZING TASK) READY -RUN-> RUNNING, and back

A state in brackets passes by itself when its work is done (AUTO). ERROR and EXITING are the ends.
"""

from collections.abc import Callable
from typing import Any

from transitions import Machine

from salt_o2.occ import fairmq as f

AUTO, ERROR_FOUND = "AUTO", "ERROR FOUND"
INIT_DEVICE, COMPLETE_INIT, BIND, CONNECT, INIT_TASK = (move.event for move in f.CONFIGURE)
RUN, STOP, RESET_TASK, RESET_DEVICE, END = "RUN", "STOP", "RESET TASK", "RESET DEVICE", "END"

TRANSITIONS: tuple[tuple[str, str | list[str], str], ...] = (
    # event, from, to
    (INIT_DEVICE, f.IDLE, f.INITIALIZING_DEVICE),
    (COMPLETE_INIT, f.INITIALIZING_DEVICE, f.INITIALIZED),
    (BIND, f.INITIALIZED, f.BINDING),
    (AUTO, f.BINDING, f.BOUND),
    (CONNECT, f.BOUND, f.CONNECTING),
    (AUTO, f.CONNECTING, f.DEVICE_READY),
    (INIT_TASK, f.DEVICE_READY, f.INITIALIZING_TASK),
    (AUTO, f.INITIALIZING_TASK, f.READY),
    (RUN, f.READY, f.RUNNING),
    (STOP, f.RUNNING, f.READY),
    (RESET_TASK, f.READY, f.RESETTING_TASK),
    (AUTO, f.RESETTING_TASK, f.DEVICE_READY),
    (RESET_DEVICE, [f.DEVICE_READY, f.BOUND, f.INITIALIZED], f.RESETTING_DEVICE),
    (AUTO, f.RESETTING_DEVICE, f.IDLE),
    (END, f.IDLE, f.EXITING),
)
ENDS = (f.ERROR, f.EXITING)
STATES = (
    *(f.IDLE, f.INITIALIZING_DEVICE, f.INITIALIZED, f.BINDING, f.BOUND, f.CONNECTING, f.DEVICE_READY),
    *(f.INITIALIZING_TASK, f.READY, f.RUNNING, f.RESETTING_TASK, f.RESETTING_DEVICE, *ENDS),
)
EVENTS = frozenset({event for event, _, _ in TRANSITIONS} - {AUTO} | {ERROR_FOUND})
"""What a controller may ask for, by name."""

TARGETS = {
    (source, event): target
    for event, sources, target in TRANSITIONS
    for source in ([sources] if isinstance(sources, str) else sources)
}


def target(state: str, event: str) -> str:
    """Return the state in which ``event`` from ``state`` ends, after all that passes by itself."""
    found = TARGETS.get((state, event), f.ERROR)
    return TARGETS.get((found, AUTO), found)


def possible(state: str, event: str) -> bool:
    """Tell whether a controller may ask for ``event`` in ``state``."""
    return (state, event) in TARGETS or (event == ERROR_FOUND and state not in ENDS)


DOWN = {
    f.RUNNING: STOP,
    f.READY: RESET_TASK,
    f.DEVICE_READY: RESET_DEVICE,
    f.BOUND: RESET_DEVICE,
    f.INITIALIZED: RESET_DEVICE,
    f.INITIALIZING_DEVICE: COMPLETE_INIT,
    f.IDLE: END,
}
"""The next step towards EXITING, which a device takes by itself when it is told to end by a signal."""


class StateMachine:
    """The state of one device; calls ``entered`` with the state before and the one after every move."""

    state: str

    def __init__(self, entered: Callable[[str, str], None]) -> None:
        """Begin in IDLE."""
        self._entered = entered
        alive = [state for state in STATES if state not in ENDS]
        table: list[Any] = [[event, source, target] for event, source, target in TRANSITIONS]
        self._machine: Any = Machine(
            model=self,
            states=list(STATES),
            transitions=[*table, [ERROR_FOUND, alive, f.ERROR]],
            initial=f.IDLE,
            auto_transitions=False,
        )

    def can(self, event: str) -> bool:
        """Tell whether ``event`` is possible now."""
        return possible(self.state, event)

    def take(self, event: str) -> None:
        """Follow ``event``; raise ``transitions.MachineError`` if the table has no such move."""
        before = self.state
        self._machine.events[event].trigger(self)
        self._entered(before, self.state)
