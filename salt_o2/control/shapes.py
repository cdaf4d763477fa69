"""Which picture fits a result of control, told by its shape: for whoever has only the result."""

from typing import Any

from salt_o2.control import render


def show(data: Any) -> str:
    """Return ``data`` as text: an environment with its tree, a table, a progress line, or an error."""
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
    return render.block(list(data.items()))


def _rows(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "nothing there"
    first = rows[0]
    if "path" in first:
        return render.all_tasks_table(rows)
    if "last_seen_s" in first:
        return render.host_table(rows)
    return render.environment_table(rows) if "created" in first else render.workflow_table(rows)
