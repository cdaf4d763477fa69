r"""Count restarts and failures of roles, and follow which tasks of a run do not take part at the moment.

A role has one task at a time. A role whose task is moved to another host continues its count.

    failure, loss, exclusion --interrupt--> interrupted --resume: it reports RUNNING again--> taking part
                                                 \------- the run ends ----------> not back in the run
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.messages.effects import EndedInterruption, Interruption, InterruptionEnd
from salt_o2.core.plan.plan import PlannedTask

LONGEST_REASON = 300
"""Characters of a last failure that are kept: each snapshot of an environment has those of its roles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastFailure:
    """The last failure of a role's task; ``at`` in seconds since the epoch."""

    at: float
    path: str
    host: HostId
    task: TaskId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenInterruption:
    """An interruption that lasts."""

    since: float
    task: TaskId
    restarts: int
    """How often the role had been restarted when the interruption began."""
    excluded: bool = False
    revision: int = 0
    """Only a report of this revision or a higher one ends the interruption."""

    @property
    def modified(self) -> bool:
        """Whether a modification replaces the process: it awaits the report of its own order."""
        return self.revision > 0


@dataclass(slots=True)
class IncidentLog:
    """Restarts, last failures and open interruptions, by the paths of roles."""

    restarts: dict[str, int] = field(default_factory=dict)
    """How often control restarted the task of each role since the environment was created."""
    failures: dict[str, LastFailure] = field(default_factory=dict)
    """The last failure of each role."""
    total_restarts: int = 0
    last_failure: LastFailure | None = None
    """The last failure of all."""
    interrupted: dict[str, OpenInterruption] = field(default_factory=dict)
    """The roles whose tasks do not take part in the run under way."""

    def restore(self, restarts: dict[str, int], failures: dict[str, LastFailure]) -> None:
        """Restore what a snapshot has."""
        self.restarts, self.failures = dict(restarts), dict(failures)
        self.total_restarts = sum(restarts.values())
        self.last_failure = max(failures.values(), key=lambda each: each.at, default=None)

    def restore_interruptions(self, open_: Iterable[Interruption]) -> None:
        """Restore the open interruptions of the run under way from its record."""
        for each in open_:
            self.interrupted[each.path] = OpenInterruption(
                since=each.since,
                task=each.task,
                restarts=self.restarts.get(each.path, 0),
                excluded=each.excluded,
            )

    def continue_interruptions(self, open_: Mapping[str, OpenInterruption]) -> None:
        """Continue the interruptions, by path, that were open when control was restarted."""
        for path, each in open_.items():
            self.interrupted[path] = OpenInterruption(
                since=each.since,
                task=each.task,
                restarts=self.restarts.get(path, 0),
                excluded=each.excluded,
            )

    def record_restart(self, path: str) -> None:
        """Count a restart of the task of the role at ``path``."""
        self.restarts[path] = self.restarts.get(path, 0) + 1
        self.total_restarts += 1

    def record_failure(self, task: PlannedTask, reason: str, at: float) -> None:
        """Record that ``task`` failed at ``at``, in seconds since the epoch."""
        self.last_failure = self.failures[task.path] = LastFailure(
            at=at, path=task.path, host=task.host, task=task.id, reason=reason[:LONGEST_REASON]
        )

    def interrupt(
        self, task: PlannedTask, reason: str, at: float, *, excluded: bool = False, revision: int = 0
    ) -> Interruption | None:
        """Record that ``task`` does not take part in the run any more; ``None`` if that is known. O(1).

        ``revision`` is the revision of the first report that can show the task taking part again.
        """
        if task.path in self.interrupted:
            return None
        self.interrupted[task.path] = OpenInterruption(
            since=at,
            task=task.id,
            restarts=self.restarts.get(task.path, 0),
            excluded=excluded,
            revision=revision,
        )
        return Interruption(
            since=at,
            path=task.path,
            task=task.id,
            class_name=task.class_name,
            host=task.host,
            reason=reason,
            excluded=excluded,
        )

    def resume(self, task: PlannedTask, at: float, revision: int) -> EndedInterruption | None:
        """Record that ``task`` takes part again by its report of ``revision``; ``None`` if it did. O(1)."""
        begun = self.interrupted.get(task.path)
        if begun is None or revision < begun.revision:
            return None
        del self.interrupted[task.path]
        how = self._how(task, begun)
        if how is InterruptionEnd.MOVED and not begun.modified:
            self.record_restart(task.path)
        return EndedInterruption(path=task.path, task=task.id, since=begun.since, until=at, how=how)

    def exclude(self, task: PlannedTask, at: float) -> EndedInterruption | None:
        """Record that a user excludes ``task``; return the end of its interruption, if one lasted. O(1)."""
        begun = self.interrupted.pop(task.path, None)
        if begun is None:
            return None
        how = InterruptionEnd.EXCLUDED
        return EndedInterruption(path=task.path, task=task.id, since=begun.since, until=at, how=how)

    def end_run(self) -> None:
        """Forget the open interruptions: the run has ended with them."""
        self.interrupted.clear()

    def forget_roles(self, paths: Iterable[str]) -> None:
        """Forget roles that the plan does not contain any more."""
        for path in paths:
            self.total_restarts -= self.restarts.pop(path, 0)
            self.failures.pop(path, None)
            self.interrupted.pop(path, None)

    def check_invariants(self) -> None:
        """Raise AssertionError if the sums contradict the parts; for tests. O(roles)."""
        assert self.total_restarts == sum(self.restarts.values()), "the restarts of all roles are counted"
        assert all(path == each.path for path, each in self.failures.items()), "failures by their paths"

    def _how(self, task: PlannedTask, begun: OpenInterruption) -> InterruptionEnd:
        if begun.excluded:
            return InterruptionEnd.INCLUDED
        if task.id != begun.task:
            return InterruptionEnd.MOVED
        restarted = begun.modified or self.restarts.get(task.path, 0) > begun.restarts
        return InterruptionEnd.RESTARTED if restarted else InterruptionEnd.RETURNED
