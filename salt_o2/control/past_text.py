"""What was, as text: the story of an environment, runs, the difference of two, a task's output."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from salt_o2.control.render import block, local_time, table

Plain = dict[str, Any]

QUIET = ("TasksMoved", "Tick", "Answer")
"""Lines that are told only to whoever wants all: what they led to is told anyway."""


def history(lines: Sequence[Plain], every: bool = False) -> str:
    """Return a story: its days as headings, then time, what happened, and its cause."""
    told = [line for line in lines if every or line["kind"] not in QUIET]
    return "\n".join(_story(told)) or "nothing has happened"


def _story(lines: Iterable[Plain]) -> Iterable[str]:
    day = ""
    for line in lines:
        at = datetime.fromisoformat(line["at"]).astimezone()
        if day != (day := at.strftime("%Y-%m-%d %Z")):
            yield day
        cause = f"   <- {line['cause']}" if line["cause"] else ""
        arrow = ">" if line["direction"] == "in" else " "
        yield f"{at.strftime('%H:%M:%S.%f')[:-3]} {arrow} {line['text']}{cause}"


def run_table(runs: Sequence[Plain]) -> str:
    """Return the runs, one a row."""
    if not runs:
        return "no runs yet"
    header = ("RUN", "ENVIRONMENT", "WORKFLOW TEMPLATE", "BY", "STARTED", "ENDED", "DURATION")
    return table(header, map(_run_row, runs))


def _run_row(run: Plain) -> tuple[object, ...]:
    ended = local_time(run["ended"]) if run["ended"] else "goes on"
    return (
        run["run_number"],
        run["environment"],
        run["workflow"] or "",
        run["user"],
        local_time(run["started"]),
        ended,
        _duration(run["duration_s"]) or "",
    )


def run(found: Plain) -> str:
    """Return the facts of one run."""
    return block(
        [
            ("run number", found["run_number"]),
            ("environment id", found["environment"]),
            ("workflow template", found["workflow"]),
            ("revision", found["revision"]),
            ("by", found["user"] or None),
            ("started", local_time(found["started"])),
            ("ended", local_time(found["ended"]) if found["ended"] else "goes on"),
            ("duration", _duration(found["duration_s"])),
            ("ended in state", found.get("end_state")),
            ("because", found.get("end_reason")),
            ("pushed at start", _arguments(found.get("start_arguments"))),
            ("pushed at stop", _arguments(found.get("stop_arguments"))),
        ]
    )


def _arguments(pushed: dict[str, str] | None) -> str | None:
    """Return one argument a line, or nothing if none was pushed."""
    return "\n".join(f"{name}={value}" for name, value in sorted((pushed or {}).items())) or None


def _duration(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:04.1f}" if hours or minutes else f"{rest:.1f} s"


def difference(found: Plain) -> str:
    """Return in what two plans differ: what is only on the left with -, only on the right with +."""
    lines = [*_pair("workflow", found["workflow"]), *_pair("revision", found["revision"])]
    for name, (left, right) in found["variables"].items():
        lines += _sides(f"variable {name}", left, right)
    lines += [f"- role {path}" for path in found["only_left"]]
    lines += [f"+ role {path}" for path in found["only_right"]]
    for path, changed in found["different"].items():
        for what, (left, right) in changed.items():
            lines += _sides(f"{path} {what}", left, right)
    return "\n".join(lines) or "they do not differ"


def _pair(name: str, values: Sequence[str]) -> list[str]:
    return _sides(name, values[0], values[1]) if len(values) == 2 else []


def _sides(name: str, left: object, right: object) -> list[str]:
    sides = (("-", left), ("+", right))
    return [f"~ {name}", *(f"  {sign} {value}" for sign, value in sides if value is not None)]


def task_output(found: Plain) -> str:
    """Return a task's output, then its errors."""
    errors = [f"stderr: {line}" for line in found.get("stderr") or []]
    return "\n".join([*(found.get("stdout") or []), *errors]) or f"{found['task']} has written nothing"
