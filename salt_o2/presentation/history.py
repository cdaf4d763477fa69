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


def events(news: Sequence[Plain]) -> str:
    """Return announcements of control, one a line, under their days."""
    return event_lines(news, "")[0] or "no events"


def event_lines(news: Iterable[Plain], day: str) -> tuple[str, str]:
    """Return announcements as lines, and the day of the last one; ``day`` has been printed already."""
    lines = []
    for event in news:
        at = datetime.fromisoformat(event["at"]).astimezone()
        if day != (day := at.strftime("%Y-%m-%d %Z")):
            lines.append(day)
        lines.append(f"{at.strftime('%H:%M:%S.%f')[:-3]}   {_event(event)}")
    return "\n".join(lines), day


def _event(event: Plain) -> str:
    """Return one announcement of control as a sentence."""
    where = f"{event.get('path')} on {event.get('host')}"
    match event["kind"]:
        case "state":
            run = f", run {event['run_number']}" if event.get("run_number") else ""
            reason = f": {_first(event['reason'])}" if event.get("reason") else ""
            return f"{event['environment']} is {event['state']}{run}{reason}"
        case "failure":
            return f"{event['environment']} {where} FAILED: {_first(event['failure']['reason'])}"
        case "killed":
            return f"{event['environment']} {where} did not stop in time and was killed (SIGKILL)"
        case "recovery":
            return f"{event['environment']} {where} is back after {event['seconds']:g} s"
        case "host":
            return f"host {event['host']} is {event['status']}: {_first(event['reason'])}"
        case "pool_exit":
            left = f"{event['class_name']} on {event['host']}"
            return f"pool: {left} departs: {_first(event['reason'])}"
        case kind:
            return str(kind)


def _first(text: str) -> str:
    return text.partition("\n")[0].partition("\\n")[0]
