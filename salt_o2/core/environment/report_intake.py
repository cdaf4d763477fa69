"""Apply reports of tasks and hosts to the wait under way, to pending restarts, and to the run."""

from collections import deque
from dataclasses import replace

from salt_o2.core.environment.command_issuer import send_commands
from salt_o2.core.environment.failure_handler import FailureHandler
from salt_o2.core.environment.model import EnvironmentModel
from salt_o2.core.environment.transition import ActiveTransition, StageWait, WaitKind
from salt_o2.core.environment.transition_engine import TransitionEngine
from salt_o2.core.messages.effects import Effect, SendCommand
from salt_o2.core.messages.inputs import HostRenamed, Requested, TasksMoved
from salt_o2.core.messages.reports import Failure, TaskReport, has_ended
from salt_o2.core.states import EnvironmentEvent, EnvironmentState, RunEndCause
from salt_o2.core.tasks.orders import STABLE_TASK_STATE, OrderBatch
from salt_o2.core.tasks.run_interruptions import RunInterruptions


class ReportIntake:
    """Writes reports, through ``model.tasks``; it settles tasks in the wait under way."""

    def __init__(
        self,
        model: EnvironmentModel,
        interruptions: RunInterruptions,
        failures: FailureHandler,
        engine: TransitionEngine,
    ) -> None:
        """Apply reports to ``model``."""
        self._model = model
        self._interruptions = interruptions
        self._failures = failures
        self._engine = engine

    def apply_reports(self, moved: TasksMoved) -> list[Effect]:
        """Apply the reports of one host, and act on the failures in them."""
        model = self._model
        resent = self._resend_command(moved) if moved.host in model.tasks.silent else []
        announcements, failures = model.tasks.apply_reports(moved)
        if model.active and model.active.wait:
            for report in moved.reports:
                self._update_wait(
                    model.active, model.active.wait, report, failures.get(report.task), moved.at
                )
            if _acknowledges(moved, model.active.wait):
                model.active.wait.acknowledge(moved.host)
        if model.late is not None:
            seen = max((report.revision for report in moved.reports), default=-1)
            model.late.acknowledge(moved.host, max(moved.accepted, seen))
        model.restarts.mark_accepted(moved.host, moved.accepted)
        effects: list[Effect] = []
        for report in moved.reports:
            if report.task in model.restarts.pending:
                effects += self._failures.confirm_restart(report, moved.at)
            if report.task in model.tasks.lost and not report.failure:
                self._restore_if_healthy(report)
        effects += self._interruptions.record_returns(moved.reports, model.data_run, moved.at)
        return announcements + resent + effects + self._failures.handle(failures, moved.at)

    def rename_host(self, renamed: HostRenamed) -> list[Effect]:
        """Register the tasks of a host under its new name; send there what it has not acknowledged."""
        model, active = self._model, self._model.active
        model.tasks.rename_host(renamed.old, renamed.new)
        if model.late is not None:
            model.late.commands.pop(renamed.old, None)
        model.hooks.install_plan(model.plan)
        if active is None:
            return []
        active.batches = deque(self._with_present_hosts(batch) for batch in active.batches)
        active.departing = self._with_present_hosts(active.departing)
        return send_commands(active.wait.rename_host(renamed.old, renamed.new)) if active.wait else []

    def conclude_run(self, at: float) -> list[Effect]:
        """Stop a run whose data have ended; fail a run in which only failed tasks remain.

        Both wait for the end of a transition and of every restart. The environment checks again after each
        input, so no end of data is missed meanwhile.
        """
        model = self._model
        if model.state is not EnvironmentState.RUNNING or model.active or model.restarts.pending:
            return []
        completion, losses = model.tasks.completion, model.tasks.losses
        if completion.data_ended:
            reason = "; ".join(filter(None, ("end of data", losses())))
            stop = (EnvironmentEvent.STOP_ACTIVITY,)
            ended = RunEndCause.END_OF_DATA
            return self._engine.begin(Requested(at=at, request="", events=stop, reason=reason, run_end=ended))
        if model.tasks.lost and not completion.has_unfinished_tasks:
            reason = f"no task of environment {model.id} takes part any more: {losses()}"
            return self._engine.fail(reason, at, [model.tasks.tasks[task].path for task in model.tasks.lost])
        return []

    def _resend_command(self, moved: TasksMoved) -> list[Effect]:
        """Resend the command that a host missed while it was silent; the schedule covers other hosts."""
        wait = self._model.wait
        if wait is None or moved.host not in wait.unacknowledged or _acknowledges(moved, wait):
            return []
        return [SendCommand(command=wait.unacknowledged[moved.host])]

    def _restore_if_healthy(self, report: TaskReport) -> None:
        """Let a lost task take part again if it has the state of the other tasks, as after a network cut."""
        model = self._model
        # A report that is older than the last report of its task does not describe the present state.
        current = model.tasks.reports.get(report.task) is report
        if current and model.accepts_restarts and report.state is STABLE_TASK_STATE[model.state]:
            model.tasks.restore_task(report.task)

    def _with_present_hosts(self, batch: OrderBatch) -> OrderBatch:
        """Return ``batch`` with its tasks on the hosts where they are registered."""
        known = self._model.tasks.tasks
        return replace(batch, tasks=tuple(known.get(task.id, task) for task in batch.tasks))

    def _update_wait(
        self,
        active: ActiveTransition,
        wait: StageWait,
        report: TaskReport,
        failure: Failure | None,
        at: float,
    ) -> None:
        """Settle or fail the task of ``report`` in ``wait``."""
        awaited = report.task in wait.waiting and report.revision >= wait.revision
        if wait.kind is WaitKind.HOOKS or active.event is EnvironmentEvent.MODIFY:
            over = has_ended(report) if wait.kind is WaitKind.HOOKS else report.settled
            # The policy of a required task decides what follows its failure.
            if awaited and failure and not self._model.modification_requires(report.task):
                wait.failures[report.task] = failure
            if awaited and (failure or over):
                wait.settle_task(report.task)
        elif failure and self._failures.is_fatal(report.task) and not active.tolerates_failures:
            wait.fail_task(report.task, failure, at)
        elif awaited and report.settled:
            wait.settle_task(report.task)


def _acknowledges(moved: TasksMoved, wait: StageWait) -> bool:
    return moved.accepted >= wait.revision or any(r.revision >= wait.revision for r in moved.reports)
