"""Define what of an environment survives a restart of control, and restore it.

The states of tasks are not part of a snapshot: the agents own them and report them again.
"""

from dataclasses import dataclass, field

from salt_o2.core.environment.environment import Environment
from salt_o2.core.environment.model import ErrorRecord, StateEntry
from salt_o2.core.ids import EnvironmentId, TaskId
from salt_o2.core.messages.inputs import Modified, Requested
from salt_o2.core.plan.plan import Plan, PlannedTask
from salt_o2.core.plan.timeouts import Timeouts
from salt_o2.core.states import EnvironmentEvent, EnvironmentState
from salt_o2.core.tasks.incidents import LastFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The data of an environment that control owns, beside its plan."""

    state: EnvironmentState
    revision: int
    run_number: int | None = None
    reserved_run: int | None = None
    """The number of the run that one of ``pending`` is to begin."""
    starts: int = 0
    error: str = ""
    warnings: tuple[str, ...] = ()
    pending: tuple[EnvironmentEvent, ...] = ()
    """The transition under way, and the events that follow it."""
    undo: bool = False
    keep: bool = False
    asked_by: str = ""
    automatic: bool = False
    stop_at: float | None = None
    variables: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    excluded: dict[TaskId, str] = field(default_factory=dict)
    lost: dict[TaskId, str] = field(default_factory=dict)
    ignored: tuple[TaskId, ...] | None = None
    """The lost tasks whose failures are ignored; ``None``, as older versions wrote, means all lost tasks."""
    restarts: dict[TaskId, list[float]] = field(default_factory=dict)
    leaving: tuple[PlannedTask, ...] = ()
    """Tasks that are not in the plan any more and whose end is awaited."""
    may_exclude: tuple[TaskId, ...] = ()
    """Tasks that the modification under way excludes if they cannot join."""
    hooks: tuple[TaskId, ...] = ()
    """Task hooks that were started and have not ended."""
    entered: StateEntry = field(default_factory=StateEntry)
    last_error: ErrorRecord | None = None
    restart_counts: dict[str, int] = field(default_factory=dict)
    """How often the task of each role was restarted; ``restarts`` has only recent ones, for the budget."""
    failures: dict[str, LastFailure] = field(default_factory=dict)


def capture(environment: Environment) -> Snapshot:
    """Return the snapshot of ``environment``."""
    model = environment.model
    request = model.active.request if model.active else None
    return Snapshot(
        state=model.state,
        revision=model.revision,
        run_number=model.run.number,
        reserved_run=request.run_number if request else None,
        starts=model.run.starts,
        error=model.error,
        warnings=model.warnings,
        pending=request.events if request else (),
        undo=request.undo if request else False,
        keep=request.keep if request else False,
        asked_by=request.user if request else "",
        automatic=model.automatic,
        stop_at=model.run.stop_at,
        variables=dict(model.run.variables),
        arguments=dict(model.run.arguments),
        excluded=dict(model.tasks.excluded),
        lost=dict(model.tasks.lost),
        ignored=tuple(sorted(model.tasks.participation.ignored)),
        restarts={task: list(times) for task, times in model.restarts.history.items()},
        leaving=model.tasks.departing(),
        may_exclude=tuple(sorted(model.active.may_exclude)) if model.active else (),
        hooks=tuple(sorted(model.hooks.started_tasks)),
        entered=model.entered,
        last_error=model.last_error,
        restart_counts=dict(model.incidents.restarts),
        failures=dict(model.incidents.failures),
    )


def restore(
    id: EnvironmentId, plan: Plan, snapshot: Snapshot, timeouts: Timeouts | None = None
) -> Environment:
    """Return the restored environment; ``resume`` returns the request for its pending transition."""
    environment = Environment(id, plan, timeouts)
    model, tasks = environment.model, environment.model.tasks
    tasks.install_plan(plan, {}, departing=snapshot.leaving)
    model.state = snapshot.state
    model.revision = snapshot.revision
    model.run.number = snapshot.run_number
    model.run.starts = snapshot.starts
    model.error = snapshot.error
    model.warnings = snapshot.warnings
    model.automatic = snapshot.automatic
    model.run.stop_at = snapshot.stop_at
    model.run.variables = dict(snapshot.variables)
    model.run.arguments = dict(snapshot.arguments)
    for task, reason in snapshot.excluded.items():
        if task in tasks.tasks:
            tasks.exclude_task(task, reason)
    tasks.recall_losses(snapshot.lost, snapshot.lost if snapshot.ignored is None else snapshot.ignored)
    model.hooks.started_tasks = set(snapshot.hooks)
    model.entered, model.last_error = snapshot.entered, snapshot.last_error
    model.incidents.restore(snapshot.restart_counts, snapshot.failures)
    model.restarts.history = {task: list(times) for task, times in snapshot.restarts.items()}
    return environment


def resume(snapshot: Snapshot, plan: Plan, at: float) -> Requested | Modified | None:
    """Return the request that resumes the interrupted transition, if there was one.

    A modification resumes by ordering every task to its goal: most tasks have reached it already. Departing
    tasks continue to depart, to the pool or to their end.
    """
    if not snapshot.pending:
        return None
    if snapshot.pending[0] is EnvironmentEvent.MODIFY:
        return Modified(
            at=at,
            request="",
            plan=plan,
            excluded=snapshot.excluded,
            user=snapshot.asked_by,
            thorough=True,
            keep=snapshot.keep,
            may_exclude=snapshot.may_exclude,
        )
    return Requested(
        at=at,
        request="",
        events=snapshot.pending,
        user=snapshot.asked_by,
        run_number=snapshot.reserved_run if snapshot.run_number is None else snapshot.run_number,
        undo=snapshot.undo,
        keep=snapshot.keep,
        reason="control was restarted",
    )
