"""What a report says of a task's health, in a word."""

from salt_o2.core.messages import TaskReport
from salt_o2.core.states import TaskState, TaskStatus


def has_ended(report: TaskReport) -> bool:
    """Return whether the process of an uncontrolled task has run and ended."""
    return report.status is TaskStatus.INACTIVE and report.state in (TaskState.DONE, TaskState.ERROR)


def is_well(report: TaskReport) -> bool:
    """Return whether a task has a process that is nowhere it should not be."""
    failed = report.failure is not None or report.state is TaskState.ERROR
    return report.status is TaskStatus.ACTIVE and not failed


def rests(report: TaskReport) -> bool:
    """Return whether a task waits in STANDBY, and has nothing more to do."""
    return is_well(report) and report.settled and report.state is TaskState.STANDBY
