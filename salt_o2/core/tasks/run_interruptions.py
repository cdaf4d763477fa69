"""Record failures, and which tasks do not take part in the run under way: from when until when, and why."""

from collections.abc import Iterable, Mapping

from salt_o2.core.ids import TaskId
from salt_o2.core.messages.effects import (
    BeginInterruptions,
    Effect,
    EndedInterruption,
    EndInterruptions,
    Interruption,
)
from salt_o2.core.messages.inputs import Modified
from salt_o2.core.messages.reports import Failure, TaskReport
from salt_o2.core.plan.plan_diff import PlanDiff, TaskChange
from salt_o2.core.states import TaskState
from salt_o2.core.tasks.incidents import IncidentLog
from salt_o2.core.tasks.registry import TaskRegistry

REPLACING = (TaskChange.START, TaskChange.RESTART)
"""Changes in which another process takes the place of a role's process."""


class RunInterruptions:
    """Writes ``incidents``, except the number of restarts.

    ``run`` is always the number of the run that takes data at the moment, or ``None``: a run is not
    interrupted while it begins or ends.
    """

    def __init__(self, tasks: TaskRegistry, incidents: IncidentLog) -> None:
        """Record in ``incidents`` what happens to ``tasks``."""
        self._tasks = tasks
        self._incidents = incidents

    def record_failures(self, failures: Mapping[TaskId, Failure], run: int | None, at: float) -> list[Effect]:
        """Record that tasks have failed; those that took part interrupt the run. O(failures)."""
        begun = []
        for id, failure in failures.items():
            task = self._tasks.tasks[id]
            self._incidents.record_failure(task, failure.reason, at)
            if run is not None and self._takes_part(id):
                begun.append(self._incidents.interrupt(task, failure.reason, at))
        return _begin(begun, run)

    def record_changes(
        self, wanted: Modified, changes: PlanDiff, run: int | None, revision: int
    ) -> list[Effect]:
        """Record the interruptions by the plan of ``wanted``, before that plan is installed. O(tasks).

        An excluded task leaves the run. A restarted or moved task is away until its process takes data, which
        a report of ``revision`` or a higher one shows.
        """
        leaving = [self._tasks.tasks[task] for task in changes.leaving]
        gone = {task.path: task for task in leaving}
        planned = {task.id: task for task in wanted.plan.tasks}
        ended: list[EndedInterruption | None] = []
        begun: list[Interruption | None] = []
        if run is not None:
            by = f"by {wanted.user}" if wanted.user else "by control"
            for id in changes.excluded:
                reason = f"excluded {by}: {changes.reasons[id]}"
                ended.append(self._incidents.exclude(planned[id], wanted.at))
                begun.append(self._incidents.interrupt(planned[id], reason, wanted.at, excluded=True))
            for id, change in changes.joining.items():
                task = planned[id]
                if change in REPLACING and (task.path in gone or id in self._tasks.tasks):
                    reason = f"{'moved' if task.path in gone else 'restarted'} {by}"
                    away = gone.get(task.path, task)
                    begun.append(self._incidents.interrupt(away, reason, wanted.at, revision=revision))
        self._incidents.forget_roles(gone.keys() - {task.path for task in wanted.plan.tasks})
        return _end(ended, run) + _begin(begun, run)

    def record_returns(self, reports: Iterable[TaskReport], run: int | None, at: float) -> list[Effect]:
        """Record the tasks that take part in the run again, as ``reports`` show. O(reports)."""
        if run is None or not self._incidents.interrupted:
            return []
        back = [
            self._incidents.resume(self._tasks.tasks[report.task], at, report.revision)
            for report in reports
            if self._is_current(report) and self._is_back(report)
        ]
        return _end(back, run)

    def _is_current(self, report: TaskReport) -> bool:
        return report.task in self._tasks.tasks and self._tasks.reports.get(report.task) is report

    def _is_back(self, report: TaskReport) -> bool:
        healthy = report.settled and report.failure is None and report.state is TaskState.RUNNING
        return (
            healthy and report.task in self._tasks.tasks and self._tasks.participation.is_active(report.task)
        )

    def _takes_part(self, task: TaskId) -> bool:
        left = task in self._tasks.excluded or self._tasks.is_departing(task)
        return not left and not self._tasks.tasks[task].trigger


def _begin(begun: Iterable[Interruption | None], run: int | None) -> list[Effect]:
    tasks = tuple(each for each in begun if each)
    return [BeginInterruptions(run_number=run, tasks=tasks)] if tasks and run is not None else []


def _end(ended: Iterable[EndedInterruption | None], run: int | None) -> list[Effect]:
    tasks = tuple(each for each in ended if each)
    return [EndInterruptions(run_number=run, tasks=tasks)] if tasks and run is not None else []
