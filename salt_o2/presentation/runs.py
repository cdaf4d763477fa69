"""Format runs as text: one, or a table."""

from collections.abc import Sequence

from salt_o2.presentation.history import Plain
from salt_o2.presentation.layout import block, local_time, table


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
    """Return one argument a line, or nothing if START pushed none."""
    return "\n".join(f"{name}={value}" for name, value in sorted((pushed or {}).items())) or None


def _duration(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:04.1f}" if hours or minutes else f"{rest:.1f} s"
