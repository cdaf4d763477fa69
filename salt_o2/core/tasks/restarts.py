"""What happens when a task fails while its environment stands still: policy, budget, pauses.

A task's policy comes from the variable ``recovery`` of its role: by template, site or user.

    restart   it is started again in its place and brought where the others are; the run goes on
    ignore    the run goes on without it
    stop      the run is stopped in order
    fail      the environment goes to ERROR (if the task is critical, and its loss not tolerated)

A restart waits a moment, so that a reactor rule of the site can act first (``runner.o2.task_recover``): what
no rule has answered by then, control does by itself. More than ``recovery_restarts`` within
``recovery_window_s`` are given up: whatever is wrong, restarting does not mend it.

A restart that an agent refuses, because another program has one of the task's ports, is no restart and does
not count. The task gets other ports instead, at most ``PORT_CHANGES`` times within the same window.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import heappop, heappush

from salt_o2.core.codec import typed
from salt_o2.core.ids import TaskId

PORT_CHANGES = 10
"""How often a role may get other ports within the window, before a refusal counts as a failed restart."""


class Policy(StrEnum):
    """What a failure of a task leads to."""

    RESTART = "restart"
    IGNORE = "ignore"
    STOP = "stop"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How often and how soon a task is started again; times in seconds."""

    restarts: int = 5
    window_s: float = 1800.0
    grace_s: float = 0.25
    """How long the site's rules may take to act, before control does."""
    backoff_s: float = 1.0
    """The pause before the second restart within the window; it doubles with each."""
    timeout_s: float = 60.0
    """How long one restart may take, until the task is where the others are."""


def budget_of(variables: Mapping[str, str]) -> Budget:
    """Return the budget that ``recovery_...`` among ``variables`` set; the rest keeps its default.

    Raises:
        InvalidRequest: if one is no number.
    """
    names = Budget.__dataclass_fields__
    given = {name: variables[f"recovery_{name}"] for name in names if f"recovery_{name}" in variables}
    return typed(given, Budget)


@dataclass(slots=True, kw_only=True)
class Repair:
    """One task that is being brought back."""

    since: float
    due: float
    """When control acts, if no rule has."""
    reason: str
    revision: int | None = None
    """The revision of the order that starts it again; ``None`` until it was sent."""
    deadline: float = 0.0

    @property
    def wake_at(self) -> float:
        """When something is to be done about it."""
        return self.due if self.revision is None else self.deadline


@dataclass(slots=True)
class Repairs:
    """All tasks of an environment that are being brought back, and how often each was."""

    budget: Budget
    open: dict[TaskId, Repair] = field(default_factory=dict)
    past: dict[TaskId, list[float]] = field(default_factory=dict)
    """When each task was started again, in seconds since the epoch."""
    port_changes: dict[str, list[float]] = field(default_factory=dict)
    """By the path of a role: when its task was to get other ports, in seconds since the epoch."""
    _alarms: list[tuple[float, int, TaskId]] = field(default_factory=list)
    """A heap: thousands may fail at once, and nothing looks at all of them for each. Some are out of date."""
    _count: int = 0

    @property
    def wake_at(self) -> float | None:
        """When something is to be done about any of them."""
        while self._alarms and not self._is_true(self._alarms[0]):
            heappop(self._alarms)
        return self._alarms[0][0] if self._alarms else None

    def due(self, at: float) -> list[TaskId]:
        """Return the tasks for which the moment has come; each is returned once for each of its moments."""
        found: dict[TaskId, None] = {}
        while self._alarms and self._alarms[0][0] <= at:
            alarm = heappop(self._alarms)
            if self._is_true(alarm):
                found[alarm[2]] = None
        return list(found)

    def _is_true(self, alarm: tuple[float, int, TaskId]) -> bool:
        repair = self.open.get(alarm[2])
        return repair is not None and repair.wake_at == alarm[0]

    def _set_alarm(self, task: TaskId) -> None:
        self._count += 1
        heappush(self._alarms, (self.open[task].wake_at, self._count, task))

    def admit(self, task: TaskId, reason: str, at: float) -> Repair | None:
        """Open a repair of ``task``; ``None`` if it was started again too often already."""
        recent = [when for when in self.past.get(task, ()) if when > at - self.budget.window_s]
        self.past[task] = recent
        if len(recent) >= self.budget.restarts:
            return None
        pause = self.budget.grace_s
        if recent:
            pause = max(pause, self.budget.backoff_s * 2 ** (len(recent) - 1))
        repair = self.open[task] = Repair(since=at, due=at + pause, reason=reason)
        self._set_alarm(task)
        return repair

    def sent(self, task: TaskId, revision: int, at: float) -> None:
        """Take note that the order that starts ``task`` again has gone out."""
        repair = self.open[task]
        repair.revision, repair.deadline = revision, at + self.budget.timeout_s
        self._set_alarm(task)
        self.past.setdefault(task, []).append(at)

    def refused(self, task: TaskId) -> None:
        """Take note that ``task`` was not started, because of its ports: the restart does not count."""
        repair = self.open.pop(task, None)
        if repair is not None and repair.revision is not None and self.past.get(task):
            self.past[task].pop()

    def admit_port_change(self, path: str, at: float) -> bool:
        """Take note that the role at ``path`` gets other ports; return False if it got some too often."""
        recent = [when for when in self.port_changes.get(path, ()) if when > at - self.budget.window_s]
        self.port_changes[path] = recent
        if len(recent) >= PORT_CHANGES:
            return False
        recent.append(at)
        return True

    def is_exhausted(self, task: TaskId) -> bool:
        """Return whether ``task`` has been started again as often as it may."""
        return 0 < self.budget.restarts <= len(self.past.get(task, ()))

    def exhausted(self, task: TaskId) -> str:
        """Return why ``task`` is not started again."""
        minutes = self.budget.window_s / 60
        return f"it was started again {len(self.past[task])} times in {minutes:g} minutes, which is enough"
