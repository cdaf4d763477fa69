"""Which picture fits a result of control, told by its shape: for whoever has only the result."""

from collections.abc import Callable
from typing import Any

from salt_o2.control import past_text, plan_text, pool_text, render
from salt_o2.core.terminal_text import terminal_document, terminal_text


def show(data: Any) -> str:
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
        return render.environment(data, tasks=True, workflow=True)
    if data.get("suffix") == "progress":
        return render.progress_line(data["event"])
    for mark, picture in _PICTURES.items():
        if mark in data:
            return picture(data)
    return render.block(list(data.items()))


_PICTURES: dict[str, Callable[[dict[str, Any]], str]] = {
    "changes": plan_text.plan,
    "only_left": past_text.difference,
    "duration_s": past_text.run,
    "stdout": past_text.task_output,
    "problems": render.problems,
    "pooled": pool_text.pool,
    "waiting": pool_text.cleaned,
    "outcome": render.recovered,
}
"""What else a single result can be, by a key that only it has."""


def _rows(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "nothing there"
    first = rows[0]
    if "path" in first:
        return render.all_tasks_table(rows)
    if "last_seen_s" in first:
        return render.host_table(rows)
    if "direction" in first:
        return past_text.history(rows)
    if "duration_s" in first:
        return past_text.run_table(rows)
    return render.environment_table(rows) if "created" in first else render.workflow_table(rows)
