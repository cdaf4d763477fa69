"""Select the format of a result of control by its keys, for callers that have only the result."""

from collections.abc import Callable
from typing import Any

from salt_o2.core.terminal_text import terminal_document, terminal_text
from salt_o2.presentation import (
    environments,
    history,
    hosts,
    layout,
    plans,
    pool,
    progress,
    runs,
    tasks,
    workflows,
)


def render(data: Any) -> str:
    """Return ``data`` as text for a terminal: an environment with its tree, a table, a line, an error."""
    return terminal_text(_picture(terminal_document(data)))


def _picture(data: Any) -> str:
    if isinstance(data, list):
        return _rows(data)
    if not isinstance(data, dict):
        return str(data)
    if "error" in data and "retcode" in data:
        return f"{data['error']['kind']}: {data['error']['message']}"
    if "roles" in data:
        return environments.environment(data, tasks=True, workflow=True)
    if data.get("suffix") == "progress":
        return progress.progress_line(data["event"])
    for mark, picture in _PICTURES.items():
        if mark in data:
            return picture(data)
    return layout.block(list(data.items()))


_PICTURES: dict[str, Callable[[dict[str, Any]], str]] = {
    "changes": plans.plan,
    "only_left": history.difference,
    "duration_s": runs.run,
    "stdout": tasks.task_output,
    "not_known": workflows.variables,
    "problems": workflows.problems,
    "pooled": pool.pool,
    "waiting": pool.cleaned,
    "killed": lambda found: tasks.killed(found) if "outcome" in found else tasks.one_task(found),
    "outcome": tasks.recovered,
}
"""Formats of single results, by a key that only such a result has."""


def _rows(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "nothing there"
    first = rows[0]
    if "path" in first:
        return tasks.all_tasks_table(rows)
    if "last_seen_s" in first:
        return hosts.host_table(rows)
    if "outcome" in first and "id" in first:
        return hosts.maintenance(rows)
    if "direction" in first:
        return history.history(rows)
    if "duration_s" in first:
        return runs.run_table(rows)
    return environments.environment_table(rows) if "created" in first else workflows.workflow_table(rows)
