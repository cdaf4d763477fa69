"""Reports about tasks that control asks about and the agent does not have."""

from collections.abc import Iterable
from dataclasses import replace

from salt_o2.agent.process.member_processes import advice_on, in_words
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages.commands import Command
from salt_o2.core.messages.reports import Failure, TaskReport
from salt_o2.core.states import TaskState, TaskStatus
from salt_o2.linux.kernel import LINUX, Kernel
from salt_o2.linux.procfs import Entry


def finished_task_report(task: TaskId, environment: EnvironmentId, revision: int) -> TaskReport:
    """Return the report of a task that is done, with all orders up to ``revision``."""
    return TaskReport(
        task=task,
        environment=environment,
        revision=revision,
        settled=True,
        status=TaskStatus.INACTIVE,
        state=TaskState.DONE,
    )


def not_started_report(task: TaskId, command: Command, error: Exception) -> TaskReport:
    """Return the report of a task that could not accept its order because of ``error``, a defect."""
    failure = Failure(
        asked=command.goal,
        state="-",
        reason=f"the agent could not begin the order: {error!r}; the task is not changed",
        advice="report this as a defect, with the log of the agent",
    )
    return _failed(task, command, failure)


def not_stopped_report(done: TaskReport, remaining: Iterable[Entry], kernel: Kernel = LINUX) -> TaskReport:
    """Return ``done`` as the report of a task without a record whose processes do not end."""
    processes = list(remaining)
    failure = Failure(
        asked="kill",
        state="-",
        reason=f"these processes do not end after SIGKILL: {in_words(processes, kernel)}",
        advice=advice_on(processes, kernel),
    )
    return replace(done, state=TaskState.ERROR, failure=failure)


def unreadable_task_report(task: TaskId, command: Command, why: str) -> TaskReport:
    """Return the report of a task whose order could not be read."""
    failure = Failure(
        asked=command.goal,
        state="-",
        reason=f"the agent could not read the order: {why}; the task is not changed",
        advice="agent and control may have incompatible versions: upgrade both, then try again",
    )
    return _failed(task, command, failure)


def unknown_task_report(task: TaskId, command: Command, host: HostId) -> TaskReport:
    """Return the report of a task that has an order to move and was never started here."""
    failure = Failure(
        asked="launch",
        state="-",
        reason=f"{task} is unknown on {host}, and the order has no launch",
        advice="send an order of a higher revision with a launch",
    )
    return _failed(task, command, failure)


def _failed(task: TaskId, command: Command, failure: Failure) -> TaskReport:
    return TaskReport(
        task=task,
        environment=command.environment,
        revision=command.revision,
        settled=True,
        status=TaskStatus.INACTIVE,
        state=TaskState.ERROR,
        failure=failure,
    )
