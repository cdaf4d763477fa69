"""Decide from the reports of an environment's tasks whether the data of its run have ended.

    task                                         signals the end            holds the end back
    device (direct, fairmq)                      END_OF_STREAM              while it is not RUNNING
    plain program, critical or ``ends_data``     exit code 0                until its exit code is 0
    plain program, neither                       never                      never

The data have ended when at least one task signals the end and no task holds it back (AliECS: IsSafeToStop,
A1.7). A program that fails never signals the end: ``recovery`` of its role says what follows. Each task is
judged again when something about it changes, so an answer costs the same for any number of tasks.
"""

from collections.abc import Iterable

from salt_o2.core.ids import TaskId
from salt_o2.core.messages.reports import Exit, TaskReport, has_ended
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.states import ControlMode, TaskState

END_OF_STREAM = "END_OF_STREAM"
WELL = Exit(code=0)


class RunEnd:
    """The tasks that take part, sorted by what each says of the end of the data."""

    def __init__(self) -> None:
        """Know no task yet."""
        self._signals: set[TaskId] = set()
        self._holds: set[TaskId] = set()
        self._at_work: set[TaskId] = set()

    def judge(self, task: PlannedTask, report: TaskReport | None) -> None:
        """Sort ``task``, which takes part, by its last ``report``; ``None`` if it has not reported. O(1)."""
        self.drop(task.id)
        if report is None or not has_ended(report):
            self._at_work.add(task.id)
        signals = report is not None and _signals(task, report)
        if signals:
            self._signals.add(task.id)
        if _holds(task, report, signals):
            self._holds.add(task.id)

    def drop(self, task: TaskId) -> None:
        """Leave ``task`` out: it does not take part, or not any more."""
        for tasks in (self._signals, self._holds, self._at_work):
            tasks.discard(task)

    @property
    def data_ended(self) -> bool:
        """Whether the data have ended. O(1)."""
        return bool(self._signals) and not self._holds

    @property
    def at_work(self) -> bool:
        """Whether any task that takes part has not ended, as far as is known. O(1)."""
        return bool(self._at_work)


def ended_well(report: TaskReport) -> bool:
    """Return whether the process of a plain program ended by itself, with exit code 0."""
    done = has_ended(report) and report.state is TaskState.DONE
    return done and report.failure is None and report.exit == WELL


def without(lost: Iterable[tuple[str, str]], most: int = 3) -> str:
    """Return the failures that a run was ended with, as paths of roles with reasons; the first ``most``."""
    told = sorted(lost)
    parts = [f"role {path} failed: {why}" for path, why in told[:most]]
    parts += [f"{len(told) - most} more failed"] if len(told) > most else []
    return "; ".join(parts)


def _is_program(task: PlannedTask) -> bool:
    return task.launch.mode in (ControlMode.BASIC, ControlMode.HOOK)


def _signals(task: PlannedTask, report: TaskReport) -> bool:
    if _is_program(task):
        return (task.critical or task.ends_data) and ended_well(report)
    return report.announced == END_OF_STREAM


def _holds(task: PlannedTask, report: TaskReport | None, signals: bool) -> bool:
    if _is_program(task):
        return (task.critical or task.ends_data) and not signals
    return report is None or report.state is not TaskState.RUNNING
