"""Define the limits of the pool, and select the entries that exceed them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.messages.bounds import Amount
from salt_o2.core.pool.entries import PoolEntry

Count = Annotated[int, Meta(ge=0, le=1_000_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLimits:
    """How much may wait: tasks on one host and in all, and for how long, in seconds."""

    per_host: Count = 50
    total: Count = 500
    idle_s: Amount = 3600.0


def over_limit(waiting: Iterable[PoolEntry], bounds: PoolLimits, at: float) -> dict[TaskId, str]:
    """Return the tasks that must stop to meet ``bounds``, with the reason; the longest waiting go first."""
    over: dict[TaskId, str] = {}
    here: dict[HostId, int] = {}
    stay = 0
    for entry in sorted(waiting, key=lambda each: -each.since):
        host = entry.task.host
        if at - entry.since > bounds.idle_s:
            over[entry.task.id] = f"not claimed by an environment within {bounds.idle_s:g} s"
        elif here.get(host, 0) >= bounds.per_host:
            over[entry.task.id] = f"more than {bounds.per_host} tasks were in the pool on {host}"
        elif stay >= bounds.total:
            over[entry.task.id] = f"more than {bounds.total} tasks were in the pool"
        else:
            here[host] = here.get(host, 0) + 1
            stay += 1
    return over
