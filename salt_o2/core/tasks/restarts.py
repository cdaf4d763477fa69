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
from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.messages.commands import Command

MAX_PORT_CHANGES = 10
"""How often a role may get other ports within the window, before a refusal counts as a failed restart."""


RESEND_AFTER_S = 1.0
"""How long after an order control resends it, if no report shows its revision, in seconds."""
MAX_RESENDS = 5
"""How often control resends an order that starts a task; then the deadline of the restart decides."""


PATIENT_RESENDS = 3
"""Number of resend intervals that a host gets at once if it has acknowledged the revision."""


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
    """How long one restart may take, until the task has the state of the other tasks."""


def restart_budget(variables: Mapping[str, str]) -> RestartBudget:
    """Return the budget that ``recovery_...`` among ``variables`` set; the rest keeps its default.

    Raises:
        InvalidRequestError: if one is no number.
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
    command: Command | None = None
    """The command with that order, until a report shows that the task has the order."""
    resend_at: float = 0.0
    resends: int = 0

    @property
    def wake_at(self) -> float:
        """When control has to act, in seconds since the epoch."""
        if self.revision is None:
            return self.due
        return min(self.deadline, self.resend_at) if self.command else self.deadline


@dataclass(slots=True)
class RestartTracker:
    """All pending restarts of an environment, and how often control restarted each task."""

    budget: RestartBudget
    pending: dict[TaskId, PendingRestart] = field(default_factory=dict)
    history: dict[TaskId, list[float]] = field(default_factory=dict)
    """When each task was restarted, in seconds since the epoch."""
    port_changes: dict[str, list[float]] = field(default_factory=dict)
    """By the path of a role: when control requested other ports for its task, in seconds since the epoch."""
    accepted: dict[HostId, int] = field(default_factory=dict)
    """The highest revision that each host has acknowledged: orders before it were probably received."""
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

    def mark_sent(self, task: TaskId, revision: int, at: float, command: Command | None = None) -> None:
        """Record that the order that starts ``task`` has been sent as ``revision``, in ``command``."""
        restart = self.pending[task]
        restart.revision, restart.deadline = revision, at + self.budget.timeout_s
        restart.command, restart.resends = command, 0
        restart.resend_at = at + RESEND_AFTER_S
        self._set_alarm(task)
        self.history.setdefault(task, []).append(at)

    def mark_received(self, task: TaskId, revision: int) -> None:
        """Record that the agent has reported ``task`` under ``revision``: it has the orders up to that."""
        restart = self.pending.get(task)
        if restart and restart.command and restart.revision is not None and revision >= restart.revision:
            restart.command = None
            self._set_alarm(task)

    def mark_accepted(self, host: HostId, revision: int) -> None:
        """Record that ``host`` has acknowledged a command of ``revision``. O(1)."""
        self.accepted[host] = max(revision, self.accepted.get(host, -1))

    def resend(self, tasks: Iterable[TaskId], at: float) -> list[Command]:
        """Return the commands to resend for ``tasks``, each once, and plan the next time.

        The pauses double: 1, 2, 4, 8 ... seconds. If the host has acknowledged a command of that revision or
        a later one, the agent has most likely the order, and gets more time before control resends it.
        """
        commands: dict[HostId, list[Command]] = {}
        for task in tasks:
            restart = self.pending[task]
            assert restart.command
            host = restart.command.host
            if self.accepted.get(host, -1) >= restart.command.revision and restart.resends < PATIENT_RESENDS:
                restart.resends = PATIENT_RESENDS - 1
            elif not any(restart.command is command for command in commands.get(host, ())):
                commands.setdefault(host, []).append(restart.command)
            restart.resends += 1
            restart.resend_at = at + RESEND_AFTER_S * 2**restart.resends
            if restart.resends >= MAX_RESENDS:
                restart.command = None
            self._set_alarm(task)
        return [command for each in commands.values() for command in each]

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
        return f"it was restarted {count} times in {minutes:g} minutes, which is the limit"

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
