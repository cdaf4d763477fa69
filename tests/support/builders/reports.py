"""Reports of tasks, as agents send them."""

from salt_o2.core.messages.reports import Failure, TaskReport
from salt_o2.core.states import TaskState, TaskStatus


def done(command, task, **other):
    """Return the report of a task that is where ``command`` wants it."""
    ended = command.goal is TaskState.DONE
    return TaskReport(
        **{
            "task": task,
            "environment": command.environment,
            "revision": command.revision,
            "settled": True,
            "status": TaskStatus.INACTIVE if ended else TaskStatus.ACTIVE,
            "state": command.goal,
            "pid": None if ended else 4711,
        }
        | other
    )


def dead(task, environment, revision, reason="killed by signal 9"):
    """Return the report of a task whose process has died."""
    return TaskReport(
        task=task,
        environment=environment,
        revision=revision,
        settled=True,
        status=TaskStatus.INACTIVE,
        state=TaskState.ERROR,
        failure=Failure(asked="-", state="RUNNING", reason=reason),
    )
