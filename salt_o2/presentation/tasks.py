"""Format tasks as text: tables, and the outcome of a restart."""

from collections.abc import Sequence

from salt_o2.presentation import staleness
from salt_o2.presentation.layout import Plain, counted, indented, table


def task_table(tasks: Sequence[Plain]) -> str:
    """Return the tasks of an environment, one a row."""
    if not tasks:
        return "no tasks"
    header = (counted("TASK ID", tasks), *_TASK_COLUMNS)
    rows = [_task_row(task) for task in tasks]
    problems = [
        f"{task['path']} on {task['host']}: {indented(task['error'])}" for task in tasks if task.get("error")
    ]
    problems += [f"{task['path']} is lost: {task['lost']}" for task in tasks if task.get("lost")]
    return "\n".join([table(header, rows), *problems])


def all_tasks_table(tasks: Sequence[Plain]) -> str:
    """Return the tasks of all environments, one a row."""
    if not tasks:
        return "no tasks"
    header = (counted("TASK ID", tasks), *_TASK_COLUMNS, "ENVIRONMENT")
    return table(header, ((*_task_row(task), task["environment"]) for task in tasks))


_TASK_COLUMNS = ("CLASS NAME", "HOSTNAME", "STATUS", "STATE", "PID", "SEEN")


def _task_row(task: Plain) -> tuple[object, ...]:
    known = (task["id"], task["class"], task["host"], task["status"], staleness.state(task))
    return (*known, task.get("pid") or "", staleness.seen(task))


def recovered(task: Plain) -> str:
    """Return the result of a request to restart a task."""
    return (
        f"task {task['id']} ({task['path']} on {task['host']}): {task['outcome']}\n{all_tasks_table([task])}"
    )


def task_output(found: Plain) -> str:
    """Return a task's output, then its errors."""
    errors = [f"stderr: {line}" for line in found.get("stderr") or []]
    return "\n".join([*(found.get("stdout") or []), *errors]) or f"{found['task']} has written no output"
