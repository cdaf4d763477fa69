"""Run transitions: stage by stage, with the waits between them and the effects of failures.

    begin, open --> advance: close the wait --> dispatch the next batch --> run the next stage --> complete
                             ^                                                                  |
                             +------ a report, the end of a call, or a deadline ends the wait --+

A transition that fails leads to ERROR, or to DONE while the environment is being created. A modification that
fails leaves the environment in its state.
"""

from collections.abc import Sequence
from dataclasses import replace

from salt_o2.core.environment.command_issuer import CommandIssuer, send_commands
from salt_o2.core.environment.hook_runner import HookFailure, HookRunner
from salt_o2.core.environment.model import EnvironmentModel, ErrorRecord, StateEntry
from salt_o2.core.environment.modification import Modification
from salt_o2.core.environment.stages import (
    CleanHookTasks,
    EnterState,
    ForgetHookTasks,
    IdleTasks,
    MoveTasks,
    PrepareRun,
    RunHookTasks,
    Stage,
    StartCalls,
    stages_of,
)
from salt_o2.core.environment.transition import (
    FIRST_LATE_S,
    ActiveTransition,
    LateCommands,
    StageWait,
    TransitionSpec,
    WaitKind,
)
from salt_o2.core.errors import O2Error, TaskError
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.announcements import AnnounceState
from salt_o2.core.messages.effects import CompleteRequest, Effect, EndRun, OpenRun, ReleaseResources
from salt_o2.core.messages.inputs import CallEnded, Requested
from salt_o2.core.messages.reports import Failure
from salt_o2.core.pool.handover import split_idle, transfer_to_pool
from salt_o2.core.states import EnvironmentEvent, EnvironmentState, RunEndCause, TaskState, follow
from salt_o2.core.tasks.orders import OrderBatch, batch_for

_E, _S = EnvironmentEvent, EnvironmentState
MOST_ROLES = 10
"""Failed roles that the record of a run names at most."""
MOST_WARNINGS = 50
"""Failures of hooks that are not critical that an environment records since the last request."""


