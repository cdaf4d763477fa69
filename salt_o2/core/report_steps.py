"""The part of an environment's machine that takes in what its tasks do."""

from collections import deque
from dataclasses import replace

from salt_o2.core.messages import reports
from salt_o2.core.messages.effects import Drive, Effect
from salt_o2.core.messages.inputs import HostRenamed, Requested, TasksMoved
from salt_o2.core.messages.reports import Failure, TaskReport
from salt_o2.core.repair_steps import RepairSteps
from salt_o2.core.states import EnvironmentEvent, EnvironmentState
from salt_o2.core.tasks.orders import STANDING, Wave
from salt_o2.core.wait import Awaited

_E, _S = EnvironmentEvent, EnvironmentState


class ReportSteps(RepairSteps):
    """Knows what a report means for the wait under way, and for the environment."""

    def _take(self, moved: TasksMoved) -> list[Effect]:
        again = self._told_again(moved) if moved.host in self.members.silent else []
        news, failures = self.members.take(moved)
        if self.wait:
            for report in moved.reports:
                self._note(report, failures.get(report.task), moved.at)
        if self.wait and self._has_it(moved):
            self.wait.heard(moved.host)
        effects: list[Effect] = []
        for report in moved.reports:
            effects += self._note_repair(report, moved.at)
            self._welcome(report)
        left = {task: failure for task, failure in failures.items() if not self._is_handled(task)}
        if self._stands():
            more, left = self._react(left, moved.at)
            effects += more
        effects += self._end_by(left, moved.at) if left else []
        return news + again + effects

    def _told_again(self, moved: TasksMoved) -> list[Effect]:
        """Send a host that is back what it has missed while it was silent; others are asked by time alone."""
        if self.wait is None or moved.host not in self.wait.silent or self._has_it(moved):
            return []
        return [Drive(command=self.wait.silent[moved.host])]

    def _welcome(self, report: TaskReport) -> None:
        """Let a lost task take part again that turns out to be where the others are, as after a cut."""
        if self.members.reports.get(report.task) is not report:
            return  # it is older than the last report of that task
        healthy = not report.failure and self._stands() and report.state is STANDING[self.state]
        if healthy and report.task in self.members.lost:
            self.members.regain(report.task)

    def _rename_host(self, renamed: HostRenamed) -> list[Effect]:
        """Know the tasks of a host under its new name; what it has not acknowledged is sent there."""
        self.members.rename_host(renamed.old, renamed.new)
        self.hooks.replan(self.plan)
        if self.transition:
            waves = (self._now_at(wave) for wave in self.transition.waves)
            self.transition.waves = deque(waves)
            self.transition.parting = self._now_at(self.transition.parting)
        command = self.wait.silent.pop(renamed.old, None) if self.wait else None
        if self.wait is None or command is None:
            return []
        command = replace(command, host=renamed.new)
        other = self.wait.silent.get(renamed.new)
        orders = (*other.orders, *command.orders) if other else command.orders
        self.wait.silent[renamed.new] = replace(command, orders=orders)
        return [Drive(command=command)]

    def _now_at(self, wave: Wave) -> Wave:
        """Return ``wave`` with its tasks where they are known to be now."""
        return replace(wave, tasks=tuple(self.members.tasks.get(task.id, task) for task in wave.tasks))

    def _has_it(self, moved: TasksMoved) -> bool:
        assert self.wait
        revision = self.wait.revision
        return moved.accepted >= revision or any(r.revision >= revision for r in moved.reports)

    def _note(self, report: TaskReport, failure: Failure | None, at: float) -> None:
        """Take note of what a report means for the wait."""
        wait, transition = self.wait, self.transition
        if wait is None or transition is None:
            return
        awaited = report.task in wait.waiting and report.revision >= wait.revision
        if wait.kind is Awaited.HOOKS or transition.event is _E.MODIFY:
            over = reports.has_ended(report) if wait.kind is Awaited.HOOKS else report.settled
            if awaited and failure and not self._is_needed(report.task):  # its policy says what follows
                wait.failures[report.task] = failure
            if awaited and (failure or over):
                wait.settle(report.task)
        elif failure and self._is_fatal(report.task) and not transition.forgives:
            wait.fail(report.task, failure, at)
        elif awaited and report.settled:
            wait.settle(report.task)

    def _conclude_run(self, at: float) -> list[Effect]:
        """Stop a run whose data have ended; fail a run of which only failed tasks are left.

        Both wait for the end of a transition and of every repair, and are looked at again after each message:
        an end that comes meanwhile is not lost.
        """
        if self.state is not _S.RUNNING or self.transition or self.repairs.open:
            return []
        end, losses = self.members.end, self.members.losses
        if end.data_ended:
            reason = "; ".join(filter(None, ("end of data", losses())))
            return self._begin(Requested(at=at, request="", events=(_E.STOP_ACTIVITY,), reason=reason))
        if self.members.lost and not end.at_work:
            return self._break(f"no task of environment {self.id} is at work any more: {losses()}", at)
        return []
