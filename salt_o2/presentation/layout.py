"""Format tables, blocks, times and counts as text; fit tables into a terminal."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from textwrap import wrap
from typing import Any

Plain = dict[str, Any]
NARROWEST = 12
"""Columns of a table are not made narrower than this, in characters, to fit it into a terminal."""
_RULE = re.compile(r"\+(-+\+)+")


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


def short_time(stamp: str | None, now: datetime | None = None) -> str:
    """Return an ISO 8601 time as local time: the time of a moment of today, else the date too."""
    if not stamp:
        return ""
    try:
        at = datetime.fromisoformat(stamp).astimezone()
    except ValueError:
        return stamp
    today = (now or datetime.now()).astimezone().date()
    return at.strftime("%H:%M:%S" if at.date() == today else "%Y-%m-%d %H:%M:%S")


def duration(seconds: float | None) -> str:
    """Return seconds for users: ``2.5 s``, ``3:07 min``, ``2:03 h``, ``4 d``; empty if unknown."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours < 1:
        return f"{minutes}:{rest:02d} min"
    return f"{hours}:{minutes_left:02d} h" if hours < 48 else f"{hours // 24} d"


def first_line(text: str) -> str:
    """Return the first line of ``text``, with an ellipsis if there are more."""
    first, *rest = text.replace("\\n", "\n").split("\n", 1)  # one field of an answer has no line breaks
    return f"{first} ..." if rest else first


def local_time(stamp: str) -> str:
    """Return an ISO 8601 time as local time for users; any other text is returned unchanged."""
    try:
        return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
    except ValueError:
        return stamp


# --- tables in a terminal ---------------------------------------------------------------------------


def fit_tables(text: str, width: int) -> str:
    """Return ``text`` with each table that is wider than ``width`` wrapped into it, if that is possible.

    The cells of its widest columns are wrapped; no text is lost. A table that does not fit even with narrow
    columns stays as it is.
    """
    lines: list[str] = []
    for is_table, part in _parts(text.split("\n")):
        lines += _fitted(part, width) if is_table else part
    return "\n".join(lines)


def _parts(lines: Sequence[str]) -> Iterator[tuple[bool, list[str]]]:
    """Yield the tables, and the lines between them."""
    between: list[str] = []
    at = 0
    while at < len(lines):
        end = _end_of_table(lines, at)
        if end == at:
            between.append(lines[at])
            at += 1
            continue
        yield False, between
        yield True, list(lines[at:end])
        between, at = [], end
    yield False, between


def _end_of_table(lines: Sequence[str], at: int) -> int:
    """Return where the table that begins at line ``at`` ends; ``at`` if none begins there."""
    rule = lines[at]
    if not _RULE.fullmatch(rule):
        return at
    end = at
    while end < len(lines) and (lines[end] == rule or _is_row(lines[end], rule)):
        end += 1
    return end


def _is_row(line: str, rule: str) -> bool:
    return len(line) == len(rule) and all(line[at] == "|" for at, sign in enumerate(rule) if sign == "+")


def _fitted(lines: list[str], width: int) -> list[str]:
    rule = lines[0]
    edges = [at for at, sign in enumerate(rule) if sign == "+"]
    widths = [right - left - 3 for left, right in pairwise(edges)]
    narrow = _narrowed(widths, width)
    if narrow == widths:
        return lines
    fitted: list[str] = []
    for line in lines:
        if line == rule:
            fitted.append("+" + "+".join("-" * (each + 2) for each in narrow) + "+")
        else:
            cells = [line[left + 2 : right - 1].rstrip() for left, right in pairwise(edges)]
            fitted += _rows(cells, narrow)
    return fitted


def _narrowed(widths: list[int], width: int) -> list[int]:
    """Return the widths of the columns in a table of ``width``: the widest ones get narrower, equally."""
    room = width - 3 * len(widths) - 1
    if sum(widths) <= room:
        return widths
    limit = next((each for each in range(max(widths), 0, -1) if _limited(widths, each) <= room), 0)
    if limit < NARROWEST:
        return widths
    return [min(each, limit) for each in widths]


def _limited(widths: list[int], limit: int) -> int:
    return sum(min(each, limit) for each in widths)


def _rows(cells: list[str], widths: list[int]) -> Iterator[str]:
    wrapped = [wrap(cell, width) or [""] for cell, width in zip(cells, widths, strict=True)]
    for number in range(max(map(len, wrapped))):
        parts = [lines[number] if number < len(lines) else "" for lines in wrapped]
        padded = [part.ljust(width) for part, width in zip(parts, widths, strict=True)]
        yield "| " + " | ".join(padded) + " |"
