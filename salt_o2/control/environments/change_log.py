"""What changed since a revision: tasks of an environment, environments of the site, announcements.

One number, the revision, counts all changes since control was started. A watcher names the revision that it
has, and gets the tasks and environments that changed later, each with its last change only. So nothing is
queued for a watcher: a slow one gets fewer intermediate states.

    recorded, in order of the last change      a watcher that has revision 7 gets
    t3:2   t1:5   t2:8   t3:9                   t3 and t2; t1 is known to it

The memory is one entry for each task and each environment, and at most ``MOST_NEWS`` announcements.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TypeVar

from salt_o2.core.ids import EnvironmentId, TaskId
from salt_o2.core.messages.announcements import AnnounceHost, Announcement, AnnounceMoves

MOST_NEWS = 10_000
"""Announcements that can be read again; of earlier ones a watcher learns only that they are missing."""
MOST_ENDED = 10_000
"""Ended environments that are remembered; a watcher that knows an older revision reads all again."""

Wake = Callable[[], None]
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class NewsItem:
    """An announcement, with its revision and its time in seconds since the epoch."""

    revision: int
    at: float
    news: Announcement


@dataclass(slots=True)
class _Entry:
    """The changes of one environment."""

    plan: int
    """The revision at which it got its plan: the names of its tasks are those of this plan."""
    tasks: OrderedDict[TaskId, int] = field(default_factory=OrderedDict)
    """The revision of each task's last change, the latest change last."""


class ChangeLog:
    """Records changes and returns those that are later than a revision. Each record is O(changes)."""

    def __init__(self, epoch: str) -> None:
        """Start without changes; ``epoch`` tells revisions of this log from those of another."""
        self.epoch = epoch
        self.revision = 0
        self._environments: OrderedDict[EnvironmentId, int] = OrderedDict()
        self._entries: dict[EnvironmentId, _Entry] = {}
        self._ended: deque[tuple[int, EnvironmentId]] = deque(maxlen=MOST_ENDED)
        self._news: deque[NewsItem] = deque(maxlen=MOST_NEWS)
        self._lost_news = 0
        """The revision of the last announcement that cannot be read again."""
        self._lost_ends = 0
        self.waiting: set[Wake] = set()
        """Called after each change; a watcher adds itself and removes itself."""

    # --- record ---------------------------------------------------------------------------------

    def record_step(self, environment: EnvironmentId, tasks: Collection[TaskId], new_plan: bool) -> None:
        """Record that an environment has processed a message, which changed ``tasks``."""
        self.revision += 1
        entry = self._entries.get(environment)
        if entry is None or new_plan:
            entry = self._entries[environment] = _Entry(self.revision if new_plan else 0)
        for task in tasks:
            entry.tasks[task] = self.revision
            entry.tasks.move_to_end(task)
        self._environments[environment] = self.revision
        self._environments.move_to_end(environment)
        self._wake()

    def record_end(self, environment: EnvironmentId) -> None:
        """Record that ``environment`` is not active any more."""
        self.revision += 1
        self._entries.pop(environment, None)
        self._environments.pop(environment, None)
        if len(self._ended) == MOST_ENDED:
            self._lost_ends = self._ended[0][0]
        self._ended.append((self.revision, environment))
        self._wake()

    def record_news(self, news: Announcement, at: float) -> None:
        """Record an announcement; moves of tasks are left out, because the tasks themselves are recorded.

        News about a host change what is known of the environments that have tasks on it.
        """
        if isinstance(news, AnnounceMoves):
            return
        self.revision += 1
        if isinstance(news, AnnounceHost):
            for id in news.environments:
                self._environments[id] = self.revision
                self._environments.move_to_end(id)
        if len(self._news) == MOST_NEWS:
            self._lost_news = self._news[0].revision
        self._news.append(NewsItem(self.revision, at, news))
        self._wake()

    def _wake(self) -> None:
        for wake in tuple(self.waiting):
            wake()

    # --- read -----------------------------------------------------------------------------------

    def is_complete(self, epoch: str, since: int) -> bool:
        """Return whether the changes after revision ``since`` of ``epoch`` are all known here."""
        return epoch == self.epoch and self._lost_ends <= since <= self.revision

    def environments_since(self, since: int) -> list[EnvironmentId]:
        """Return the active environments that changed later than ``since``. O(result)."""
        return [id for id, _ in _later(self._environments, since)]

    def ended_since(self, since: int) -> list[EnvironmentId]:
        """Return the environments that ended later than ``since``. O(result)."""
        return [id for _, id in takewhile(lambda each: each[0] > since, reversed(self._ended))]

    def news_since(self, since: int) -> tuple[list[NewsItem], bool]:
        """Return the announcements after ``since``, oldest first, and whether some before are missing."""
        found = list(takewhile(lambda each: each.revision > since, reversed(self._news)))
        return found[::-1], since < self._lost_news

    def has_plan_since(self, environment: EnvironmentId, since: int) -> bool:
        """Return whether ``environment`` has got its plan later than ``since``."""
        entry = self._entries.get(environment)
        return entry is not None and entry.plan > since

    def tasks_since(self, environment: EnvironmentId, since: int) -> list[TaskId]:
        """Return the tasks of ``environment`` that changed later than ``since``. O(result)."""
        entry = self._entries.get(environment)
        return [task for task, _ in _later(entry.tasks, since)] if entry else []

    def last_change(self, environment: EnvironmentId) -> int:
        """Return the revision of the last change of ``environment``; 0 if there was none."""
        return self._environments.get(environment, 0)

    def check_invariants(self) -> None:
        """Raise AssertionError if an index is out of order; for tests. O(tasks)."""
        orders = [list(self._environments.values())]
        orders += [list(entry.tasks.values()) for entry in self._entries.values()]
        for revisions in orders:
            assert revisions == sorted(revisions), "the latest change is last"
            assert all(0 < each <= self.revision for each in revisions)
        assert self._entries.keys() <= self._environments.keys(), "an environment with changes is recorded"


def _later(order: OrderedDict[K, int], since: int) -> Iterator[tuple[K, int]]:
    return takewhile(lambda each: each[1] > since, ((key, order[key]) for key in reversed(order)))
