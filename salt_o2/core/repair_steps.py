"""The part of an environment's machine that brings failed tasks back, or lets the run end, as policy says."""

from collections.abc import Iterable

from salt_o2.core.errors import InvalidRequest, UnknownName
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.announcements import AnnounceRecovery
from salt_o2.core.messages.effects import Drive, Effect, Replace
from salt_o2.core.messages.inputs import HostLost, NotReplaced, RecoverTask, Requested
from salt_o2.core.messages.reports import Failure, TaskReport, is_well
from salt_o2.core.reshape_steps import ReshapeSteps
from salt_o2.core.states import EnvironmentEvent, EnvironmentState, TaskState
from salt_o2.core.tasks.orders import STANDING, Wave
from salt_o2.core.tasks.restarts import Policy

_E, _S = EnvironmentEvent, EnvironmentState


class RepairSteps(ReshapeSteps):
    """Reacts to failures while nothing but a modification is under way."""

    def _stands(self) -> bool:
        """Whether the environment is in a state to come back to, and on its way to no other."""
        return self.state in STANDING and (self.transition is None or self.transition.event is _E.MODIFY)

    def _react(
        self, failures: dict[TaskId, Failure], at: float
    ) -> tuple[list[Effect], dict[TaskId, Failure]]:
        """Do what each task's policy says; return the effects, and the failures that lead to ERROR."""
        effects, failures = self._change_ports(failures, at)
        fatal: dict[TaskId, Failure] = {}
        for task, failure in failures.items():
            match self._policy(task, failure, at):
                case Policy.IGNORE:
                    self.members.forgo(task, failure.reason)
                case Policy.STOP:
                    self.members.forgo(task, failure.reason)
                    effects += self._stop_run(task, failure, at)
                case Policy.FAIL:
                    fatal[task] = failure
                case Policy.RESTART:
                    pass  # its repair is open, and due soon
        return effects, fatal

    def _change_ports(
        self, failures: dict[TaskId, Failure], at: float
    ) -> tuple[list[Effect], dict[TaskId, Failure]]:
        """Have other ports found for tasks whose ports were refused; return the failures that are left."""
        tasks = self.members.tasks
        refused = [task for task, failure in failures.items() if failure.taken_ports]
        for task in refused:
            self.repairs.refused(task)
        changing = tuple(
            task
            for task in refused
            if tasks[task].recovery == Policy.RESTART and self.repairs.admit_port_change(tasks[task].path, at)
        )
        left = {task: failure for task, failure in failures.items() if task not in changing}
        wanted = Replace(environment=self.id, tasks=changing, ports=True)
        return [wanted] if changing else [], left

    def _policy(self, task: TaskId, failure: Failure, at: float) -> Policy:
        policy = Policy(self.members.tasks[task].recovery)
        if policy is not Policy.RESTART:
            self.repairs.open.pop(task, None)
            return policy
        return Policy.RESTART if self.repairs.admit(task, failure.reason, at) else Policy.FAIL

    def _stop_run(self, task: TaskId, failure: Failure, at: float) -> list[Effect]:
        if self.state is not _S.RUNNING or self.transition:
            return []
        reason = f"role {self.members.tasks[task].path}: {failure.reason}"
        return self._begin(Requested(at=at, request="", events=(_E.STOP_ACTIVITY,), reason=reason))

    def _lose_host(self, lost: HostLost) -> list[Effect]:
        """Do without a host: its tasks are placed anew where policy says restart, else they are lost."""
        failures = self.members.lose_host(lost.host, lost.silent_s)
        for task in failures:
            self.repairs.open.pop(task, None)
        if self.wait and self.transition and not self._stands():
            missed = [t for t in failures if t in self.wait.waiting or not self._is_handled(t)]
            for task in missed:  # those, too, that have reached the goal of the transition already
                self._miss(task, failures[task], lost.at)
            return []
        self._give_up_lost(failures)
        concerned = {task: failure for task, failure in failures.items() if not self._is_handled(task)}
        homeless = tuple(t for t in concerned if self.members.tasks[t].recovery == Policy.RESTART)
        others = {task: failure for task, failure in concerned.items() if task not in homeless}
        effects = self._go_by_policy(others, lost.at)
        return effects + (
            [Replace(environment=self.id, tasks=homeless)] if homeless and self._stands() else []
        )

    def _give_up_lost(self, failures: dict[TaskId, Failure]) -> None:
        """Let a modification wait no longer for tasks whose host is lost."""
        if self.wait is None:
            return
        for task in self.wait.waiting & set(failures):
            self.wait.settle(task)
            if not self._is_needed(task):
                self.wait.failures[task] = failures[task]

    def _go_by_policy(self, failures: dict[TaskId, Failure], at: float) -> list[Effect]:
        """Do what the recovery policies say about ``failures`` that no report names."""
        effects, fatal = self._react(failures, at) if self._stands() else ([], failures)
        for task in fatal:
            self.members.fail(task, fatal[task])
        return effects + self._end_by(fatal, at)

    def _miss(self, task: TaskId, failure: Failure, at: float) -> None:
        """Wait no longer for a task whose host is lost."""
        assert self.wait
        assert self.transition
        if self.transition.forgives:
            self.wait.settle(task)
            return
        self.members.fail(task, failure)
        if self._is_fatal(task):
            self.wait.fail(task, failure, at)
        else:
            self.wait.settle(task)

    def _note_homeless(self, found: NotReplaced) -> list[Effect]:
        """Continue without tasks that can run on no other host, or go to ERROR, as their roles say.

        A task whose host has returned meanwhile is handled by its recovery policy, there.
        """
        members, fatal = self.members, {}
        at_home: dict[TaskId, Failure] = {}
        for task in found.tasks:
            if task not in members.tasks or not self._is_missing(task):
                continue
            failure = Failure(asked="move", state="-", reason=found.reason, advice=self._advice_on(task))
            if members.tasks[task].host in members.unreachable or self._is_refused(task):
                fatal[task] = failure
                members.fail(task, failure)
            else:
                at_home[task] = failure
        effects = self._end_by(fatal, found.at) if self._stands() else []
        return effects + self._go_by_policy(at_home, found.at)

    def _is_missing(self, task: TaskId) -> bool:
        """Return whether ``task`` should take part and has no process, as far as is known."""
        report = self.members.reports.get(task)
        handled = self._is_handled(task) or task in self.repairs.open or task in self.members.lost
        return not handled and (report is None or not is_well(report))

    def _advice_on(self, task: TaskId) -> str:
        if self.members.tasks[task].host in self.members.unreachable:
            return "bring its host back, or exclude it"
        if self._is_refused(task):
            return "end the programs that use the ports, or give the host a wider range"
        return "see the task's log"

    def _is_refused(self, task: TaskId) -> bool:
        """Return whether ``task`` has no process because another program has one of its ports."""
        report = self.members.reports.get(task)
        return report is not None and report.failure is not None and bool(report.failure.taken_ports)

    def _recover_now(self, wanted: RecoverTask) -> list[Effect]:
        """Start a failed task again because a rule or a person says so; a healthy one is left alone."""
        if wanted.task not in self.members.tasks:
            raise UnknownName(f"environment {self.id} has no task {wanted.task}")
        if self.members.is_leaving(wanted.task):
            raise InvalidRequest(
                f"task {wanted.task} is leaving environment {self.id}: it is not started again"
            )
        if wanted.by_hand and self._is_refused(wanted.task) and self._stands():
            return [Replace(environment=self.id, tasks=(wanted.task,), ports=True)]
        repair = self.repairs.open.get(wanted.task)
        report = self.members.reports.get(wanted.task)
        if repair is None and wanted.by_hand and report and report.failure and self._stands():
            by = f"asked for by {wanted.user or 'somebody'}"
            self.repairs.past.pop(wanted.task, None)  # whoever asks by name begins a new account
            repair = self.repairs.admit(wanted.task, by, wanted.at)
        if repair is None or repair.revision is not None:
            return []
        return self._restart([wanted.task], wanted.at)

    def _mend(self, at: float) -> list[Effect]:
        """Start again what is due, and give up what has taken too long."""
        if not self._stands():
            return []
        come = self.repairs.due(at)
        due = [task for task in come if self.repairs.open[task].revision is None]
        late = [task for task in come if self.repairs.open[task].revision is not None]
        effects = self._restart(due, at) if due else []
        limit, failures = self.repairs.budget.timeout_s, {}
        for task in late:
            failures[task] = self.members.overdue(task, _E.RECOVER, limit, False)
            del self.repairs.open[task]
        return effects + (self._go_by_policy(failures, at) if failures else [])

    def _restart(self, tasks: Iterable[TaskId], at: float) -> list[Effect]:
        wave = Wave(
            goal=STANDING[self.state],
            tasks=tuple(self.members.tasks[task] for task in tasks),
            launch=True,
            properties=True,
            arguments=self.arguments,
        )
        sent = self._commands(wave, _E.RECOVER)
        for task in wave.tasks:
            self.repairs.sent(task.id, self.revision, at)
        return [Drive(command=command) for command in sent]

    def _note_repair(self, report: TaskReport, at: float) -> list[Effect]:
        """Close the repair of a task that is where the others are."""
        repair = self.repairs.open.get(report.task)
        if repair is None or repair.revision is None or report.revision < repair.revision:
            return []
        if not report.settled or report.failure:
            return []
        del self.repairs.open[report.task]
        self.members.regain(report.task)
        task = self.members.tasks[report.task]
        return [
            AnnounceRecovery(
                environment=self.id,
                task=task.id,
                path=task.path,
                host=task.host,
                restarts=len(self.repairs.past.get(task.id, ())),
                seconds=round(at - repair.since, 3),
                reason=repair.reason,
            )
        ]

    def _end_by(self, fatal: dict[TaskId, Failure], at: float) -> list[Effect]:
        """Go to ERROR if any of these failures cannot be tolerated."""
        broken = {task: failure for task, failure in fatal.items() if self._is_fatal(task)}
        if not broken:
            return []
        reason = self.members.tell(f"environment {self.id} in {self.state}", broken)
        given_up = [
            task for task in broken if len(self.repairs.past.get(task, ())) >= self.repairs.budget.restarts
        ]
        notes = [f"role {self.members.tasks[t].path}: {self.repairs.exhausted(t)}" for t in given_up]
        return self._break("\n".join((reason, *notes)), at)

    def _is_handled(self, task: TaskId) -> bool:
        """Return whether a failure of ``task`` is dealt with elsewhere, or has no effect."""
        if self.state in (_S.ERROR, _S.DONE) or task in self.members.excluded:
            return True
        if self.members.is_leaving(task):
            return True
        if self.members.tasks[task].trigger:
            return True
        if self.transition and self.transition.forgives:
            return True
        return bool(self.wait and task in self.wait.failures)

    def _is_fatal(self, task: TaskId) -> bool:
        return self.members.counts(task) and self.members.tree.root.state is TaskState.ERROR
