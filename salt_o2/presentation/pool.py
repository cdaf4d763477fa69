"""Format the pool as plain text, for coconut and for the Salt runner."""

from collections.abc import Sequence
from typing import Any

from salt_o2.presentation.layout import block, table

Plain = dict[str, Any]


def pool(found: Plain) -> str:
    """Return the tasks of the pool, one a row, and the limits of the pool."""
    rows = found["pooled"]
    limits = found["bounds"]
    bounds = (
        f"at most {limits['total']} tasks in all and {limits['per_host']} on a host, "
        f"for {limits['idle_s']:g} s at the longest"
    )
    if not rows:
        return f"the pool is empty: {bounds}"
    header = (f"TASK ID ({len(rows)})", "CLASS NAME", "HOSTNAME", "STATE", "PID", "IDLE", "LAST IN")
    ending = [f"{row['id']} is ending: {row['ending']}" for row in rows if row["ending"]]
    return "\n".join([table(header, map(_row, rows)), *ending, bounds])


def cleaned(found: Plain) -> str:
    """Return the message about a pool that has just been cleaned."""
    facts = [
        ("ended", _tasks(found["ended"])),
        ("still ending", _tasks(found["ending"]) if found["ending"] else None),
        ("in the pool", found["waiting"]),
    ]
    return block(facts)


def _row(row: Plain) -> Sequence[object]:
    state = row["state"] if row["host_status"] == "ACTIVE" else row["host_status"]
    idle = f"{row['idle_s']:.0f} s"
    return row["id"], row["class"], row["host"], state, row["pid"] or "", idle, row["origin"]


def _tasks(rows: list[Plain]) -> str:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["host"]] = counts.get(row["host"], 0) + 1
    where = ", ".join(f"{count} on {host}" for host, count in sorted(counts.items()))
    return f"{len(rows)} task{'' if len(rows) == 1 else 's'}{f': {where}' if where else ''}"
