"""Request handler of ``watch``: changes later than a revision, for programs that show the site live.

A program asks again and again, each time with the revision of the last answer. An answer has the last state
of what changed since, so it is O(changes), and control queues nothing for a program that asks rarely.
"""

import asyncio
import time
from collections.abc import Iterable
from typing import Any

from salt_o2.control.environments.active import ActiveEnvironment, ActiveEnvironments
from salt_o2.control.environments.change_log import ChangeLog, NewsItem
from salt_o2.control.requests.arguments import Progress, Verbs, Watch
from salt_o2.control.views.staleness import StalenessView, ViewNow
from salt_o2.control.views.timestamps import iso
from salt_o2.core.codec import plain
from salt_o2.core.errors import UnknownNameError, UnreachableError
from salt_o2.core.ids import EnvironmentId, TaskId

MOST_WAITING = 64
"""Requests that wait for a change at most."""
GATHER_S = 0.05
"""How long a request that has waited gathers further changes: a step of many tasks is one answer."""
COLUMNS = ("id", "path", "host", "state", "status", "device_state", "pid", "excluded", "lost", "error")
"""The columns of a task in an answer."""
NAMES = {
    "AnnounceState": "state",
    "AnnounceFailure": "failure",
    "AnnounceKilled": "killed",
    "AnnounceRecovery": "recovery",
    "AnnouncePoolExit": "pool_exit",
    "AnnounceHost": "host",
}
"""Kinds of news by the classes of core/messages/announcements.py."""


class WatchRequests:
    """Serves ``watch``."""

    def __init__(self, *, active: ActiveEnvironments, changes: ChangeLog, view_now: ViewNow) -> None:
        """Answer from ``changes``, which records what happens to the environments in ``active``."""
        self._active = active
        self._changes = changes
        self._view_now = view_now
        self._waiting = 0
        self.verbs: Verbs = {"watch": (Watch, self._watch)}

    async def _watch(self, wanted: Watch, _user: str, _progress: Progress) -> dict[str, Any]:
        """Return the changes after ``since``, or all if they are not all known.

        Raises:
            UnknownNameError: if there is no such active environment.
            UnreachableError: if too many requests wait already.
        """
        id = self._active.find(wanted.environment).stored.id if wanted.environment else None
        if wanted.wait_s and wanted.epoch == self._changes.epoch:
            await self._wait(wanted, id)
        if id is None:
            return self._site(wanted)
        target = self._active.get(id)
        if target is None:
            raise UnknownNameError(
                f"environment {id} has ended: `coconut env history {id}` shows its history"
            )
        return self._environment(target, wanted)

    async def _wait(self, wanted: Watch, id: EnvironmentId | None) -> None:
        """Return when there is a change later than ``wanted.since``, or after ``wanted.wait_s``."""
        if self._waiting >= MOST_WAITING:
            raise UnreachableError(
                f"{MOST_WAITING} requests wait for changes, which is the limit: try again later"
            )
        changed, end = asyncio.Event(), time.monotonic() + wanted.wait_s
        self._changes.waiting.add(changed.set)
        self._waiting += 1
        try:
            while not self._has_news(wanted.since, id) and (remaining_s := end - time.monotonic()) > 0:
                changed.clear()
                try:
                    await asyncio.wait_for(changed.wait(), remaining_s)
                except TimeoutError:
                    return
                await asyncio.sleep(min(GATHER_S, remaining_s))
        finally:
            self._waiting -= 1
            self._changes.waiting.discard(changed.set)

    def _has_news(self, since: int, id: EnvironmentId | None) -> bool:
        if id is None:
            return self._changes.revision > since
        return id not in self._active or self._changes.last_change(id) > since

    def _site(self, wanted: Watch) -> dict[str, Any]:
        complete = self._changes.is_complete(wanted.epoch, wanted.since)
        since = wanted.since if complete else 0
        ids = self._changes.environments_since(since) if complete else list(self._active)
        news, gap = self._changes.news_since(since)
        view = self._view_now()
        return {
            **self._revision(complete),
            "environments": [view.environment_summary(self._active[id]) for id in ids if id in self._active],
            "ended": self._changes.ended_since(since) if complete else [],
            "news": [_news(each) for each in news],
            "gap": gap or bool(wanted.epoch and not complete),
        }

    def _environment(self, target: ActiveEnvironment, wanted: Watch) -> dict[str, Any]:
        id = target.stored.id
        complete = self._changes.is_complete(wanted.epoch, wanted.since) and not self._changes.has_plan_since(
            id, wanted.since
        )
        registered = target.environment.model.tasks.tasks
        changed = self._changes.tasks_since(id, wanted.since) if complete else registered
        view = self._view_now()
        return {
            **self._revision(complete),
            "environment": view.environment_summary(target),
            "columns": COLUMNS,
            "tasks": _rows(target, view, (task for task in changed if task in registered)),
        }

    def _revision(self, complete: bool) -> dict[str, Any]:
        return {"epoch": self._changes.epoch, "revision": self._changes.revision, "complete": complete}


def _rows(target: ActiveEnvironment, view: StalenessView, tasks: Iterable[TaskId]) -> list[list[Any]]:
    members = target.environment.model.tasks
    shown = (view.task(members.tasks[task], members.reports.get(task)) for task in tasks)
    return [
        [
            members.excluded.get(row["id"])
            if column == "excluded"
            else members.lost.get(row["id"])
            if column == "lost"
            else row[column]
            for column in COLUMNS
        ]
        for row in shown
    ]


def _news(item: NewsItem) -> dict[str, Any]:
    return {
        "revision": item.revision,
        "at": iso(item.at),
        "kind": NAMES[type(item.news).__name__],
        **plain(item.news),
    }
