"""Format tables, blocks, times and counts as text."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

Plain = dict[str, Any]


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table with a ruled border; every column is as wide as its widest cell."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    head, *body = (_row(row, widths) for row in (header, *cells))
    return "\n".join((rule, head, rule, *body, *([rule] if body else [])))


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "| " + " | ".join(padded) + " |"


def block(facts: Sequence[tuple[str, object]]) -> str:
    """Return one line for each name and value, aligned; facts that are ``None`` are omitted."""
    known = [(name, value) for name, value in facts if value is not None]
    width = max((len(name) for name, _ in known), default=0)
    below = "\n" + " " * (width + 2)
    return "\n".join(
        f"{name + ':':{width + 2}}{below.join(str(value).splitlines())}" for name, value in known
    )


def indented(text: str) -> str:
    """Return ``text`` with its further lines indented: none of them resembles a line of a table."""
    return "\n".join(
        line if number == 0 or line.startswith("  ") else f"  {line}"
        for number, line in enumerate(text.split("\n"))
    )


def counted(name: str, rows: Sequence[object]) -> str:
    """Return the head of a table's first column, with the number of rows."""
    thing = {"TASK ID": "TASK", "ENVIRONMENT ID": "ENVIRONMENT", "WORKFLOW TEMPLATE": "TEMPLATE"}.get(
        name, name
    )
    return f"{name} ({len(rows)} {thing}{'' if len(rows) == 1 else 'S'})"


def local_time(stamp: str) -> str:
    """Return an ISO 8601 time as local time for users; any other text is returned unchanged."""
    try:
        return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    except ValueError:
        return stamp
