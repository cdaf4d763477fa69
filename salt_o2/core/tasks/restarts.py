"""What follows when a task fails in a stable environment: restart policy, budget and pauses.

A task's policy comes from the variable ``recovery`` of its role: by template, site or user.

    restart   control restarts the task in its place and brings it to the state of the others; the run goes on
    ignore    the run goes on without the task
    stop      control stops the run in order
    fail      the environment goes to ERROR (if the task is critical, and its loss is not tolerated)

A restart waits a moment, so that a reactor rule of the site can act first (``runner.o2.task_recover``). If no
rule has acted by then, control restarts the task itself. It gives up after ``recovery_restarts`` restarts
within ``recovery_window_s``: another restart would not cure the cause.

A restart that an agent refuses, because another program has one of the task's ports, does not count. The task
gets other ports instead, at most ``MAX_PORT_CHANGES`` times within the same window.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import heappop, heappush

from salt_o2.core.codec import typed
from salt_o2.core.ids import TaskId

MAX_PORT_CHANGES = 10
"""How often a role may get other ports within the window, before a refusal counts as a failed restart."""


class RestartPolicy(StrEnum):
    """What a failure of a task leads to."""

    RESTART = "restart"
    IGNORE = "ignore"
    STOP = "stop"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartBudget:
    """How often and how soon control restarts a task; times in seconds."""

    restarts: int = 5
    window_s: float = 1800.0
    grace_s: float = 0.25
    """How long the site's rules may take to act, before control does."""
    backoff_s: float = 1.0
    """The pause before the second restart within the window; it doubles with each."""
    timeout_s: float = 60.0
    """How long one restart may take, until the task has the state of the others."""


def restart_budget(variables: Mapping[str, str]) -> RestartBudget:
    """Return the budget that ``recovery_...`` among ``variables`` set; the rest keeps its default.

    Raises:
        InvalidRequest: if one is no number.
    """
    names = RestartBudget.__dataclass_fields__
    given = {name: variables[f"recovery_{name}"] for name in names if f"recovery_{name}" in variables}
    return typed(given, RestartBudget)


@dataclass(slots=True, kw_only=True)
class PendingRestart:
    """One task that control is restarting or will restart."""

    since: float
    due: float
    """When control acts, if no rule has."""
    reason: str
    revision: int | None = None
    """The revision of the order that starts the task; ``None`` until it was sent."""
    deadline: float = 0.0

    @property
    def wake_at(self) -> float:
        """When control has to act, in seconds since the epoch."""
        return self.due if self.revision is None else self.deadline


@dataclass(slots=True)
class RestartTracker:
    """All pending restarts of an environment, and how often control restarted each task."""

    budget: RestartBudget
    pending: dict[TaskId, PendingRestart] = field(default_factory=dict)
    history: dict[TaskId, list[float]] = field(default_factory=dict)
    """When each task was started again, in seconds since the epoch."""
    port_changes: dict[str, list[float]] = field(default_factory=dict)
    """By the path of a role: when its task was to get other ports, in seconds since the epoch."""
    _alarms: list[tuple[float, int, TaskId]] = field(default_factory=list)
    """A heap: thousands may fail at once, and no step scans all of them for each. Some are out of date."""
    _count: int = 0

    @property
    def wake_at(self) -> float | None:
        """When control has to act on a pending restart, in seconds since the epoch; ``None`` without one."""
        while self._alarms and not self._is_current(self._alarms[0]):
            heappop(self._alarms)
        return self._alarms[0][0] if self._alarms else None

    def due(self, at: float) -> list[TaskId]:
        """Return the tasks whose time has come; the tracker returns each task once for each of its times."""
        found: dict[TaskId, None] = {}
        while self._alarms and self._alarms[0][0] <= at:
            alarm = heappop(self._alarms)
            if self._is_current(alarm):
                found[alarm[2]] = None
        return list(found)

    def schedule(self, task: TaskId, reason: str, at: float) -> PendingRestart | None:
        """Schedule a restart of ``task``; return ``None`` if control restarted it too often already."""
        recent = [when for when in self.history.get(task, ()) if when > at - self.budget.window_s]
        self.history[task] = recent
        if len(recent) >= self.budget.restarts:
            return None
        pause = self.budget.grace_s
        if recent:
            pause = max(pause, self.budget.backoff_s * 2 ** (len(recent) - 1))
        restart = self.pending[task] = PendingRestart(since=at, due=at + pause, reason=reason)
        self._set_alarm(task)
        return restart

    def cancel(self, tasks: Iterable[TaskId]) -> None:
        """Drop the pending restarts of ``tasks``, if they have any."""
        for task in tasks:
            self.pending.pop(task, None)

    def mark_sent(self, task: TaskId, revision: int, at: float) -> None:
        """Record that the order that starts ``task`` has been sent as ``revision``."""
        restart = self.pending[task]
        restart.revision, restart.deadline = revision, at + self.budget.timeout_s
        self._set_alarm(task)
        self.history.setdefault(task, []).append(at)

    def mark_refused(self, task: TaskId) -> None:
        """Record that an agent refused the ports of ``task``: the restart does not count."""
        restart = self.pending.pop(task, None)
        if restart is not None and restart.revision is not None and self.history.get(task):
            self.history[task].pop()

    def admit_port_change(self, path: str, at: float) -> bool:
        """Record that the role at ``path`` gets other ports; return False if it got some too often."""
        recent = [when for when in self.port_changes.get(path, ()) if when > at - self.budget.window_s]
        self.port_changes[path] = recent
        if len(recent) >= MAX_PORT_CHANGES:
            return False
        recent.append(at)
        return True

    def has_used_budget(self, task: TaskId) -> bool:
        """Return whether control has restarted ``task`` as often as the budget allows."""
        return len(self.history.get(task, ())) >= self.budget.restarts

    def exhausted_reason(self, task: TaskId) -> str:
        """Return why control does not restart ``task``."""
        minutes = self.budget.window_s / 60
        count = len(self.history.get(task, ()))
        return f"it was started again {count} times in {minutes:g} minutes, which is enough"

    def check_invariants(self) -> None:
        """Raise AssertionError if a pending restart has no alarm; for tests. O(alarms)."""
        alarmed = {alarm[2] for alarm in self._alarms if self._is_current(alarm)}
        assert alarmed == self.pending.keys(), "every pending restart has an alarm"

    def _is_current(self, alarm: tuple[float, int, TaskId]) -> bool:
        restart = self.pending.get(alarm[2])
        return restart is not None and restart.wake_at == alarm[0]

    def _set_alarm(self, task: TaskId) -> None:
        self._count += 1
        heappush(self._alarms, (self.pending[task].wake_at, self._count, task))
