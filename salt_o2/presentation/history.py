"""Format the journal of an environment, and the difference of two plans, as text."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from salt_o2.core.messages.quiet_entries import QUIET

Plain = dict[str, Any]


def history(lines: Sequence[Plain], every: bool = False) -> str:
    """Return a history: its days as headings, then time, event, and cause."""
    return "\n".join(_lines_of_days(shown_lines(lines, every))) or "no events"


def shown_lines(lines: Sequence[Plain], every: bool) -> list[Plain]:
    """Return the lines that a history shows: all of them with ``every``."""
    return [line for line in lines if every or line["kind"] not in QUIET]


def _lines_of_days(lines: Iterable[Plain]) -> Iterable[str]:
    day = ""
    for line in lines:
        at = datetime.fromisoformat(line["at"]).astimezone()
        if day != (day := at.strftime("%Y-%m-%d %Z")):
            yield day
        cause = f"   <- {line['cause']}" if line["cause"] else ""
        arrow = ">" if line["direction"] == "in" else " "
        yield f"{at.strftime('%H:%M:%S.%f')[:-3]} {arrow} {line['text']}{cause}"


def difference(found: Plain) -> str:
    """Return the difference of two plans: what is only on the left with -, only on the right with +."""
    lines = [*_pair("workflow", found["workflow"]), *_pair("revision", found["revision"])]
    for name, (left, right) in found["variables"].items():
        lines += _sides(f"variable {name}", left, right)
    lines += [f"- role {path}" for path in found["only_left"]]
    lines += [f"+ role {path}" for path in found["only_right"]]
    for path, changed in found["different"].items():
        for what, (left, right) in changed.items():
            lines += _sides(f"{path} {what}", left, right)
    return "\n".join(lines) or "no differences"


def _pair(name: str, values: Sequence[str]) -> list[str]:
    return _sides(name, values[0], values[1]) if len(values) == 2 else []


def _sides(name: str, left: object, right: object) -> list[str]:
    sides = (("-", left), ("+", right))
    return [f"~ {name}", *(f"  {sign} {value}" for sign, value in sides if value is not None)]
