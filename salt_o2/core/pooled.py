"""The values of the pool: what waits there, how much may, and what follows when it changes (core/pool.py)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from salt_o2.core.effects import AnnounceLeft, AnnounceMoves, Drive, Insist
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages import Amount, Command, Order
from salt_o2.core.plan import PlannedTask
from salt_o2.core.states import TaskState

POOL = EnvironmentId("pool")
"""What agents call the pool; no environment can have this id, because ids have no l."""
ORDER_S = 30.0
"""How long an agent may take for an order of the pool."""
Count = Annotated[int, Meta(ge=0, le=1_000_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much may wait: tasks on one host and in all, and for how long, in seconds."""

    per_host: Count = 50
    total: Count = 500
    idle_s: Amount = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """One task of the pool."""

    task: PlannedTask
    origin: EnvironmentId
    """The environment that it was in last."""
    revision: int
    """Of the pool's last order to it."""
    since: float
    """When it came here, in seconds since the epoch."""
    user: str = ""
    """Who wanted it kept."""
    goal: TaskState = TaskState.STANDBY
    """DONE from the moment that it is to end."""
    reason: str = ""
    """Why it is to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Effect: keep this entry on disk, in the place of an older one of the same task."""

    entry: Pooled


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Effect: the task is in the pool no more; what it has taken of its host is free."""

    task: TaskId


PoolEffect = Put | Drop | Drive | Insist | AnnounceMoves | AnnounceLeft


def overfull(waiting: Iterable[Pooled], bounds: Bounds, at: float) -> dict[TaskId, str]:
    """Return who must go for ``bounds`` to hold, with the reason: of too many, who has waited longest."""
    over: dict[TaskId, str] = {}
    here: dict[HostId, int] = {}
    stay = 0
    for entry in sorted(waiting, key=lambda each: -each.since):
        host = entry.task.host
        if at - entry.since > bounds.idle_s:
            over[entry.task.id] = f"nobody claimed it within {bounds.idle_s:g} s"
        elif here.get(host, 0) >= bounds.per_host:
            over[entry.task.id] = f"more than {bounds.per_host} tasks waited on {host}"
        elif stay >= bounds.total:
            over[entry.task.id] = f"more than {bounds.total} tasks waited"
        else:
            here[host] = here.get(host, 0) + 1
            stay += 1
    return over


def commands(entries: Iterable[Pooled]) -> list[Command]:
    """Return the orders to ``entries``: one command for each host, revision and goal."""
    groups: dict[tuple[HostId, int, TaskState], list[Order]] = {}
    for entry in entries:
        key = (entry.task.host, entry.revision, entry.goal)
        groups.setdefault(key, []).append(Order(task=entry.task.id))
    return [
        Command(
            host=host,
            environment=POOL,
            revision=revision,
            goal=goal,
            orders=tuple(orders),
            timeout_s=ORDER_S,
        )
        for (host, revision, goal), orders in groups.items()
    ]
