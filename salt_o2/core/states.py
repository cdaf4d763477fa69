"""Define the states of environments, tasks and roles, and the table of an environment's transitions.

Only TRANSITIONS decides where an event leads; docs/states.svg is drawn from it. The names are those of
AliECS, so its users and clients find them unchanged.
"""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from transitions import Machine

from salt_o2.core.errors import IllegalTransitionError


class EnvironmentState(StrEnum):
    """Where an environment is; PENDING is before its tasks are known."""

    PENDING = "PENDING"
    STANDBY = "STANDBY"
    DEPLOYED = "DEPLOYED"
    CONFIGURED = "CONFIGURED"
    RUNNING = "RUNNING"
    ERROR = "ERROR"
    DONE = "DONE"


class RunEndCause(StrEnum):
    """What ended a run."""

    REQUESTED = "requested"
    """A user or a rule of the site requested STOP, or another event that ends the run."""
    TIME_LIMIT = "time limit"
    """The time of the automatic stop has come."""
    END_OF_DATA = "end of data"
    POLICY = "recovery policy"
    """A task failed whose role stops the run then (``recovery: stop``)."""
    ERROR = "ERROR"
    NEVER_STARTED = "never started"
    """START_ACTIVITY failed: the environment did not reach RUNNING."""


class EnvironmentEvent(StrEnum):
    """What can be asked of an environment."""

    DEPLOY = "DEPLOY"
    CONFIGURE = "CONFIGURE"
    START_ACTIVITY = "START_ACTIVITY"
    STOP_ACTIVITY = "STOP_ACTIVITY"
    RESET = "RESET"
    RECOVER = "RECOVER"
    EXIT = "EXIT"
    GO_ERROR = "GO_ERROR"
    MODIFY = "MODIFY"
    """Some of its tasks change, the environment stays in its state."""


class TaskState(StrEnum):
    """Where a task or a role is; MIXED is only ever a role's. OCC's names for a task's states."""

    UNKNOWN = "UNKNOWN"
    STANDBY = "STANDBY"
    CONFIGURED = "CONFIGURED"
    RUNNING = "RUNNING"
    ERROR = "ERROR"
    DONE = "DONE"
    MIXED = "MIXED"


class TaskStatus(StrEnum):
    """Whether a task's process is there; PARTIAL is only ever a role's."""

    INACTIVE = "INACTIVE"
    PARTIAL = "PARTIAL"
    ACTIVE = "ACTIVE"
    UNDEPLOYABLE = "UNDEPLOYABLE"


class TaskEvent(StrEnum):
    """OCC's transitions of a task."""

    CONFIGURE = "CONFIGURE"
    START = "START"
    STOP = "STOP"
    RESET = "RESET"
    EXIT = "EXIT"
    RECOVER = "RECOVER"


class ControlMode(StrEnum):
    """How a task is driven: AliECS's ``control.mode`` of a task template."""

    DIRECT = "direct"
    FAIRMQ = "fairmq"
    BASIC = "basic"
    HOOK = "hook"


_S, _E = EnvironmentState, EnvironmentEvent
_ALIVE = (_S.PENDING, _S.STANDBY, _S.DEPLOYED, _S.CONFIGURED, _S.RUNNING)

TRANSITIONS: tuple[tuple[EnvironmentEvent, EnvironmentState, EnvironmentState], ...] = (
    # event, from, to
    (_E.DEPLOY, _S.STANDBY, _S.DEPLOYED),
    (_E.CONFIGURE, _S.DEPLOYED, _S.CONFIGURED),
    (_E.START_ACTIVITY, _S.CONFIGURED, _S.RUNNING),
    (_E.STOP_ACTIVITY, _S.RUNNING, _S.CONFIGURED),
    (_E.RESET, _S.CONFIGURED, _S.DEPLOYED),
    (_E.RECOVER, _S.ERROR, _S.CONFIGURED),
    *((_E.MODIFY, state, state) for state in (_S.DEPLOYED, _S.CONFIGURED, _S.RUNNING)),
    *((_E.EXIT, state, _S.DONE) for state in _S if state not in (_S.RUNNING, _S.DONE)),
    *((_E.GO_ERROR, state, _S.ERROR) for state in _ALIVE),
)

MACHINE = Machine(
    model=None,
    states=[state.value for state in EnvironmentState],
    transitions=[[event.value, source.value, target.value] for event, source, target in TRANSITIONS],
    initial=EnvironmentState.PENDING.value,
    auto_transitions=False,
)


def follow(state: EnvironmentState, event: EnvironmentEvent, subject: str) -> EnvironmentState:
    """Return the state that ``event`` leads ``subject`` to.

    Raises:
        IllegalTransitionError: if there is no such transition from ``state``.
    """
    found = MACHINE.events[event.value].transitions.get(state.value)
    if not found:
        raise IllegalTransitionError(subject, state, event, allowed_events(state))
    return EnvironmentState(str(found[0].dest))


def allowed_events(state: EnvironmentState) -> tuple[str, ...]:
    """Return the events that lead somewhere from ``state``, in the table's order."""
    return tuple(MACHINE.get_triggers(state.value))


def combine(left: TaskState | None, right: TaskState | None) -> TaskState | None:
    """Combine the states of two parts of a role; ``None`` is the state of a part without critical tasks.

    Commutative and associative, so the order in which task events arrive cannot change the result.
    ERROR takes precedence over every other state; two different states make MIXED.
    """
    if left is None or right is None:
        return left or right
    if left is right:
        return left
    return TaskState.ERROR if TaskState.ERROR in (left, right) else TaskState.MIXED


def combined(states: Iterable[TaskState]) -> TaskState | None:
    """Return the state of a role whose critical tasks have these ``states``."""
    result: TaskState | None = None
    for state in states:
        result = combine(result, state)
    return result


def combined_status(statuses: Counter[TaskStatus]) -> TaskStatus | None:
    """Return the status of a role from the number of its tasks in each status; ``None`` without tasks."""
    present = [status for status, count in statuses.items() if count]
    if not present:
        return None
    if TaskStatus.UNDEPLOYABLE in present:
        return TaskStatus.UNDEPLOYABLE
    return present[0] if len(present) == 1 else TaskStatus.PARTIAL
