"""Define the values of the pool (core/pool/pool.py): entries, limits, and effects of changes."""

from collections.abc import Iterable
from dataclasses import dataclass

from salt_o2.core.ids import POOL, EnvironmentId, HostId, TaskId
from salt_o2.core.messages.announcements import AnnounceMoves, AnnouncePoolExit
from salt_o2.core.messages.commands import Command, Order
from salt_o2.core.messages.effects import ResendAsJob, SendCommand
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.states import TaskState

ORDER_S = 30.0
"""How long an agent may take for an order of the pool, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolEntry:
    """One task of the pool."""

    task: PlannedTask
    origin: EnvironmentId
    """The last environment of the task."""
    revision: int
    """The revision of the pool's last order to the task."""
    since: float
    """When the pool accepted the task, in seconds since the epoch."""
    user: str = ""
    """The user who requested the transfer."""
    goal: TaskState = TaskState.STANDBY
    """DONE once the pool has ordered the task to stop."""
    reason: str = ""
    """Why the task is to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreEntry:
    """Effect: store this entry on disk, in the place of an older entry of the same task."""

    entry: PoolEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveEntry:
    """Effect: the task has left the pool; its resources are free."""

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
