"""Format tasks as text: tables, and the outcome of a restart."""

from collections.abc import Sequence

from salt_o2.presentation import staleness
from salt_o2.presentation.layout import (
    Plain,
    block,
    counted,
    duration,
    first_line,
    indented,
    local_time,
    short_time,
    table,
)


def task_table(tasks: Sequence[Plain]) -> str:
    """Return the tasks of an environment, one a row; below it errors, losses and last failures."""
    if not tasks:
        return "no tasks"
    header = (counted("TASK ID", tasks), *_TASK_COLUMNS)
    return "\n".join([table(header, map(_task_row, tasks)), *_problems(tasks)])


def all_tasks_table(tasks: Sequence[Plain]) -> str:
    """Return the tasks of all environments, one a row; below it losses and last failures."""
    if not tasks:
        return "no tasks"
    header = (counted("TASK ID", tasks), *_TASK_COLUMNS, "ENVIRONMENT")
    rows = ((*_task_row(task), task["environment"]) for task in tasks)
    return "\n".join([table(header, rows), *_problems(tasks)])


_TASK_COLUMNS = ("ROLE", "CLASS NAME", "HOSTNAME", "STATE", "PID", "RESTARTS", "AGE")


def _task_row(task: Plain) -> tuple[object, ...]:
    return (
        task["id"],
        task["path"],
        task["class"],
        task["host"],
        _state(task),
        task.get("pid") or "",
        task.get("restarts") or "",
        duration(task.get("uptime_s")),
    )


def _state(task: Plain) -> str:
    """Return the state of a task, how old an old state is, and whether the task takes part."""
    parts = [staleness.state(task)]
    if task["state"] != task.get("last_state", task["state"]) and task.get("age_s") is not None:
        parts.append(f"seen {staleness.seen(task)}")
    parts += [mark for mark in ("excluded", "lost") if task.get(mark)]
    return ", ".join(parts)


def _problems(tasks: Sequence[Plain]) -> list[str]:
    """Return the errors, losses and last failures of tasks, one a line."""
    errors = [
        f"{task['path']} on {task['host']}: {indented(task['error'])}" for task in tasks if task.get("error")
    ]
    lost = [f"{task['path']} is lost: {task['lost']}" for task in tasks if task.get("lost")]
    excluded = [f"{task['path']} is excluded: {task['excluded']}" for task in tasks if task.get("excluded")]
    failed = [
        f"last failure {failure(task['last_failure'])}"
        for task in tasks
        if task.get("last_failure") and not task.get("error") and not task.get("lost")
    ]
    return errors + lost + excluded + failed


def failure(found: Plain) -> str:
    """Return a failure: when, which role on which host, and why."""
    return f"{short_time(found['at'])}: {found['path']} on {found['host']}: {first_line(found['reason'])}"


def recovered(task: Plain) -> str:
    """Return the result of a request to restart a task."""
    return (
        f"task {task['id']} ({task['path']} on {task['host']}): {task['outcome']}\n{all_tasks_table([task])}"
    )


def task_output(found: Plain) -> str:
    """Return a task's output, then its errors."""
    errors = [f"stderr: {line}" for line in found.get("stderr") or []]
    return "\n".join([*(found.get("stdout") or []), *errors]) or f"{found['task']} has written no output"


def one_task(found: Plain) -> str:
    """Return all that is known of one task, one fact a line."""
    environment = found["environment"]
    state = environment_state(found)
    return block(
        [
            ("task id", found["id"]),
            ("role", found["path"]),
            ("class", found["class"]),
            ("detector", found.get("detector")),
            ("environment id", f"{environment} ({state})" if state else environment),
            ("workflow template", found["workflow"]),
            ("host", found["host"]),
            ("state", staleness.state(found)),
            ("device state", found.get("device_state") or None),
            ("seen", staleness.seen(found) or None),
            ("pid", found.get("pid")),
            ("started", local_time(found["started"]) if found.get("started") else None),
            ("age", duration(found.get("uptime_s")) or None),
            ("exit", found.get("exit")),
            ("critical", "yes" if found["critical"] else "no"),
            ("recovery", found["recovery"]),
            ("restarts", found.get("restarts") or None),
            ("missing since", short_time(found.get("missing_since")) or None),
            ("excluded", found.get("excluded")),
            ("lost", found.get("lost")),
            ("last failure", failure(found["last_failure"]) if found.get("last_failure") else None),
            ("error", found.get("error")),
            ("ports", ", ".join(map(str, found["ports"])) or None),
            ("command", found["command"]),
            ("last output", "\n".join(found.get("output") or ()) or None),
        ]
    )


def environment_state(found: Plain) -> str:
    """Return the state of a task's environment, and its run."""
    if found.get("ended"):
        return f"ended {short_time(found['ended'])}"
    run = f", run {found['run_number']}" if found.get("run_number") else ""
    return f"{found['environment_state']}{run}" if found.get("environment_state") else ""


def killed(found: Plain) -> str:
    """Return the result of a request to kill a task."""
    return f"task {found['id']} ({found['path']} on {found['host']}): {found['outcome']}"
