"""Format hosts as text: one, or a table."""

from collections.abc import Sequence

from salt_o2.presentation.layout import Plain, block, counted, local_time, table


def host(found: Plain) -> str:
    """Return one host, one fact a line."""
    memory = found.get("memory_mb")
    return block(
        [
            ("host", found["id"]),
            ("status", _status(found) or None),
            ("cordon", _cordon(found.get("cordon"))),
            ("left", _left(found.get("cordon"))),
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


def _status(host: Plain) -> str:
    """Return the status of a host, and whether it accepts new tasks."""
    status, cordon = host.get("status") or "", host.get("cordon")
    if not cordon:
        return status
    if not cordon["drain"]:
        return f"{status}, cordoned"
    if cordon["drained"]:
        return f"{status}, drained"
    left = sum(each["tasks"] for each in cordon["left"])
    return f"{status}, draining ({left} left)"


def _cordon(cordon: Plain | None) -> str | None:
    """Return since when a host is cordoned, by whose request and why."""
    if not cordon:
        return None
    reason = f": {cordon['reason']}" if cordon["reason"] else ""
    return f"since {local_time(cordon['since'])} by {cordon['user'] or 'a rule'}{reason}"


def _left(cordon: Plain | None) -> str | None:
    """Return the tasks on a drained host by owner, and why they stay."""
    return "\n".join(remainder(each) for each in (cordon or {}).get("left") or ()) or None


def remainder(left: Plain) -> str:
    """Return the tasks of one owner that are left on a drained host, and why they stay."""
    run = f", run {left['run_number']}" if left["run_number"] else ""
    owner = f"environment {left['environment']} ({left['state']}{run})" if left["state"] else "the pool"
    tasks = f"{left['tasks']} task{'' if left['tasks'] == 1 else 's'}"
    return f"{tasks} of {owner} ({', '.join(left['roles'])}): {left['why']}"


def maintenance(hosts: Sequence[Plain]) -> str:
    """Return the results of a request that cordons, drains or uncordons hosts, one or more lines a host."""
    return "\n".join(
        line
        for host in hosts
        for line in (
            f"{host['id']} is {_status(host) or 'unknown'}: {host['outcome']}",
            *(f"  {remainder(left)}" for left in (host.get("cordon") or {}).get("left") or ()),
        )
    )


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
        _status(host),
        tasks if isinstance(tasks, int) else len(tasks),
        "" if host["cpus"] is None else f"{host['cpus']:g}",
        "" if host["memory_mb"] is None else f"{host['memory_mb'] / 1024:.1f} GB",
        f"{host['last_seen_s']:.1f} s ago",
        attributes,
    )
