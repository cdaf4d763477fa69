"""Request handlers for the pool: list its tasks and stop them."""

from collections.abc import Callable
from typing import Any

from salt_o2.control.environments.pool_service import PoolService
from salt_o2.control.hosts.host_table import HostTable
from salt_o2.control.requests.arguments import Nothing, PoolClean, Progress, Verbs
from salt_o2.control.views import timestamps
from salt_o2.control.views.staleness import ViewNow
from salt_o2.core.codec import plain
from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.pool.entries import PoolEntry
from salt_o2.core.recovery.host_liveness import HostStatus
from salt_o2.core.states import TaskState

END_S = 40.0
"""Seconds that a clean-up request waits for processes to end."""


class PoolRequests:
    """Serves requests for tasks that belong to no environment."""

    def __init__(
        self, *, pool: PoolService, hosts: HostTable, view_now: ViewNow, clock: Callable[[], float]
    ) -> None:
        """Serve requests for the tasks of ``pool``."""
        self._pool = pool
        self._hosts = hosts
        self._view_now = view_now
        self._clock = clock
        self.verbs: Verbs = {"pool_list": (Nothing, self._list), "pool_clean": (PoolClean, self._clean)}

    async def _list(self, _wanted: Nothing, _user: str, _progress: Progress) -> dict[str, Any]:
        pool = self._pool.pool
        return {"pooled": [self._row(entry) for entry in pool.entries.values()], "bounds": plain(pool.bounds)}

    async def _clean(self, wanted: PoolClean, user: str, _progress: Progress) -> dict[str, Any]:
        narrowed = wanted.class_name or wanted.host or wanted.idle_s
        if bool(narrowed) == wanted.all:
            raise InvalidRequestError(
                "give the tasks to stop, by class_name, host or idle_s, or all, but not both"
            )
        at = self._clock()
        chosen = [entry for entry in self._pool.pool.entries.values() if _is_meant(entry, wanted, at)]
        rows = {entry.task.id: self._row(entry) for entry in chosen}
        reason = f"cleaned by {user or 'a rule'}"
        not_ended = await self._pool.stop(rows.keys(), reason, user, END_S)
        return {
            "ended": [row for task, row in rows.items() if task not in not_ended],
            "ending": [row for task, row in rows.items() if task in not_ended],
            "waiting": len(self._pool.pool.waiting),
        }

    def _row(self, entry: PoolEntry) -> dict[str, Any]:
        """Return one task in its wire format."""
        about = self._pool.pool.reports.get(entry.task.id)
        return self._view_now().task(entry.task, about) | {
            "revision": entry.task.launch.revision,
            "origin": entry.origin,
            "user": entry.user,
            "since": timestamps.iso(entry.since),
            "idle_s": round(self._clock() - entry.since, 1),
            "host_status": self._hosts.presence(entry.task.host) or HostStatus.EXPECTED,
            "ending": entry.reason if entry.goal is TaskState.DONE else None,
        }


def _is_meant(entry: PoolEntry, wanted: PoolClean, at: float) -> bool:
    return (
        wanted.class_name in ("", entry.task.class_name)
        and wanted.host in ("", entry.task.host)
        and at - entry.since >= wanted.idle_s
    )
