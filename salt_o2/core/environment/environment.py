"""The state machine of one environment: inputs in, effects out. No I/O, no clock.

    Requested, Modified --> TransitionEngine: the stages of a transition, one after the other
                              stage: calls and task hooks (HookRunner), tasks --> effects, and a StageWait
                              of another plan: Modification
    TasksMoved, HostRenamed (ReportIntake), CallEnded --> the StageWait; then the next stage or event,
                              or CompleteRequest
    HostLost, RecoverTask, RescheduleFailed --> FailureHandler
    Tick ------------------> resends, deadlines, restarts that are due

A transition that fails leads to ERROR: running tasks are stopped, and the reason is stored and announced. If
it fails while the environment is being created (``undo``), the environment then ends, so that no process and
no resource remains. A modification that fails leaves the environment in its state, without the tasks that
could not join.
"""

from salt_o2.core.environment.command_issuer import CommandIssuer
from salt_o2.core.environment.failure_handler import FailureHandler
from salt_o2.core.environment.hook_runner import HookRunner
from salt_o2.core.environment.model import EnvironmentModel
from salt_o2.core.environment.modification import Modification
from salt_o2.core.environment.report_intake import ReportIntake
from salt_o2.core.environment.transition_engine import TransitionEngine, complete_request
from salt_o2.core.errors import InvalidRequestError, TaskError
from salt_o2.core.ids import EnvironmentId
from salt_o2.core.messages.effects import CancelCall, Effect
from salt_o2.core.messages.inputs import (
    CallEnded,
    HostLost,
    HostRenamed,
    HostSilent,
    Input,
    Modified,
    RecoverTask,
    Requested,
    RescheduleFailed,
    TasksMoved,
    Tick,
)
from salt_o2.core.plan.plan import Plan
from salt_o2.core.plan.timeouts import Timeouts
from salt_o2.core.states import EnvironmentEvent, RunEndCause, follow
from salt_o2.core.tasks.run_interruptions import RunInterruptions

_E = EnvironmentEvent
OVERTAKING = (_E.EXIT, _E.GO_ERROR)
"""Events that do not have to wait for the end of a transition under way."""


