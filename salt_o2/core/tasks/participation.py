"""Record how each task participates in its environment: exactly one ``Participation`` per task.

    install --> ACTIVE --exclude--> EXCLUDED
                  |  ^
         mark_lost|  |restore
                  v  |
                 LOST
    a plan without the task --> DEPARTING --> removed when the task has ended, or is transferred to the pool

An excluded task that fails stays EXCLUDED, and a departing task stays DEPARTING: its end is expected anyway.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from salt_o2.core.ids import TaskId


class Participation(StrEnum):
    """How one task participates."""

    ACTIVE = "active"
    """It takes part in every transition."""
    EXCLUDED = "excluded"
    """A user or a failed modification keeps it out of the data flow."""
    LOST = "lost"
    """It failed, and the environment continues without it until it is healthy again."""
    DEPARTING = "departing"
    """The plan does not contain it any more, and the environment waits for its end."""


class ParticipationTable:
    """The participation of all tasks of one environment, with the reasons."""

    def __init__(self) -> None:
        """Start without a task."""
        self.excluded: dict[TaskId, str] = {}
        """By task: the reason for the exclusion."""
        self.lost: dict[TaskId, str] = {}
        """By task: the failure."""
        self.ignored: set[TaskId] = set()
        """The LOST tasks whose recovery policy ignores the failure: roles tolerate these without a limit."""
        self.departing: set[TaskId] = set()
        self.version = 0
        """Number of changes so far: an environment whose participation has changed must be stored."""

    def __getitem__(self, task: TaskId) -> Participation:
        """Return the participation of ``task``, which belongs to the environment. O(1)."""
        if task in self.departing:
            return Participation.DEPARTING
        if task in self.excluded:
            return Participation.EXCLUDED
        return Participation.LOST if task in self.lost else Participation.ACTIVE

    def is_active(self, task: TaskId) -> bool:
        """Return whether ``task``, which belongs to the environment, is ACTIVE. O(1)."""
        return task not in self.departing and task not in self.excluded and task not in self.lost

    def install(
        self, planned: Iterable[TaskId], excluded: Mapping[TaskId, str], departing: Iterable[TaskId]
    ) -> None:
        """Follow a new plan: lost tasks that are in it and not ``excluded`` stay lost."""
        self.version += 1
        self.excluded = dict(excluded)
        self.departing = set(departing)
        present = set(planned)
        self.lost = {
            task: reason for task, reason in self.lost.items() if task in present and task not in excluded
        }
        self.ignored &= self.lost.keys()

    def exclude(self, task: TaskId, reason: str) -> None:
        """Make ``task`` EXCLUDED, unless it is DEPARTING."""
        if task not in self.departing:
            self.restore(task)
            self.excluded[task] = reason
            self.version += 1

    def mark_lost(self, task: TaskId, reason: str) -> None:
        """Make ``task`` LOST if it is ACTIVE; a task that is LOST already gets the new reason."""
        if task not in self.departing and task not in self.excluded:
            self.lost[task] = reason
            self.version += 1

    def ignore_loss(self, task: TaskId, reason: str) -> None:
        """Make ``task`` LOST if it is ACTIVE or LOST; roles tolerate this loss without a limit."""
        self.mark_lost(task, reason)
        if task in self.lost:
            self.ignored.add(task)

    def restore(self, task: TaskId) -> None:
        """Make ``task`` ACTIVE again if it is LOST."""
        if task in self.lost:
            self.version += 1
        self.lost.pop(task, None)
        self.ignored.discard(task)

    def remove(self, task: TaskId) -> None:
        """Remove ``task``: it does not belong to the environment any more."""
        self.version += 1
        self.excluded.pop(task, None)
        self.restore(task)
        self.departing.discard(task)

    def check_invariants(self) -> None:
        """Raise AssertionError if a task has two participations; for tests. O(tasks)."""
        assert not self.excluded.keys() & self.lost.keys(), "no task is both excluded and lost"
        assert self.ignored <= self.lost.keys(), "only a lost task is ignored"
        assert not self.departing & (self.excluded.keys() | self.lost.keys()), "a departing task is only that"
