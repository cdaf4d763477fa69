"""States and transitions of a FairMQ device: the one table behind the state machine and the replies.

    IDLE -INIT DEVICE-> INITIALIZING DEVICE -COMPLETE INIT-> INITIALIZED -BIND-> (BINDING) BOUND
    -CONNECT-> (CONNECTING) DEVICE READY -INIT TASK-> (INITIALIZING TASK) READY -RUN-> RUNNING, and back

The device leaves a state in brackets automatically when its work is done (AUTO). ERROR and EXITING are
final.
"""

from salt_o2.occ import fairmq_states as n

AUTO, ERROR_FOUND = "AUTO", "ERROR FOUND"
INIT_DEVICE, COMPLETE_INIT, BIND = "INIT DEVICE", "COMPLETE INIT", "BIND"
CONNECT, INIT_TASK, RUN, STOP = "CONNECT", "INIT TASK", "RUN", "STOP"
RESET_TASK, RESET_DEVICE, END = "RESET TASK", "RESET DEVICE", "END"

ENDS = (n.ERROR, n.EXITING)
STATES = (
    *(n.IDLE, n.INITIALIZING_DEVICE, n.INITIALIZED, n.BINDING, n.BOUND, n.CONNECTING, n.DEVICE_READY),
    *(n.INITIALIZING_TASK, n.READY, n.RUNNING, n.RESETTING_TASK, n.RESETTING_DEVICE, *ENDS),
)
TRANSITIONS: tuple[tuple[str, str, str], ...] = (
    # event, from, to
    (INIT_DEVICE, n.IDLE, n.INITIALIZING_DEVICE),
    (COMPLETE_INIT, n.INITIALIZING_DEVICE, n.INITIALIZED),
    (BIND, n.INITIALIZED, n.BINDING),
    (AUTO, n.BINDING, n.BOUND),
    (CONNECT, n.BOUND, n.CONNECTING),
    (AUTO, n.CONNECTING, n.DEVICE_READY),
    (INIT_TASK, n.DEVICE_READY, n.INITIALIZING_TASK),
    (AUTO, n.INITIALIZING_TASK, n.READY),
    (RUN, n.READY, n.RUNNING),
    (STOP, n.RUNNING, n.READY),
    (RESET_TASK, n.READY, n.RESETTING_TASK),
    (AUTO, n.RESETTING_TASK, n.DEVICE_READY),
    *((RESET_DEVICE, state, n.RESETTING_DEVICE) for state in (n.DEVICE_READY, n.BOUND, n.INITIALIZED)),
    (AUTO, n.RESETTING_DEVICE, n.IDLE),
    (END, n.IDLE, n.EXITING),
    *((ERROR_FOUND, state, n.ERROR) for state in STATES if state not in ENDS),
)
TARGETS = {(source, event): target for event, source, target in TRANSITIONS}
EVENTS = frozenset({event for event, _, _ in TRANSITIONS} - {AUTO})
"""Events that a controller may request by name."""

UP = (INIT_DEVICE, COMPLETE_INIT, BIND, CONNECT, INIT_TASK, RUN)
"""Events from IDLE to RUNNING."""
DOWN = {
    n.RUNNING: STOP,
    n.READY: RESET_TASK,
    n.DEVICE_READY: RESET_DEVICE,
    n.BOUND: RESET_DEVICE,
    n.INITIALIZED: RESET_DEVICE,
    n.INITIALIZING_DEVICE: COMPLETE_INIT,
    n.IDLE: END,
}
"""Next step towards EXITING. A device takes these steps automatically after a signal to end."""


def target(state: str, event: str) -> str:
    """Return the state in which ``event`` from ``state`` ends, after all automatic transitions."""
    found = TARGETS[state, event]
    return TARGETS.get((found, AUTO), found)


def possible(state: str, event: str) -> bool:
    """Return whether a controller may request ``event`` in ``state``."""
    return event in EVENTS and (state, event) in TARGETS
