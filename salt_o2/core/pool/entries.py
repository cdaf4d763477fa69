"""The values of the pool (core/pool/pool.py): its entries, its limits, and what follows when it changes."""

from collections.abc import Iterable
from dataclasses import dataclass

from salt_o2.core.ids import POOL, EnvironmentId, HostId, TaskId
from salt_o2.core.messages.announcements import AnnounceMoves, AnnouncePoolExit
from salt_o2.core.messages.commands import Command, Order
from salt_o2.core.messages.effects import ResendAsJob, SendCommand
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.states import TaskState

ORDER_S = 30.0
"""How long an agent may take for an order of the pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolEntry:
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
class StoreEntry:
    """Effect: keep this entry on disk, in the place of an older one of the same task."""

    entry: PoolEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveEntry:
    """Effect: the task is in the pool no more; what it has taken of its host is free."""

    task: TaskId


PoolEffect = StoreEntry | RemoveEntry | SendCommand | ResendAsJob | AnnounceMoves | AnnouncePoolExit


def commands(entries: Iterable[PoolEntry]) -> list[Command]:
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
