"""What an agent reports of tasks that it is asked about and does not have."""

from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages import Command, Failure, TaskReport
from salt_o2.core.states import TaskState, TaskStatus


def done(task: TaskId, environment: EnvironmentId, revision: int) -> TaskReport:
    """Return the report of a task that is done, with all orders up to ``revision``."""
    return TaskReport(
        task=task,
        environment=environment,
        revision=revision,
        settled=True,
        status=TaskStatus.INACTIVE,
        state=TaskState.DONE,
    )


def unknown(task: TaskId, command: Command, host: HostId) -> TaskReport:
    """Return the report of a task that is to be driven and was never started here."""
    failure = Failure(
        asked="launch",
        state="-",
        reason=f"{task} is not known on {host}, and the order does not say how to start it",
        advice="send an order of a higher revision with a launch",
    )
    return TaskReport(
        task=task,
        environment=command.environment,
        revision=command.revision,
        settled=True,
        status=TaskStatus.INACTIVE,
        state=TaskState.ERROR,
        failure=failure,
    )