class TransitionEngine:
    """Writes ``model.state``, ``model.active``, ``model.error`` and ``model.warnings``."""

    def __init__(
        self, model: EnvironmentModel, issuer: CommandIssuer, hooks: HookRunner, modification: Modification
    ) -> None:
        """Run the transitions of ``model``."""
        self._model = model
        self._issuer = issuer
        self._hooks = hooks
        self._modification = modification

    def begin(self, request: Requested, error: str = "") -> list[Effect]:
        """Begin the first event of ``request``; the answer reports ``error``.

        Raises:
            IllegalTransitionError: if the state does not allow the event; the environment has not changed.
        """
        event = request.events[0]
        target = follow(self._model.state, event, f"environment {self._model.id}")
        if event is _E.GO_ERROR:
            self._model.error = request.reason or f"requested by {request.user or 'control'}"
        effects = self._open_run(request) if event is _E.START_ACTIVITY else []
        return effects + self.open(TransitionSpec(request=request, target=target, error=error))

    def open(self, spec: TransitionSpec) -> list[Effect]:
        """Open the transition of ``spec``, and advance it to its first wait."""
        source, moments = self._model.state, self._model.hooks.moments
        stages = stages_of(spec.event, source, spec.target, moments, keep=spec.request.keep)
        self._model.active = ActiveTransition.opened(spec, source, stages)
        return self.advance(spec.request.at)

    def drop_active(self) -> ActiveTransition | None:
        """Drop the transition under way without an answer to its request; return it."""
        active, self._model.active = self._model.active, None
        return active

    def advance(self, at: float) -> list[Effect]:
        """Advance the transition until it must wait, or no stage is left."""
        effects: list[Effect] = []
        while active := self._model.active:
            if active.wait:
                if not active.wait.is_over:
                    break
                effects += self._finish_wait(active, active.wait, at)
            elif active.batches:
                effects += self._dispatch(active, active.batches.popleft(), at)
            elif active.stages:
                effects += self._run_stage(active, active.stages.popleft(), at)
            else:
                effects += self._complete(active, at)
        return effects

    def due_resends(self, at: float) -> list[Effect]:
        """Return the commands of the current wait that are due to be resent."""
        wait = self._model.wait
        return wait.due_resends(at) if wait and at < wait.deadline else []

    def record_late_tasks(self, at: float) -> dict[TaskId, Failure]:
        """Return the failures of overdue tasks without which the transition continues; call it first.

        The commands that their hosts have not acknowledged become the late commands of the environment.
        """
        active, wait = self._model.active, self._model.wait
        if active is None or wait is None or at < wait.deadline or wait.failures:
            return {}
        tasks = self._model.tasks
        is_strict = wait.kind is WaitKind.HOOKS or active.event in (_E.EXIT, _E.MODIFY)
        if is_strict or any(map(tasks.is_required, wait.waiting)):
            return {}
        commands = {tasks.tasks[task].host for task in wait.waiting} & wait.unacknowledged.keys()
        self._model.late = LateCommands(
            revision=wait.revision,
            commands={host: wait.unacknowledged[host] for host in sorted(commands)},
            wake_at=at + FIRST_LATE_S,
        )
        return {task: self._timeout_failure(task, active.event, wait, at) for task in wait.waiting}

    def expire_wait(self, at: float) -> dict[TaskId, Failure]:
        """End the current wait if its deadline has passed.

        Return the failures that the transition does not handle: of tasks that a modification requires.
        """
        active, wait = self._model.active, self._model.wait
        if active is None or wait is None or at < wait.deadline:
            return {}
        failures = self._overdue_tasks(active.event, wait, at)
        wait.waiting.clear()
        wait.calls.clear()
        required = {task: why for task, why in failures.items() if self._model.modification_requires(task)}
        wait.failures |= {task: why for task, why in failures.items() if task not in required}
        return required

    def fail(self, reason: str, at: float, roles: Sequence[str] = ()) -> list[Effect]:
        """Go to ERROR because of ``reason``; fail a transition under way, and complete its request.

        ``roles`` are the paths of the roles that failed. An environment that is being created ends instead.
        """
        active, self._model.active = self._model.active, None
        self._model.last_error = ErrorRecord(at=at, text=reason)
        blank = Requested(at=at, request="", events=(_E.GO_ERROR,))
        request = replace(
            active.request if active else blank,
            at=at,
            reason=reason,
            run_end=RunEndCause.ERROR,
            failed_roles=tuple(sorted(roles)[:MOST_ROLES]),
        )
        if active is None:
            return self.begin(request)
        self._model.error = reason
        events: tuple[EnvironmentEvent, ...] = () if self._model.state is _S.ERROR else (_E.GO_ERROR,)
        events += (_E.EXIT,) if request.undo else ()
        if not events:  # RECOVER failed: the environment is in ERROR already.
            return complete_request(request, TaskError(reason))
        return self.begin(replace(request, events=events), error=reason)

    def finish_call(self, ended: CallEnded) -> list[Effect]:
        """Record the end of a call, and act on its failure."""
        failure = self._hooks.finish_call(ended)
        return self._handle_hook_failure(failure, ended.at) if failure else []

    # --- stages ---------------------------------------------------------------------------------

    def _run_stage(self, active: ActiveTransition, stage: Stage, at: float) -> list[Effect]:
        effects: list[Effect] = []
        match stage:
            case StartCalls(moment):
                effects, active.wait = self._hooks.start_calls(moment, at)
            case RunHookTasks(moment):
                effects, active.wait = self._hooks.start_tasks(moment, at)
            case CleanHookTasks(moment):
                effects = self._dispatch(active, self._hooks.cleanup_batch(moment), at)
            case ForgetHookTasks(moment):
                self._hooks.mark_cleaned(moment)
            case PrepareRun():
                self._prepare_run(active.event, at)
            case IdleTasks():
                # A task that does not reach STANDBY ends with the other tasks.
                idle = OrderBatch(goal=TaskState.STANDBY, tasks=self._model.tasks.transferable())
                effects = self._dispatch(active, idle, at)
            case MoveTasks():
                effects = self._hooks.cleanup_on_exit(active) + self._move_tasks(active, at)
            case EnterState():
                effects = self._enter_state(active, at)
        return effects

    def _prepare_run(self, event: EnvironmentEvent, at: float) -> None:
        if event is _E.START_ACTIVITY:
            self._model.run.prepare_start(at)
        elif event in (_E.STOP_ACTIVITY, _E.GO_ERROR):
            self._model.run.prepare_stop(at)

    def _move_tasks(self, active: ActiveTransition, at: float) -> list[Effect]:
        tasks, event = self._model.tasks, active.event
        if event is _E.MODIFY:
            effects, batch = self._modification.release_departing(active)
            return effects + self._dispatch(active, batch, at)
        if event is _E.RECOVER:
            tasks.restore_all()
        if event is _E.EXIT and active.request.keep:
            active.transferred = tasks.idle_since(active.idle_revision)
        moving = [task for task in tasks.participating(event) if task.id not in active.transferred]
        restarts = self._model.restarts
        batch = batch_for(event, moving, self._arguments(event, at), restarts.pending)
        restarts.cancel(list(restarts.pending))  # This transition restarts those tasks as well.
        if event is _E.GO_ERROR:
            # Running tasks are stopped; the environment is in ERROR at once and waits for no task.
            return send_commands(self._issuer.issue(batch, event))
        return self._dispatch(active, batch, at)

    def _arguments(self, event: EnvironmentEvent, at: float) -> dict[str, str]:
        run, planned = self._model.run, self._model.plan.variables
        if event is _E.START_ACTIVITY:
            return run.start_arguments(planned, at)
        return run.stop_arguments(planned, at) if event in (_E.STOP_ACTIVITY, _E.GO_ERROR) else {}

    def _dispatch(self, active: ActiveTransition, batch: OrderBatch | None, at: float) -> list[Effect]:
        """Send ``batch`` and wait for its tasks; without a batch, nothing is sent."""
        if batch is None:
            return []
        timeouts = self._model.timeouts
        commands = self._issuer.issue(batch, active.event)
        if batch.goal is TaskState.STANDBY:
            active.idle_revision = self._model.revision
        active.wait = StageWait(
            kind=WaitKind.SETTLED,
            revision=self._model.revision,
            since=at,
            deadline=at + timeouts.by_event[active.event] + timeouts.margin,
            acknowledge_s=timeouts.acknowledge,
            grace_s=timeouts.gather,
            waiting={task.id for task in batch.tasks},
            unacknowledged={command.host: command for command in commands},
            total=len(batch.tasks),
        )
        return send_commands(commands)

    def _enter_state(self, active: ActiveTransition, at: float) -> list[Effect]:
        model = self._model
        model.state = active.target
        if active.event is _E.START_ACTIVITY:
            self._mark_run_started(active)
        if active.event is _E.RECOVER:
            model.error = ""
        effects = self._end_run(active) if model.state is not _S.RUNNING else []
        if active.event is _E.MODIFY:
            return effects
        model.entered = StateEntry(at=at, user=active.request.user, reason=active.request.reason)
        reason = model.error if model.state is _S.ERROR else active.request.reason
        announcement = AnnounceState(
            environment=model.id, state=model.state, run_number=model.run.number, reason=reason
        )
        return [*effects, announcement]

    def _mark_run_started(self, active: ActiveTransition) -> None:
        try:
            self._model.run.mark_started(self._model.plan.variables, active.request.at)
        except O2Error as error:
            active.error = f"the run will not stop by itself: auto_stop_timeout: {error}"

    def _open_run(self, request: Requested) -> list[Effect]:
        self._model.run.number = request.run_number
        if request.run_number is None:
            return []
        return [OpenRun(run_number=request.run_number, started=request.at, user=request.user)]

    def _end_run(self, active: ActiveTransition) -> list[Effect]:
        number, request = self._model.run.end(), active.request
        self._model.incidents.end_run()
        if number is None:
            return []
        began = active.source is _S.RUNNING
        failed = self._model.state is _S.ERROR
        ended = EndRun(
            run_number=number,
            state=self._model.state,
            cause=request.run_end if began else RunEndCause.NEVER_STARTED,
            # An error of control is not the wish of the user whose request failed.
            user="" if request.run_end is not RunEndCause.REQUESTED else request.user,
            reason=self._model.error if failed else request.reason,
            failed_roles=request.failed_roles,
        )
        return [ended]

    # --- the end of a transition ----------------------------------------------------------------

    def _complete(self, active: ActiveTransition, at: float) -> list[Effect]:
        """End the transition; begin the next event of its request, or answer it."""
        self._model.active = None
        effects: list[Effect] = []
        if active.error:
            self._model.last_error = ErrorRecord(at=at, text=active.error)
        if active.event is _E.MODIFY:
            effects += self._modification.finish()
        if self._model.state is _S.DONE:
            effects += self._release_everything(active)
        request = replace(active.request, at=at, events=active.following_events)
        if not request.events:
            error = TaskError(active.error) if active.error else None
            effects += complete_request(active.request, error)
            return effects + self._continue_automatically(active.event, at)
        try:
            return effects + self.begin(request, active.error)
        except O2Error as error:
            return effects + complete_request(request, error)

    def _release_everything(self, active: ActiveTransition) -> list[Effect]:
        """Cancel pending calls, transfer idle tasks to the pool, and release all other resources."""
        model = self._model
        effects = self._hooks.cancel_calls()
        idle, others = split_idle(model.tasks, active.transferred)
        if others.tasks:
            effects += send_commands(self._issuer.issue(others, _E.EXIT))
        effects += transfer_to_pool(model.tasks, idle, model.id, model.revision, active.request.user)
        return [*effects, ReleaseResources(environment=model.id)]

    def _continue_automatically(self, ended: EnvironmentEvent, at: float) -> list[Effect]:
        """End an automatic environment after its run, or after an error."""
        model = self._model
        if not model.automatic or model.active:
            return []
        if model.state is _S.ERROR:
            return self.begin(Requested(at=at, request="", events=(_E.EXIT,), reason="automatic"))
        if ended is _E.STOP_ACTIVITY:
            return self.begin(Requested(at=at, request="", events=(_E.RESET, _E.EXIT), reason="automatic"))
        return []

    def _overdue_tasks(self, event: EnvironmentEvent, wait: StageWait, at: float) -> dict[TaskId, Failure]:
        """Return the failures of overdue tasks; a task that is not required fails only EXIT and MODIFY."""
        tasks, hooks = self._model.tasks, wait.kind is WaitKind.HOOKS
        if wait.failures and event is not _E.MODIFY and not hooks:
            return {}
        strict = hooks or event in (_E.EXIT, _E.MODIFY)
        return {
            task: self._timeout_failure(task, event, wait, at)
            for task in wait.waiting
            if strict or tasks.is_required(task)
        }

    def _timeout_failure(self, task: TaskId, event: EnvironmentEvent, wait: StageWait, at: float) -> Failure:
        tasks = self._model.tasks
        unacknowledged = tasks.tasks[task].host in wait.unacknowledged
        return tasks.timeout_failure(task, event, at - wait.since, unacknowledged)

    # --- failures -------------------------------------------------------------------------------

    def _finish_wait(self, active: ActiveTransition, wait: StageWait, at: float) -> list[Effect]:
        """Remove a wait that is over, and handle the failures that it collected."""
        active.wait = None
        if not wait.failures:
            return []
        tasks = self._model.tasks
        reason = tasks.describe_failures(f"{active.event} of environment {self._model.id}", wait.failures)
        roles = [tasks.tasks[task].path for task in wait.failures]
        if wait.kind is WaitKind.HOOKS:
            critical = any(tasks.tasks[task].critical for task in wait.failures)
            return self._handle_task_hook_failure(active, HookFailure(reason, critical, roles), at)
        if active.event is _E.MODIFY:
            return self._modification.drop_failed(active, wait.failures, reason, at)
        if active.tolerates_failures:
            active.add_error(reason)
            self._model.error = "\n".join(filter(None, (self._model.error, reason)))
            return []
        return self.fail(reason, at, roles)

    def _handle_hook_failure(self, failure: HookFailure, at: float) -> list[Effect]:
        """Fail if the hook is critical; on the way to DONE or to ERROR, only report the failure."""
        active, state = self._model.active, self._model.state
        if not failure.critical:
            self._warn(active, failure)
            return []
        if active is None:
            ended = state in (_S.ERROR, _S.DONE)
            return [] if ended else self.fail(failure.reason, at, failure.roles)
        if active.tolerates_failures:
            active.add_error(failure.reason)
            return []
        head = f"{active.event} of environment {self._model.id} failed: "
        # The failure of a task hook contains the heading already.
        return self.fail(head + failure.reason.removeprefix(head), at, failure.roles)

    def _warn(self, active: ActiveTransition | None, failure: HookFailure) -> None:
        """Record the failure of a hook that is not critical, for the requester and the environment's view."""
        model = self._model
        during = f"{active.event} of environment {model.id}" if active else f"environment {model.id}"
        reason = failure.reason.removeprefix(f"{during} failed: ")
        if len(model.warnings) < MOST_WARNINGS:
            model.warnings = (*model.warnings, f"during {during}, not critical: {reason}")

    def _handle_task_hook_failure(
        self, active: ActiveTransition, failure: HookFailure, at: float
    ) -> list[Effect]:
        # The next stage or GO_ERROR stops a task hook that overran its time; in ERROR neither follows.
        last = failure.critical and self._model.state is _S.ERROR and not active.tolerates_failures
        return (self._hooks.stop_all() if last else []) + self._handle_hook_failure(failure, at)


def complete_request(request: Requested, error: O2Error | None) -> list[Effect]:
    """Return the effect that completes ``request``, if a requester waits for it."""
    return [CompleteRequest(request=request.request, error=error)] if request.request else []
