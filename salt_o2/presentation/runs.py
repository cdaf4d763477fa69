"""Format runs as text: one, or a table."""

from collections.abc import Sequence

from salt_o2.presentation.layout import Plain, block, first_line, local_time, short_time, table


def run_table(runs: Sequence[Plain]) -> str:
    """Return the runs, one a row."""
    if not runs:
        return "no runs"
    header = ("RUN", "ENVIRONMENT", "WORKFLOW TEMPLATE", "BY", "STARTED", "DURATION", "END", "INTERRUPTED")
    return table(header, map(_run_row, runs))


def _run_row(run: Plain) -> tuple[object, ...]:
    return (
        run["run_number"],
        run["environment"],
        run["workflow"] or "",
        run["user"],
        short_time(run["started"]),
        _duration(run["duration_s"]) or "",
        first_line(end(run)),
        _interrupted(run),
    )


def end(run: Plain) -> str:
    """Return why a run ended: STOP and its user, end of data, ERROR and its role, and the reason."""
    if not run["ended"]:
        return "goes on"
    cause, reason = run.get("end_cause"), run.get("end_reason")
    if cause is None:
        return reason or "not recorded"
    roles, by = _roles(run.get("failed_roles") or ()), run.get("ended_by")
    event = "ERROR" if run.get("end_state") == "ERROR" else "STOP"
    head = {
        "requested": f"{event} by {by or 'a rule'}",
        "time limit": "time limit",
        "end of data": "end of data",
        "recovery policy": f"STOP, failure of {roles}",
        "ERROR": f"ERROR of {roles}" if roles else "ERROR",
        "never started": f"never started, ERROR of {roles}" if roles else "never started",
    }.get(cause, cause)
    # An ERROR has a reason of several lines, which the record of the run shows.
    said = "" if roles or cause in ("time limit", "end of data") else str(reason or "")
    return f"{head}: {said}" if said and said != head else str(head)


def _roles(roles: Sequence[str]) -> str:
    more = f" and {len(roles) - 2} more" if len(roles) > 2 else ""
    return ", ".join(roles[:2]) + more


def _interrupted(run: Plain) -> str:
    """Return how many interruptions a run had, and how many of them were not over at its end."""
    count, left = run.get("interrupted"), run.get("not_back")
    if not count:
        return ""
    return f"{count} ({left} not back)" if left else str(count)


def run(found: Plain) -> str:
    """Return the facts of one run, and below them its interruptions."""
    facts = block(
        [
            ("run number", found["run_number"]),
            ("environment id", found["environment"]),
            ("workflow template", found["workflow"]),
            ("revision", found["revision"]),
            ("by", found["user"] or None),
            ("started", local_time(found["started"])),
            ("ended", local_time(found["ended"]) if found["ended"] else "goes on"),
            ("duration", _duration(found["duration_s"])),
            ("end", end(found) if found["ended"] else None),
            ("ended in state", found.get("end_state")),
            ("because", found.get("end_reason")),
            ("failed roles", ", ".join(found.get("failed_roles") or ()) or None),
            ("pushed at start", _arguments(found.get("start_arguments"))),
            ("pushed at stop", _arguments(found.get("stop_arguments"))),
            ("interrupted", _interrupted(found) or ("no" if "interruptions" in found else None)),
        ]
    )
    lines = _interruption_table(found.get("interruptions") or ())
    return f"{facts}\n\n{lines}" if lines else facts


def _interruption_table(interruptions: Sequence[Plain]) -> str:
    if not interruptions:
        return ""
    header = ("ROLE", "HOST", "FROM", "UNTIL", "MISSING", "BACK", "WHY")
    return table(
        header,
        (
            (
                each["path"],
                each["host"],
                short_time(each["since"]),
                short_time(each["until"]),
                _duration(each["seconds"]) or "",
                each["how"] or "not back",
                first_line(each["reason"]),
            )
            for each in interruptions
        ),
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
