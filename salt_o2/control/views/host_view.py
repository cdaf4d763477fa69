"""Hosts as plain dicts."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from salt_o2.control.environments.active import ActiveEnvironments
from salt_o2.control.hosts.host_table import HostTable
from salt_o2.control.views.timestamps import iso
from salt_o2.core.ids import HostId
from salt_o2.core.placement.cordon import Cordon


def hosts(
    known: HostTable,
    active: ActiveEnvironments,
    at: float,
    refusals: Mapping[HostId, str],
    cordons: Mapping[HostId, dict[str, Any] | None],
) -> list[dict[str, Any]]:
    """Return every host that ever reported: its facts, the number of its tasks, its last report.

    ``refusals`` names for each host the messages under its name that were refused. ``cordons`` has the
    cordons of hosts, see ``cordon``.
    """
    counts = Counter(task.host for target in active.values() for task in target.stored.plan.tasks)
    return [
        {
            "id": name,
            "status": host.presence,
            "address": host.facts.address if host.facts else None,
            "attributes": host.facts.attributes if host.facts else {},
            "cpus": host.facts.cpus if host.facts else None,
            "memory_mb": host.facts.memory_mb if host.facts else None,
            "version": host.facts.version if host.facts else None,
            "tasks": counts[name],
            "seen": iso(host.last_seen),
            "last_seen_s": round(max(0.0, at - host.last_seen), 3),
            "cordon": cordons.get(name),
            "faults": [*host.faults, *([refusals[name]] if name in refusals else [])],
        }
        for name, host in sorted(known.known.items())
    ]


def cordon(known: Cordon, left: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the cordon of a host; ``left`` are the tasks on it by owner, and why they stay."""
    return {
        "user": known.user,
        "reason": known.reason,
        "since": iso(known.since),
        "drain": known.drain,
        "after_runs": known.after_runs,
        "drained": known.drain and not left,
        "left": left if known.drain else [],
    }
