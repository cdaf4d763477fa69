"""Define the cordon of a host: no new task is placed there. Tasks that are there already stay.

A cordon ends at the request of a user only. It outlives restarts of control and of the host, and the machine
keeps it when its minion gets another id (docs/decisions/0125-cordoned-hosts.md).
"""

from dataclasses import dataclass

from salt_o2.core.ids import HostId

SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Cordon:
    """The cordon of one host."""

    since: float
    """When it began, in seconds since the epoch."""
    user: str = ""
    reason: str = ""
    drain: bool = False
    """Whether control moves the tasks of the host to other hosts as well."""
    after_runs: bool = False
    """With ``drain``: whether control moves no task of an environment in RUNNING."""


def describe_cordon(host: HostId, cordon: Cordon) -> str:
    """Return that ``host`` is cordoned, by whose request and why."""
    by, what = cordon.user or "a rule", "drained" if cordon.drain else "cordoned"
    return f"{host} is {what} by {by}" + (f" ({cordon.reason})" if cordon.reason else "")


def describe_cordons(cordons: dict[HostId, Cordon]) -> str:
    """Return which hosts are cordoned and what to do; empty without any."""
    if not cordons:
        return ""
    named = "; ".join(describe_cordon(host, cordons[host]) for host in sorted(cordons)[:SHOWN])
    more = f"; {len(cordons) - SHOWN} more hosts are cordoned" if len(cordons) > SHOWN else ""
    return f"{named}{more}: no new task is placed there until host uncordon"
