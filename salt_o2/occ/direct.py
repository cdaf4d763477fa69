"""libOCC's states and events: the table of tasks in direct mode, whose events are sent unchanged.

libOCC answers an event in a state where the event is not allowed. But it answers ok if that state is the one
that the event leads to (CONFIGURE in CONFIGURED): the device does nothing, and the new arguments are lost. So
an event that is not in this table is never sent.
"""

from salt_o2.core.states import TaskEvent, TaskState
from salt_o2.occ.transition_table import Move, TransitionTable

STANDBY, CONFIGURED, RUNNING, PAUSED, ERROR, DONE = (
    "STANDBY",
    "CONFIGURED",
    "RUNNING",
    "PAUSED",
    "ERROR",
    "DONE",
)

MOVES: tuple[tuple[TaskEvent, str, str], ...] = (
    (TaskEvent.CONFIGURE, STANDBY, CONFIGURED),
    (TaskEvent.START, CONFIGURED, RUNNING),
    (TaskEvent.STOP, RUNNING, CONFIGURED),
    (TaskEvent.RESET, CONFIGURED, STANDBY),
    (TaskEvent.RECOVER, ERROR, STANDBY),
    (TaskEvent.EXIT, STANDBY, DONE),
    (TaskEvent.EXIT, CONFIGURED, DONE),
    (TaskEvent.EXIT, ERROR, DONE),
)

TABLE = TransitionTable(
    ready=STANDBY,
    task_states={
        STANDBY: TaskState.STANDBY,
        CONFIGURED: TaskState.CONFIGURED,
        RUNNING: TaskState.RUNNING,
        ERROR: TaskState.ERROR,
        DONE: TaskState.DONE,
    },
    goals={event: target for event, _, target in MOVES},
    walks={
        event: {
            source: (Move(event.value, source, target, with_arguments=True),)
            for asked, source, target in MOVES
            if asked is event
        }
        for event in TaskEvent
    },
    passing=frozenset({"UNDEFINED"}),
)
