"""Start the calls and task hooks of each moment, and clean up after them."""

from collections.abc import Sequence
from dataclasses import dataclass

from salt_o2.core.environment.command_issuer import CommandIssuer, send_commands
from salt_o2.core.environment.model import EnvironmentModel
from salt_o2.core.environment.transition import ActiveTransition, StageWait, WaitKind
from salt_o2.core.messages.effects import CallIntegration, CancelCall, Effect
from salt_o2.core.messages.inputs import CallEnded
from salt_o2.core.plan.moments import Moment
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.states import EnvironmentEvent, TaskState
from salt_o2.core.tasks.orders import OrderBatch


@dataclass(frozen=True, slots=True)
class HookFailure:
    """A call or task hook that failed."""

    reason: str
    critical: bool
    roles: Sequence[str] = ()
    """The paths of the roles whose hooks failed."""


class HookRunner:
    """Runs the hooks of ``model.hooks``; it neither starts nor ends a transition."""

    def __init__(self, model: EnvironmentModel, issuer: CommandIssuer) -> None:
        """Run the hooks of ``model`` with commands of ``issuer``."""
        self._model = model
        self._issuer = issuer

    def start_calls(self, moment: Moment, at: float) -> tuple[list[Effect], StageWait | None]:
        """Start the calls of ``moment``; return them with the wait for the calls that it awaits."""
        model, hooks = self._model, self._model.hooks
        started = hooks.register_calls(moment, at)
        effects: list[Effect] = [
            CallIntegration(
                environment=model.id,
                call=name,
                planned=planned,
                variables=planned.variables | model.run.variables,
            )
            for name, planned in started.items()
        ]
        awaited = hooks.calls_awaited_at(moment)
        if not awaited:
            return effects, None
        deadline = max(hooks.pending_calls[name].deadline for name in awaited)
        wait = StageWait(kind=WaitKind.CALLS, since=at, deadline=deadline, calls=awaited, total=len(awaited))
        return effects, wait

    def finish_call(self, ended: CallEnded) -> HookFailure | None:
        """Record the end of a call; return its failure, or ``None`` if it succeeded or was cancelled."""
        call = self._model.hooks.pending_calls.pop(ended.call, None)
        if call is None:
            return None
        if call.planned.result and not ended.error:
            self._model.run.variables[call.planned.result] = ended.result
        if self._model.wait:
            self._model.wait.calls.discard(ended.call)
        if not ended.error:
            return None
        reason = f"call {call.planned.func} of role {call.planned.path} failed: {ended.error}"
        return HookFailure(reason, call.planned.critical, (call.planned.path,))

    def overdue_calls(self, at: float) -> list[CallEnded]:
        """Return the ends of the pending calls whose deadline has passed; the caller finishes each."""
        pending = self._model.hooks.pending_calls
        return [
            CallEnded(at=at, call=name, error=f"it exceeded its timeout of {call.planned.timeout_s:g} s")
            for name, call in pending.items()
            if call.deadline <= at
        ]

    def cancel_calls(self) -> list[Effect]:
        """Cancel all pending calls."""
        effects: list[Effect] = [CancelCall(call=name) for name in self._model.hooks.pending_calls]
        self._model.hooks.pending_calls.clear()
        return effects

    def start_tasks(self, moment: Moment, at: float) -> tuple[list[Effect], StageWait | None]:
        """Start the task hooks of ``moment``; return the commands with the wait for the ends of the hooks."""
        tasks = self._model.hooks.tasks_at(moment)
        if not tasks:
            return [], None
        self._model.hooks.started_tasks |= {task.id for task in tasks}
        batch = OrderBatch(
            goal=TaskState.RUNNING,
            tasks=tuple(tasks),
            launch=True,
            arguments=self._model.run.hook_arguments(),
        )
        limit = max(task.timeout_s for task in tasks)
        commands = self._issuer.issue_within(batch, limit)
        wait = StageWait(
            kind=WaitKind.HOOKS,
            revision=self._model.revision,
            since=at,
            deadline=at + limit,
            acknowledge_s=self._model.timeouts.acknowledge,
            waiting={task.id for task in tasks},
            unacknowledged={command.host: command for command in commands},
            total=len(tasks),
        )
        return send_commands(commands), wait

    def cleanup_batch(self, moment: Moment) -> OrderBatch | None:
        """Return the batch that stops the remaining task hooks of ``moment``."""
        tasks = self._model.hooks.tasks_at(moment)
        return OrderBatch(goal=TaskState.DONE, tasks=tuple(tasks)) if tasks else None

    def mark_cleaned(self, moment: Moment) -> None:
        """Record that no task hook of ``moment`` remains."""
        self._model.hooks.started_tasks -= {task.id for task in self._model.hooks.tasks_at(moment)}

    def cleanup_on_exit(self, active: ActiveTransition) -> list[Effect]:
        """Stop interrupted task hooks on the way to DONE or to ERROR; DONE waits until they have ended."""
        running_hooks = self._started_tasks()
        if active.event is EnvironmentEvent.EXIT and running_hooks:
            active.batches.append(OrderBatch(goal=TaskState.DONE, tasks=running_hooks))
        return self.stop_all() if active.event is EnvironmentEvent.GO_ERROR else []

    def stop_all(self) -> list[Effect]:
        """Order all started task hooks to end; do not wait for them."""
        running_hooks = self._started_tasks()
        if not running_hooks:
            return []
        batch = OrderBatch(goal=TaskState.DONE, tasks=running_hooks)
        return send_commands(self._issuer.issue(batch, EnvironmentEvent.EXIT))

    def _started_tasks(self) -> tuple[PlannedTask, ...]:
        tasks = self._model.tasks.tasks
        return tuple(tasks[id] for id in sorted(self._model.hooks.started_tasks) if id in tasks)
