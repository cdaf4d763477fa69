"""Format hosts as text: one, or a table."""

from collections.abc import Sequence

from salt_o2.presentation.layout import Plain, block, counted, table


def host(found: Plain) -> str:
    """Return one host, one fact a line."""
    memory = found.get("memory_mb")
    return block(
        [
            ("host", found["id"]),
            ("status", found.get("status") or None),
            ("address", found.get("address")),
            ("tasks", found.get("tasks")),
            ("cpus", found.get("cpus")),
            ("memory", None if memory is None else f"{memory / 1024:.1f} GB"),
            ("version", found.get("version") or None),
            ("seen", f"{found['last_seen_s']:.1f} s ago"),
            ("attributes", _lines(found.get("attributes") or {})),
            ("faults", "\n".join(found.get("faults") or ()) or None),
        ]
    )


def _lines(pairs: dict[str, str]) -> str | None:
    return "\n".join(f"{name}={value}" for name, value in pairs.items()) or None


def host_table(hosts: Sequence[Plain]) -> str:
    """Return the hosts, one a row."""
    if not hosts:
        return "no hosts known"
    header = (counted("HOST", hosts), "ADDRESS", "STATUS", "TASKS", "CPUS", "MEMORY", "SEEN", "ATTRIBUTES")
    faults = [f"{host['id']}: {fault}" for host in hosts for fault in host.get("faults") or ()]
    return "\n".join([table(header, (_host_row(host) for host in hosts)), *faults])


def _host_row(host: Plain) -> tuple[object, ...]:
    attributes = " ".join(f"{name}={value}" for name, value in (host.get("attributes") or {}).items())
    tasks = host.get("tasks") or 0
    return (
        host["id"],
        host["address"] or "",
        host.get("status") or "",
        tasks if isinstance(tasks, int) else len(tasks),
        "" if host["cpus"] is None else f"{host['cpus']:g}",
        "" if host["memory_mb"] is None else f"{host['memory_mb'] / 1024:.1f} GB",
        f"{host['last_seen_s']:.1f} s ago",
        attributes,
    )
