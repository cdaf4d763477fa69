"""The pool: idle tasks in STANDBY that belong to no environment, until a plan that they fit claims them.

    environment --transfer--> waiting --claim--> environment
                                |
                                +--failed, stopped, over limits--> leaving --its host reports DONE--> removed

The pool owns its tasks as an environment does. Agents know it by the name POOL. Each of its orders has a
revision, higher than that of any earlier order to its tasks by any owner, and is resent until the host
acknowledges it. An entry is on disk (StoreEntry) before its order is sent, and its resources stay allocated
until it is removed (RemoveEntry).
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace

from salt_o2.core.ids import POOL, EnvironmentId, HostId, TaskId
from salt_o2.core.messages.announcements import AnnounceMoves, AnnouncePoolExit
from salt_o2.core.messages.effects import ResendAsJob, SendCommand
from salt_o2.core.messages.reports import Report, TaskReport, is_healthy, is_idle
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.pool.entries import PoolEffect, PoolEntry, RemoveEntry, StoreEntry, commands
from salt_o2.core.pool.limits import PoolLimits, over_limit
from salt_o2.core.states import TaskState, TaskStatus

REPEAT_S = 5.0
"""How long an order may be unacknowledged before it is resent as a Salt job, in seconds."""


class Pool:
    """All tasks that belong to no environment."""

    def __init__(self, bounds: PoolLimits, entries: Iterable[PoolEntry] = ()) -> None:
        """Start with ``entries``, whose agents have not reported yet."""
        self.bounds = bounds
        self.entries: dict[TaskId, PoolEntry] = {}
        self.reports: dict[TaskId, TaskReport] = {}
        self._asked: dict[TaskId, float] = {}
        self._revision = 0
        self.adopt(entries)

    def adopt(self, entries: Iterable[PoolEntry]) -> list[PoolEffect]:
        """Add ``entries``, whose agents have not reported yet; send no orders."""
        added = list(entries)
        self.entries |= {entry.task.id: entry for entry in added}
        self._revision = max(self._revision, *(entry.revision for entry in added), 0)
        return [StoreEntry(entry=entry) for entry in added]

    @property
    def waiting(self) -> list[PoolEntry]:
        """The entries that are not leaving, in the order of their arrival."""
        return [entry for entry in self.entries.values() if entry.goal is TaskState.STANDBY]

    def claimable(self, hosts: Container[HostId]) -> list[PoolEntry]:
        """Return the claimable entries: reported idle in STANDBY, on one of ``hosts``."""
        return [
            entry
            for entry in self.waiting
            if entry.task.host in hosts
            and (report := self.reports.get(entry.task.id)) is not None
            and is_idle(report)
        ]

    def accepts(self, tasks: Sequence[PlannedTask], at: float) -> set[TaskId]:
        """Return which of ``tasks`` the pool would keep if they came now."""
        coming = [PoolEntry(task=task, origin=POOL, revision=0, since=at) for task in tasks]
        over = over_limit([*self.waiting, *coming], self.bounds, at)
        return {task.id for task in tasks if task.id not in over}

    # --- changes of the entries --------------------------------------------------------------------

    def accept(
        self,
        tasks: Iterable[tuple[PlannedTask, TaskReport]],
        origin: EnvironmentId,
        revision: int,
        at: float,
        user: str = "",
    ) -> list[PoolEffect]:
        """Accept ``tasks`` of ``origin``, whose last order had ``revision``; stop tasks beyond the limits."""
        new = []
        moves: dict[HostId, dict[TaskId, TaskState]] = {}
        self._revision = max(self._revision, revision) + 1
        for task, report in tasks:
            new.append(PoolEntry(task=task, origin=origin, revision=self._revision, since=at, user=user))
            self.reports[task.id] = report
            moves.setdefault(task.host, {})[task.id] = report.state
        announcements = [
            AnnounceMoves(environment=POOL, host=host, moves=each) for host, each in moves.items()
        ]
        return [*self._store_entries(new, at), *announcements, *self._end_those_over(at)]

    def claim(self, tasks: Iterable[TaskId]) -> list[PoolEffect]:
        """Remove ``tasks``: an environment owns them now."""
        return [self._drop(task) for task in tasks]

    def stop(self, tasks: Iterable[TaskId], reason: str, at: float) -> list[PoolEffect]:
        """Order ``tasks`` to stop; tasks that are leaving already are left alone."""
        chosen = set(tasks)
        return self._end([(entry, reason) for entry in self.waiting if entry.task.id in chosen], at)

    def forget(self, tasks: Iterable[TaskId]) -> list[PoolEffect]:
        """Remove ``tasks``, whose hosts are lost; if the hosts return, they are orphaned tasks."""
        found = [entry for task in tasks if (entry := self.entries.get(task)) is not None]
        return [effect for entry in found for effect in self._remove_stopped(entry)]

    def apply_report(self, report: Report, at: float) -> list[PoolEffect]:
        """Apply the report of an agent, whichever owner the agent assumes for the tasks."""
        effects: list[PoolEffect] = []
        for about in report.tasks:
            entry = self.entries.get(about.task)
            if entry is not None and entry.task.host == report.host:
                effects += self._apply_task_report(entry, about, at)
        if report.facts is not None:
            present = {about.task for about in report.tasks}
            for entry in tuple(self.entries.values()):
                if entry.task.host == report.host and entry.task.id not in present:
                    effects += self._remove_missing(entry)
        return effects

    def tick(self, at: float, present: Container[HostId]) -> list[PoolEffect]:
        """Stop tasks that have waited too long; resend unacknowledged orders to ``present`` hosts."""
        effects = self._end_those_over(at)
        late = [
            entry
            for entry in self.entries.values()
            if entry.task.host in present
            and not self._is_taken_in(entry)
            and at - self._asked.get(entry.task.id, 0.0) >= REPEAT_S
        ]
        self._asked |= {entry.task.id: at for entry in late}
        return effects + [ResendAsJob(command=command) for command in commands(late)]

    # --- details -----------------------------------------------------------------------------------

    def _apply_task_report(self, entry: PoolEntry, about: TaskReport, at: float) -> list[PoolEffect]:
        self.reports[entry.task.id] = about
        if entry.goal is TaskState.DONE:
            over = about.status is TaskStatus.INACTIVE and about.state is TaskState.DONE
            return self._remove_stopped(entry) if over else []
        if is_healthy(about) or not about.settled:
            return []
        return self._end([(entry, about.failure.reason if about.failure else "its process ended")], at)

    def _remove_missing(self, entry: PoolEntry) -> list[PoolEffect]:
        """Remove the entry of a task that its agent does not know: there is no process to stop."""
        if entry.goal is TaskState.DONE:
            return self._remove_stopped(entry)
        return [self._drop(entry.task.id), _left(entry, "its agent no longer knows it")]

    def _remove_stopped(self, entry: PoolEntry) -> list[PoolEffect]:
        task = entry.task
        announcements = AnnounceMoves(environment=POOL, host=task.host, moves={task.id: TaskState.DONE})
        return [self._drop(task.id), announcements]

    def _end_those_over(self, at: float) -> list[PoolEffect]:
        over = over_limit(self.waiting, self.bounds, at)
        return self._end([(self.entries[task], reason) for task, reason in over.items()], at)

    def _end(self, chosen: Sequence[tuple[PoolEntry, str]], at: float) -> list[PoolEffect]:
        if not chosen:
            return []
        reported_revisions = [
            report.revision for entry, _ in chosen if (report := self.reports.get(entry.task.id))
        ]
        self._revision = max(self._revision, *reported_revisions, 0) + 1
        leaving = [
            replace(entry, goal=TaskState.DONE, revision=self._revision, reason=reason)
            for entry, reason in chosen
        ]
        return [*self._store_entries(leaving, at), *(_left(entry, entry.reason) for entry in leaving)]

    def _store_entries(self, entries: Sequence[PoolEntry], at: float) -> list[PoolEffect]:
        for entry in entries:
            self.entries[entry.task.id], self._asked[entry.task.id] = entry, at
        orders = [SendCommand(command=command) for command in commands(entries)]
        return [*(StoreEntry(entry=entry) for entry in entries), *orders]

    def _drop(self, task: TaskId) -> RemoveEntry:
        del self.entries[task]
        self.reports.pop(task, None)
        self._asked.pop(task, None)
        return RemoveEntry(task=task)

    def _is_taken_in(self, entry: PoolEntry) -> bool:
        report = self.reports.get(entry.task.id)
        return report is not None and report.revision >= entry.revision


def _left(entry: PoolEntry, reason: str) -> AnnouncePoolExit:
    task = entry.task
    return AnnouncePoolExit(
        environment=POOL, task=task.id, class_name=task.class_name, host=task.host, reason=reason
    )
