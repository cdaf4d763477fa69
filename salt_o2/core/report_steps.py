"""The part of an environment's machine that takes in what its tasks do."""

from salt_o2.core import members
from salt_o2.core.effects import Effect, Requested, TasksMoved
from salt_o2.core.hook_steps import HookSteps
from salt_o2.core.ids import TaskId
from salt_o2.core.messages import Failure, TaskReport
from salt_o2.core.states import EnvironmentEvent, EnvironmentState, TaskState
from salt_o2.core.wait import Awaited

_E, _S = EnvironmentEvent, EnvironmentState


class ReportSteps(HookSteps):
    """Knows what a report means for the wait under way, and for the environment."""

    def _take(self, moved: TasksMoved) -> list[Effect]:
        news, failures = self.members.take(moved)
        if self.wait:
            for report in moved.reports:
                self._note(report, failures.get(report.task), moved.at)
        if self.wait and self._has_it(moved):
            self.wait.heard(moved.host)
        broken = {task: failure for task, failure in failures.items() if self._breaks(task)}
        if broken:
            reason = self.members.tell(f"environment {self.id} in {self.state}", broken)
            return news + self._break(reason, moved.at)
        return news + self._end_of_data(moved)

    def _has_it(self, moved: TasksMoved) -> bool:
        return moved.accepted >= self.revision or any(r.revision >= self.revision for r in moved.reports)

    def _breaks(self, task: TaskId) -> bool:
        """Whether a failure of ``task`` leads to ERROR at once: nothing under way will deal with it."""
        if self.state in (_S.ERROR, _S.DONE) or not self._is_fatal(task):
            return False
        if self.transition and self.transition.forgives:
            return False
        return not (self.wait and task in self.wait.failures)

    def _is_fatal(self, task: TaskId) -> bool:
        return self.members.counts(task) and self.members.tree.root.state is TaskState.ERROR

    def _note(self, report: TaskReport, failure: Failure | None, at: float) -> None:
        """Take note of what a report means for the wait."""
        wait, transition = self.wait, self.transition
        if wait is None or transition is None:
            return
        awaited = report.task in wait.waiting and report.revision >= self.revision
        if wait.kind is Awaited.HOOKS or transition.event is _E.MODIFY:
            over = members.has_ended(report) if wait.kind is Awaited.HOOKS else report.settled
            if awaited and failure:
                wait.failures[report.task] = failure
            if awaited and (failure or over):
                wait.settle(report.task)
        elif failure and self._is_fatal(report.task) and not transition.forgives:
            wait.fail(report.task, failure, at)
        elif awaited and report.settled:
            wait.settle(report.task)

    def _end_of_data(self, moved: TasksMoved) -> list[Effect]:
        """Stop a run whose data have come to their end: END_OF_STREAM, or the end of all basic tasks."""
        if self.state is not _S.RUNNING or self.transition or not self.members.data_ended(moved.reports):
            return []
        return self._begin(
            Requested(at=moved.at, request="", events=(_E.STOP_ACTIVITY,), reason="end of data")
        )
