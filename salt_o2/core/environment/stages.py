"""Define the stages of one transition, in order (AliECS handbook; A1.2).

    before_EVENT   hooks with weight < 0, control's own bookkeeping, hooks with weight >= 0
    leave_STATE    the same
    the tasks move
    the new state is entered
    enter_STATE    hooks
    after_EVENT    hooks

At a moment and weight, the calls triggered there start. The environment then waits for the calls awaited
there, and then runs the task hooks. A moment without calls and task hooks has no stage.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from salt_o2.core.plan.moments import Moment
from salt_o2.core.states import EnvironmentEvent, EnvironmentState


@dataclass(frozen=True, slots=True)
class StartCalls:
    """Start the calls triggered at a moment, and wait for those awaited there."""

    moment: Moment


@dataclass(frozen=True, slots=True)
class RunHookTasks:
    """Start the task hooks of a moment and wait for their ends."""

    moment: Moment


@dataclass(frozen=True, slots=True)
class CleanHookTasks:
    """Stop the remaining task hooks of a moment."""

    moment: Moment


@dataclass(frozen=True, slots=True)
class ForgetHookTasks:
    """Record that no task hook of a moment remains."""

    moment: Moment


@dataclass(frozen=True, slots=True)
class PrepareRun:
    """Set the variables of the run, before the tasks move."""


@dataclass(frozen=True, slots=True)
class IdleTasks:
    """Bring tasks that the pool may receive to STANDBY, before the other tasks end."""


@dataclass(frozen=True, slots=True)
class MoveTasks:
    """Move the tasks."""


@dataclass(frozen=True, slots=True)
class EnterState:
    """Enter the new state."""


Stage = (
    StartCalls
    | RunHookTasks
    | CleanHookTasks
    | ForgetHookTasks
    | PrepareRun
    | IdleTasks
    | MoveTasks
    | EnterState
)


def stages_of(
    event: EnvironmentEvent,
    source: EnvironmentState,
    target: EnvironmentState,
    moments: Iterable[Moment],
    *,
    keep: bool = False,
) -> list[Stage]:
    """Return the stages of a transition; ``moments`` are those at which the plan has hooks or calls.

    With ``keep``, EXIT first brings tasks to STANDBY, so that they can be transferred to the pool.
    """
    known = sorted(set(moments))
    before = [moment for moment in known if moment.name == f"before_{event}"]
    stages: list[Stage] = [
        *_hooks(moment for moment in before if moment.weight < 0),
        PrepareRun(),
        *_hooks(moment for moment in before if moment.weight >= 0),
    ]
    if event is EnvironmentEvent.EXIT:
        stages += _at("before_DESTROY", known)
    if source is not target:
        stages += _at(f"leave_{source}", known)
    if event is EnvironmentEvent.EXIT and keep:
        stages.append(IdleTasks())
    stages.append(MoveTasks())
    if event is EnvironmentEvent.EXIT:
        stages += _at("DESTROY", known)
    stages.append(EnterState())
    if source is not target:
        stages += _at(f"enter_{target}", known)
    stages += _at(f"after_{event}", known)
    if event is EnvironmentEvent.EXIT:
        stages += _at("after_DESTROY", known)
    return stages


_HOOK_STAGES: tuple[Callable[[Moment], Stage], ...] = (
    StartCalls,
    RunHookTasks,
    CleanHookTasks,
    ForgetHookTasks,
)


def _at(name: str, known: list[Moment]) -> list[Stage]:
    return _hooks(moment for moment in known if moment.name == name)


def _hooks(moments: Iterable[Moment]) -> list[Stage]:
    return [stage(moment) for moment in moments for stage in _HOOK_STAGES]
