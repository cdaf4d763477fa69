"""Apply recovery policies to failed tasks and hosts in a stable environment: restart, continue, or fail."""

from collections.abc import Iterable, Mapping

from salt_o2.core.environment.command_issuer import CommandIssuer, send_commands
from salt_o2.core.environment.model import EnvironmentModel
from salt_o2.core.environment.transition import ActiveTransition, StageWait
from salt_o2.core.environment.transition_engine import TransitionEngine
from salt_o2.core.errors import InvalidRequestError, UnknownNameError
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.announcements import AnnounceRecovery
from salt_o2.core.messages.effects import Effect, Reschedule, ResendAsJob
from salt_o2.core.messages.inputs import HostLost, RecoverTask, Requested, RescheduleFailed
from salt_o2.core.messages.reports import Failure, TaskReport, is_healthy
from salt_o2.core.states import EnvironmentEvent, EnvironmentState, RunEndCause, TaskState
from salt_o2.core.tasks.orders import STABLE_TASK_STATE, OrderBatch
from salt_o2.core.tasks.restarts import RestartPolicy
from salt_o2.core.tasks.run_interruptions import RunInterruptions

_E, _S = EnvironmentEvent, EnvironmentState


class FailureHandler:
    """Writes ``model.restarts``, and marks tasks lost."""

    def __init__(
        self,
        model: EnvironmentModel,
        issuer: CommandIssuer,
        interruptions: RunInterruptions,
        engine: TransitionEngine,
    ) -> None:
        """Handle the failures of ``model``."""
        self._model = model
        self._issuer = issuer
        self._interruptions = interruptions
        self._engine = engine

    def handle(self, failures: Mapping[TaskId, Failure], at: float) -> list[Effect]:
        """Apply the policies of failed tasks; the environment goes to ERROR if it cannot continue."""
        if not failures:
            return []
        news = self._interruptions.record_failures(failures, self._model.data_run, at)
        unhandled = {task: failure for task, failure in failures.items() if not self._is_handled(task)}
        effects, fatal = self._apply_policies(unhandled, at)
        return news + effects + (self._fail_if_fatal(fatal, at) if fatal else [])

    def handle_unreported(self, failures: Mapping[TaskId, Failure], at: float) -> list[Effect]:
        """Apply the policies of tasks that failed without a report; mark failed those that stay failed."""
        if not failures:
            return []
        news = self._interruptions.record_failures(failures, self._model.data_run, at)
        effects, fatal = self._apply_policies(failures, at)
        for task in fatal:
            self._model.tasks.mark_failed(task, fatal[task])
        return news + effects + self._fail_if_fatal(fatal, at)

    def lose_host(self, lost: HostLost) -> list[Effect]:
        """Continue without a host: reschedule tasks with the policy restart, mark the others lost."""
        model = self._model
        failures = model.tasks.mark_host_lost(lost.host, lost.silent_s)
        news = self._interruptions.record_failures(failures, model.data_run, lost.at)
        model.restarts.cancel(failures)
        if model.active and model.active.wait and not model.accepts_restarts:
            # A lost task fails the transition even if it has reached the goal of the transition already.
            waiting = model.active.wait.waiting
            lost_in_stage = [task for task in failures if task in waiting or not self._is_handled(task)]
            for task in lost_in_stage:
                self._stop_waiting_for(model.active, model.active.wait, task, failures[task], lost.at)
            return news
        self._stop_waiting_in_modification(failures)
        unhandled = {task: failure for task, failure in failures.items() if not self._is_handled(task)}
        movable = tuple(t for t in unhandled if model.tasks.tasks[t].recovery == RestartPolicy.RESTART)
        others = {task: failure for task, failure in unhandled.items() if task not in movable}
        effects = news + self.handle_unreported(others, lost.at)
        wanted = Reschedule(environment=model.id, tasks=movable)
        return [*effects, wanted] if movable and model.accepts_restarts else effects

    def fail_to_reschedule(self, found: RescheduleFailed) -> list[Effect]:
        """Continue without tasks that can run on no other host, or go to ERROR, according to their roles.

        If the host of a task has returned meanwhile, the recovery policy of the task decides.
        """
        tasks, fatal = self._model.tasks, {}
        at_home: dict[TaskId, Failure] = {}
        for task in found.tasks:
            if task not in tasks.tasks or not self._is_missing(task):
                continue
            advice = self._advice_for(task)
            failure = Failure(asked="move", state="-", reason=found.reason, advice=advice)
            if tasks.tasks[task].host in tasks.unreachable or self._has_refused_ports(task):
                fatal[task] = failure
                tasks.mark_failed(task, failure)
            else:
                at_home[task] = failure
        effects = self._fail_if_fatal(fatal, found.at) if self._model.accepts_restarts else []
        return effects + self.handle_unreported(at_home, found.at)

    def restart_on_request(self, wanted: RecoverTask) -> list[Effect]:
        """Restart a failed task at the request of a rule or a user; a healthy task is left as it is.

        Raises:
            UnknownNameError: if the environment has no such task.
            InvalidRequestError: if the task is departing.
        """
        model, restarts = self._model, self._model.restarts
        if wanted.task not in model.tasks.tasks:
            raise UnknownNameError(f"environment {model.id} has no task {wanted.task}")
        if model.tasks.is_departing(wanted.task):
            raise InvalidRequestError(
                f"task {wanted.task} is departing from environment {model.id}: it is not restarted"
            )
        by_user = wanted.manual and model.accepts_restarts
        if by_user and self._has_refused_ports(wanted.task):
            return [Reschedule(environment=model.id, tasks=(wanted.task,), ports=True)]
        restart = restarts.pending.get(wanted.task)
        report = model.tasks.reports.get(wanted.task)
        failed = report is not None and report.failure is not None
        if restart is None and by_user and failed:
            restarts.history.pop(wanted.task, None)  # A request by a user opens a new budget.
            restart = restarts.schedule(wanted.task, f"requested by {wanted.user or 'a user'}", wanted.at)
        if restart is None or restart.revision is not None:
            return []
        return self._restart([wanted.task], wanted.at)

    def restart_due(self, at: float) -> list[Effect]:
        """Send the restarts that are due; handle restarts that took too long as failures."""
        model, restarts = self._model, self._model.restarts
        if not model.accepts_restarts:
            return []
        come = restarts.due(at)
        due = [task for task in come if restarts.pending[task].revision is None]
        sent = [task for task in come if restarts.pending[task].revision is not None]
        late = [task for task in sent if restarts.pending[task].deadline <= at]
        lost = [task for task in sent if restarts.pending[task].deadline > at]
        effects: list[Effect] = self._restart(due, at) if due else []
        effects += [ResendAsJob(command=command) for command in restarts.resend(lost, at)]
        restarts.cancel(late)
        limit = restarts.budget.timeout_s
        failures = {task: model.tasks.timeout_failure(task, _E.RECOVER, limit, False) for task in late}
        return effects + self.handle_unreported(failures, at)

    def confirm_restart(self, report: TaskReport, at: float) -> list[Effect]:
        """Close the pending restart of a task that has reached the state of the other tasks."""
        model = self._model
        restart = model.restarts.pending.get(report.task)
        model.restarts.mark_received(report.task, report.revision)
        if restart is None or restart.revision is None or report.revision < restart.revision:
            return []
        if not report.settled or report.failure:
            return []
        model.restarts.cancel([report.task])
        model.tasks.restore_task(report.task)
        task = model.tasks.tasks[report.task]
        return [
            AnnounceRecovery(
                environment=model.id,
                task=task.id,
                path=task.path,
                host=task.host,
                restarts=len(model.restarts.history.get(task.id, ())),
                seconds=round(at - restart.since, 3),
                reason=restart.reason,
            )
        ]

    def is_fatal(self, task: TaskId) -> bool:
        """Return whether the failure of ``task`` cannot be tolerated."""
        tasks = self._model.tasks
        return tasks.is_required(task) and tasks.tree.root.state is TaskState.ERROR

    # --- policies -------------------------------------------------------------------------------

    def _apply_policies(
        self, failures: Mapping[TaskId, Failure], at: float
    ) -> tuple[list[Effect], dict[TaskId, Failure]]:
        """Apply each task's policy; return the effects, and the failures that may lead to ERROR.

        During a transition no policy applies: the transition decides.
        """
        if not self._model.accepts_restarts:
            return [], dict(failures)
        effects, failures = self._change_ports(failures, at)
        fatal: dict[TaskId, Failure] = {}
        for task, failure in failures.items():
            match self._policy_for(task, failure, at):
                case RestartPolicy.IGNORE:
                    self._model.tasks.mark_lost(task, failure.reason)
                case RestartPolicy.STOP:
                    self._model.tasks.mark_lost(task, failure.reason)
                    effects += self._stop_run(task, failure, at)
                case RestartPolicy.FAIL:
                    fatal[task] = failure
                case RestartPolicy.RESTART:
                    pass  # The restart is pending, and due soon.
        return effects, fatal

    def _change_ports(
        self, failures: Mapping[TaskId, Failure], at: float
    ) -> tuple[list[Effect], Mapping[TaskId, Failure]]:
        """Request other ports for tasks whose ports were refused; return the remaining failures."""
        tasks, restarts = self._model.tasks.tasks, self._model.restarts
        refused = [task for task, failure in failures.items() if failure.taken_ports]
        for task in refused:
            restarts.mark_refused(task)
        changing = tuple(
            task
            for task in refused
            if tasks[task].recovery == RestartPolicy.RESTART
            and restarts.admit_port_change(tasks[task].path, at)
        )
        unhandled = {task: failure for task, failure in failures.items() if task not in changing}
        wanted = Reschedule(environment=self._model.id, tasks=changing, ports=True)
        return [wanted] if changing else [], unhandled

    def _policy_for(self, task: TaskId, failure: Failure, at: float) -> RestartPolicy:
        restarts = self._model.restarts
        policy = RestartPolicy(self._model.tasks.tasks[task].recovery)
        if policy is not RestartPolicy.RESTART:
            restarts.cancel([task])
            return policy
        scheduled = restarts.schedule(task, failure.reason, at)
        return RestartPolicy.RESTART if scheduled else RestartPolicy.FAIL

    def _stop_run(self, task: TaskId, failure: Failure, at: float) -> list[Effect]:
        if self._model.state is not _S.RUNNING or self._model.active:
            return []
        path = self._model.tasks.tasks[task].path
        stop = Requested(
            at=at,
            request="",
            events=(_E.STOP_ACTIVITY,),
            reason=f"role {path}: {failure.reason}",
            run_end=RunEndCause.POLICY,
            failed_roles=(path,),
        )
        return self._engine.begin(stop)

    def _restart(self, tasks: Iterable[TaskId], at: float) -> list[Effect]:
        model = self._model
        batch = OrderBatch(
            goal=STABLE_TASK_STATE[model.state],
            tasks=tuple(model.tasks.tasks[task] for task in tasks),
            launch=True,
            properties=True,
            arguments=model.run.arguments,
        )
        commands = self._issuer.issue(batch, _E.RECOVER)
        by_host = {command.host: command for command in commands}
        for task in batch.tasks:
            model.restarts.mark_sent(task.id, model.revision, at, by_host[task.host])
            model.incidents.record_restart(task.path)
        return send_commands(commands)

    # --- ERROR ----------------------------------------------------------------------------------

    def _fail_if_fatal(self, failures: Mapping[TaskId, Failure], at: float) -> list[Effect]:
        """Go to ERROR if any of ``failures`` cannot be tolerated."""
        model, restarts = self._model, self._model.restarts
        fatal = {task: failure for task, failure in failures.items() if self.is_fatal(task)}
        if not fatal:
            return []
        reason = model.tasks.describe_failures(f"environment {model.id} in {model.state}", fatal)
        notes = [
            f"role {model.tasks.tasks[task].path}: {restarts.exhausted_reason(task)}"
            for task in fatal
            if model.tasks.tasks[task].recovery == RestartPolicy.RESTART and restarts.has_used_budget(task)
        ]
        roles = [model.tasks.tasks[task].path for task in fatal]
        return self._engine.fail("\n".join((reason, *notes)), at, roles)

    def _stop_waiting_for(
        self, active: ActiveTransition, wait: StageWait, task: TaskId, failure: Failure, at: float
    ) -> None:
        """Stop waiting for a task whose host is lost."""
        if active.tolerates_failures:
            wait.settle_task(task)
            return
        self._model.tasks.mark_failed(task, failure)
        if self.is_fatal(task):
            wait.fail_task(task, failure, at)
        else:
            wait.settle_task(task)

    def _stop_waiting_in_modification(self, failures: Mapping[TaskId, Failure]) -> None:
        """Stop a modification from waiting for tasks whose host is lost."""
        wait = self._model.wait
        if wait is None:
            return
        for task in wait.waiting & failures.keys():
            wait.settle_task(task)
            if not self._model.modification_requires(task):
                wait.failures[task] = failures[task]

    def _is_handled(self, task: TaskId) -> bool:
        """Return whether a failure of ``task`` is expected, or is handled by the wait under way."""
        model = self._model
        if model.state in (_S.ERROR, _S.DONE) or task in model.tasks.excluded:
            return True
        if model.tasks.is_departing(task) or model.tasks.tasks[task].trigger:
            return True
        if model.active and model.active.tolerates_failures:
            return True
        return bool(model.wait and task in model.wait.failures)

    def _is_missing(self, task: TaskId) -> bool:
        """Return whether ``task`` should take part and has no process, as far as control knows."""
        model = self._model
        report = model.tasks.reports.get(task)
        handled = self._is_handled(task) or task in model.restarts.pending or task in model.tasks.lost
        return not handled and (report is None or not is_healthy(report))

    def _advice_for(self, task: TaskId) -> str:
        tasks = self._model.tasks
        if tasks.tasks[task].host in tasks.unreachable:
            return "bring its host back, or exclude it"
        if self._has_refused_ports(task):
            return "stop the programs that use the ports, or give the host a wider range"
        return f"see its output: `coconut task log {task}`"

    def _has_refused_ports(self, task: TaskId) -> bool:
        """Return whether ``task`` has no process because another program has one of its ports."""
        report = self._model.tasks.reports.get(task)
        return report is not None and report.failure is not None and bool(report.failure.taken_ports)
