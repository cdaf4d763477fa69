"""Decide from the reports of an environment's tasks whether the data of its run have ended.

    task                                         signals the end            holds the end back
    device (direct, fairmq)                      END_OF_STREAM              while it is not RUNNING
    plain program, critical or ``ends_data``     exit code 0                until its exit code is 0
    plain program, neither                       never                      never

The data have ended when at least one task signals the end and no task holds it back (AliECS: IsSafeToStop,
A1.7). A program that fails never signals the end: ``recovery`` of its role says what follows. Each task is
judged again when its report or its participation changes: an answer costs the same for any number of tasks.
"""

from collections.abc import Iterable

from salt_o2.core.ids import TaskId
from salt_o2.core.messages.reports import Exit, TaskReport, has_ended
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.states import ControlMode, TaskState

END_OF_STREAM = "END_OF_STREAM"
SUCCESS = Exit(code=0)


class RunCompletion:
    """The participating tasks, sorted by what each contributes to the end of the data."""

    def __init__(self) -> None:
        """Start without a task."""
        self._signalling: set[TaskId] = set()
        self._holding_back: set[TaskId] = set()
        self._unfinished: set[TaskId] = set()

    def update_task(self, task: PlannedTask, report: TaskReport | None) -> None:
        """Sort a participating ``task`` by its last ``report``; ``None`` if it has not reported. O(1)."""
        self.remove_task(task.id)
        if report is None or not has_ended(report):
            self._unfinished.add(task.id)
        signals = report is not None and _signals_end(task, report)
        if signals:
            self._signalling.add(task.id)
        if _holds_end_back(task, report, signals):
            self._holding_back.add(task.id)

    def remove_task(self, task: TaskId) -> None:
        """Remove ``task``: it does not participate. O(1)."""
        for tasks in (self._signalling, self._holding_back, self._unfinished):
            tasks.discard(task)

    @property
    def data_ended(self) -> bool:
        """Whether the data have ended. O(1)."""
        return bool(self._signalling) and not self._holding_back

    @property
    def has_unfinished_tasks(self) -> bool:
        """Whether any participating task has not ended, as far as control knows. O(1)."""
        return bool(self._unfinished)

    def __eq__(self, other: object) -> bool:
        """Return whether both sort the same tasks in the same way."""
        return isinstance(other, RunCompletion) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # a mutable value


def has_succeeded(report: TaskReport) -> bool:
    """Return whether the process of a plain program has exited with code 0, without being stopped."""
    done = has_ended(report) and report.state is TaskState.DONE
    return done and report.failure is None and report.exit == SUCCESS


def describe_losses(lost: Iterable[tuple[str, str]], most: int = 3) -> str:
    """Return the failures of a run at its end, from pairs of role path and reason; the first ``most``."""
    failures = sorted(lost)
    parts = [f"role {path} failed: {reason}" for path, reason in failures[:most]]
    parts += [f"{len(failures) - most} more failed"] if len(failures) > most else []
    return "; ".join(parts)


def _is_program(task: PlannedTask) -> bool:
    return task.launch.mode in (ControlMode.BASIC, ControlMode.HOOK)


def _signals_end(task: PlannedTask, report: TaskReport) -> bool:
    if _is_program(task):
        return (task.critical or task.ends_data) and has_succeeded(report)
    return report.announced == END_OF_STREAM


def _holds_end_back(task: PlannedTask, report: TaskReport | None, signals: bool) -> bool:
    if _is_program(task):
        return (task.critical or task.ends_data) and not signals
    return report is None or report.state is not TaskState.RUNNING
