"""FairMQ's states and steps, and which of them make up the transitions of a task.

The names are those of the OCC plugins, upper case with blanks. A FairMQ device never answers an event in a
state where the event is not allowed. So this table must contain exactly the events that may be sent:

    IDLE -INIT DEVICE-> INITIALIZING DEVICE -COMPLETE INIT-> INITIALIZED -BIND-> BOUND -CONNECT->
    DEVICE READY -INIT TASK-> READY -RUN-> RUNNING -STOP->
    READY -RESET TASK-> DEVICE READY -RESET DEVICE-> IDLE -END-> EXITING

ERROR is terminal: no request may be sent there, because any request would prevent the process from exiting.
"""

from dataclasses import replace

from salt_o2.core.states import TaskEvent, TaskState
from salt_o2.occ.fairmq_states import (
    BOUND,
    DEVICE_READY,
    ERROR,
    EXITING,
    IDLE,
    INITIALIZED,
    INITIALIZING_DEVICE,
    PASSING,
    READY,
    RUNNING,
)
from salt_o2.occ.transition_table import Move, TransitionTable

CONFIGURE = (
    Move("INIT DEVICE", IDLE, INITIALIZING_DEVICE, with_arguments=True),
    Move("COMPLETE INIT", INITIALIZING_DEVICE, INITIALIZED),
    Move("BIND", INITIALIZED, BOUND),
    Move("CONNECT", BOUND, DEVICE_READY),
    Move("INIT TASK", DEVICE_READY, READY),
)
START = Move("RUN", READY, RUNNING, with_arguments=True)
STOP = Move("STOP", RUNNING, READY, with_arguments=True)
RESET_TASK = Move("RESET TASK", READY, DEVICE_READY)
RESET_DEVICE = {
    state: Move("RESET DEVICE", state, IDLE, with_arguments=True)
    for state in (DEVICE_READY, BOUND, INITIALIZED)
}
ROLLBACK = {state: replace(move, with_arguments=False) for state, move in RESET_DEVICE.items()}
END = Move("END", IDLE, EXITING)

RESET = {
    READY: (RESET_TASK, RESET_DEVICE[DEVICE_READY]),
    DEVICE_READY: (RESET_DEVICE[DEVICE_READY],),
    BOUND: (RESET_DEVICE[BOUND],),
    INITIALIZED: (RESET_DEVICE[INITIALIZED],),
    INITIALIZING_DEVICE: (CONFIGURE[1], RESET_DEVICE[INITIALIZED]),
}
"""The walks start from all states in between too: a controller may have ended in the middle of CONFIGURE."""

TABLE = TransitionTable(
    ready=IDLE,
    task_states={
        IDLE: TaskState.STANDBY,
        READY: TaskState.CONFIGURED,
        RUNNING: TaskState.RUNNING,
        ERROR: TaskState.ERROR,
        EXITING: TaskState.DONE,
    },
    goals={
        TaskEvent.CONFIGURE: READY,
        TaskEvent.START: RUNNING,
        TaskEvent.STOP: READY,
        TaskEvent.RESET: IDLE,
        TaskEvent.EXIT: EXITING,
    },
    walks={
        TaskEvent.CONFIGURE: {IDLE: CONFIGURE}
        | {at: (ROLLBACK[at], *CONFIGURE) for at in (BOUND, DEVICE_READY)},
        TaskEvent.START: {READY: (START,)},
        TaskEvent.STOP: {RUNNING: (STOP,)},
        TaskEvent.RESET: RESET,
        TaskEvent.EXIT: {IDLE: (END,)} | {state: (*steps, END) for state, steps in RESET.items()},
    },
    passing=PASSING,
    rollback=ROLLBACK,
    worn_from=frozenset({INITIALIZED, INITIALIZING_DEVICE}),
    pushes_properties=True,
)