class Environment:
    """One environment; ``step`` is the only way to change it, and ``model`` holds its data."""

    def __init__(self, id: EnvironmentId, plan: Plan, timeouts: Timeouts | None = None) -> None:
        """Build the state machine of ``plan``; no task has started.

        Raises:
            InvalidRequestError: if a variable of the plan sets no valid restart budget.
        """
        self.model = model = EnvironmentModel.initial(id, plan, timeouts)
        issuer = CommandIssuer(model)
        self._hooks = HookRunner(model, issuer)
        self._interruptions = interruptions = RunInterruptions(model.tasks, model.incidents)
        self._modification = Modification(model, issuer, interruptions)
        self._engine = TransitionEngine(model, issuer, self._hooks, self._modification)
        self._failures = FailureHandler(model, issuer, interruptions, self._engine)
        self._reports = ReportIntake(model, interruptions, self._failures, self._engine)

    @property
    def wake_at(self) -> float | None:
        """When the next Tick is due, in seconds since the epoch; ``None`` without a deadline."""
        model = self.model
        due = [call.deadline for call in model.hooks.pending_calls.values()]
        if model.wait:
            due.append(model.wait.wake_at)
        if (late := model.late_commands) is not None:
            due.append(late.wake_at)
        if (restart_at := model.restarts.wake_at) is not None and model.accepts_restarts:
            due.append(restart_at)
        if model.run.stop_at is not None and model.active is None:
            due.append(model.run.stop_at)
        return min(due, default=None)

    def step(self, message: Input) -> list[Effect]:
        """Apply one input; return the effects that the caller must now carry out, in order.

        Raises:
            IllegalTransitionError: if the state does not allow the request; the environment has not changed.
            InvalidRequestError: if another transition is under way; the environment has not changed.
        """
        return self._apply(message) + self._reports.conclude_run(message.at)

    def _apply(self, message: Input) -> list[Effect]:
        match message:
            case Requested():
                return self._request(message)
            case Modified():
                return self._modify(message)
            case TasksMoved():
                return self._reports.apply_reports(message) + self._engine.advance(message.at)
            case CallEnded():
                return self._engine.finish_call(message) + self._engine.advance(message.at)
            case RecoverTask():
                return self._failures.restart_on_request(message)
            case HostLost():
                return self._failures.lose_host(message) + self._engine.advance(message.at)
            case HostSilent():
                self.model.tasks.mark_host_silent(message.host, message.reason)
                return []
            case HostRenamed():
                return self._reports.rename_host(message)
            case RescheduleFailed():
                return self._failures.fail_to_reschedule(message)
            case Tick():
                return self._tick(message.at)

    def _request(self, request: Requested) -> list[Effect]:
        event = request.events[0]
        self.ensure_accepts(event)
        if event is _E.MODIFY:
            raise InvalidRequestError(
                f"environment {self.model.id} is modified by a new plan, not by MODIFY alone"
            )
        effects = self._overtake(request)
        self.model.warnings = ()
        self.model.automatic = self.model.automatic or request.automatic
        return effects + self._engine.begin(request)

    def ensure_accepts(self, event: EnvironmentEvent) -> None:
        """Ensure that ``event`` may begin now.

        Raises:
            InvalidRequestError: if another transition is under way, and ``event`` has to wait for its end.
            IllegalTransitionError: if the state of the environment does not allow it.
        """
        if event not in OVERTAKING:
            self._ensure_free(event)
        follow(self.model.state, event, f"environment {self.model.id}")

    def _overtake(self, request: Requested) -> list[Effect]:
        """Drop a transition under way for ``request``, and complete its own request with an error."""
        active = self._engine.drop_active()
        if active is None:
            return []
        by = request.user or "control"
        error = TaskError(f"{active.event} was cancelled by {request.events[0]}, requested by {by}")
        return complete_request(active.request, error)

    def _ensure_free(self, event: EnvironmentEvent) -> None:
        active = self.model.active
        if active:
            raise InvalidRequestError(
                f"environment {self.model.id} is in transition {active.event}, requested by "
                f"{active.request.user or 'control'}: request {event} after it, "
                "or destroy the environment"
            )

    def _modify(self, wanted: Modified) -> list[Effect]:
        self.ensure_accepts(_E.MODIFY)
        effects, spec = self._modification.prepare(wanted)
        self.model.warnings = ()
        return effects + self._engine.open(spec)

    def _tick(self, at: float) -> list[Effect]:
        model, effects = self.model, self._cancel_overdue_calls(at)
        if model.active:
            effects += self._engine.due_resends(at)
            absent = self._engine.record_late_tasks(at)
            effects += self._failures.handle_unreported(self._engine.expire_wait(at), at)
            effects += self._engine.advance(at)
            effects += self._interruptions.record_failures(absent, model.data_run, at)
        elif (late := model.late_commands) is not None:
            effects += late.due_resends(at)
        if model.restarts.pending:
            effects += self._failures.restart_due(at)
        stop_at = model.run.stop_at
        if stop_at is not None and at >= stop_at and model.active is None:
            stop = Requested(
                at=at,
                request="",
                events=(_E.STOP_ACTIVITY,),
                user="TIMER",
                reason="auto-stop",
                run_end=RunEndCause.TIME_LIMIT,
            )
            effects += self._engine.begin(stop)
        return effects

    def _cancel_overdue_calls(self, at: float) -> list[Effect]:
        effects: list[Effect] = []
        for ended in self._hooks.overdue_calls(at):
            # Otherwise the failure of another call cancelled this call.
            if ended.call in self.model.hooks.pending_calls:
                effects += [CancelCall(call=ended.call), *self._engine.finish_call(ended)]
        return effects
