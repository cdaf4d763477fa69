r"""The failure detector of one host: heartbeats of its agent, and answers of its tasks' ports.

No I/O, no clock.

    ACTIVE --no heartbeat, a task's port answers--> SILENT --nothing answers any more--> LOST
       \--------------no heartbeat, and nothing answers-----------------------------------^
       <---------------its agent reports again, from either-------------------------------/

A host is lost only if neither its agent nor a port of its tasks answers. Running processes must never be
started a second time elsewhere because their agent or their minion is away. No host is declared lost while
all hosts are silent at once: control then assumes that it is isolated itself, and has no host for placement.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from salt_o2.core.environment.environment import Environment
from salt_o2.core.ids import HostId
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.states import TaskStatus

PROBE_AFTER = 1.5
"""Heartbeats without a sign of liveness after which control probes a host, until an answer comes."""
SILENT_AFTER = 2.5
"""Heartbeats without a report after which a host is SILENT and the states of its tasks are stale. Without any
sign of liveness, the host is LOST after the same time. Control checks four times a heartbeat, so it detects
the change within three.
"""


ISOLATED_AFTER = 1.25
"""Heartbeats without a sign of liveness from any host after which control assumes that it is isolated."""


class HostStatus(StrEnum):
    """The status of a host; the names are those that users see."""

    ACTIVE = "ACTIVE"
    SILENT = "SILENT"
    """Its agent is away; a process that it started answers, or control cannot determine whether one does."""
    LOST = "LOST"
    EXPECTED = "EXPECTED"
    """An earlier control knew the host; it has not reported since control started."""


AWAY = (HostStatus.SILENT, HostStatus.LOST)


class LivenessAction(StrEnum):
    """The action that the caller must take for a host."""

    NOTHING = "nothing"
    PROBE = "probe the ports of its tasks"
    DECLARE_SILENT = "declare it silent"
    DECLARE_LOST = "declare it lost"


@dataclass(slots=True)
class HostLiveness:
    """The liveness of one host; times in seconds since the epoch."""

    reported_at: float
    """When its agent last reported."""
    answered: float = float("-inf")
    """When a probed task on the host last began to answer."""
    presence: HostStatus = HostStatus.ACTIVE
    missed_probes: int = 0
    """Number of successive probes without an answer."""
    is_probing: bool = False

    @property
    def last(self) -> float:
        """The time of the last report or answer."""
        return max(self.reported_at, self.answered)

    def record_report(self, at: float) -> bool:
        """Record a report; return whether the host was not ACTIVE before."""
        was_away = self.presence is not HostStatus.ACTIVE
        self.reported_at, self.presence, self.missed_probes = at, HostStatus.ACTIVE, 0
        return was_away

    def next_action(self, at: float, heartbeat_s: float, isolated: bool = False) -> LivenessAction:
        """Return the action that is due, and record it as done; ``isolated``: no host reports or answers."""
        quiet = at - self.last
        if self.presence is HostStatus.LOST or self.is_probing:
            return LivenessAction.NOTHING
        if quiet > SILENT_AFTER * heartbeat_s and self.missed_probes and not isolated:
            self.presence = HostStatus.LOST
            return LivenessAction.DECLARE_LOST
        unsure = not self.missed_probes or self.answered > self.reported_at or isolated
        if self.presence not in AWAY and self.is_old(at, heartbeat_s) and unsure:
            self.presence = HostStatus.SILENT
            return LivenessAction.DECLARE_SILENT
        if quiet > PROBE_AFTER * heartbeat_s:
            self.is_probing = True
            return LivenessAction.PROBE
        return LivenessAction.NOTHING

    def record_probe(self, answer: bool | None, asked_at: float) -> None:
        """Record the result of a probe; ``None`` if no probe was possible, which proves nothing."""
        self.is_probing = False
        if answer:
            self.answered, self.missed_probes = max(self.answered, asked_at), 0
        elif answer is False and self.reported_at <= asked_at:
            self.missed_probes += 1

    def is_old(self, at: float, heartbeat_s: float) -> bool:
        """Return whether its agent has missed too many heartbeats."""
        return at - self.reported_at > SILENT_AFTER * heartbeat_s

    def grant_grace(self, until: float) -> None:
        """Do not count the time before ``until`` against a host whose probe may have failed elsewhere."""
        if self.presence is not HostStatus.LOST and self.missed_probes:
            self.reported_at, self.missed_probes = max(self.reported_at, until), 0

    def discount(self, seconds: float) -> None:
        """Do not count ``seconds`` against the host: control did not receive reports then."""
        self.reported_at += seconds
        self.answered += seconds


def control_is_isolated(known: Iterable[HostLiveness], at: float, heartbeat_s: float) -> bool:
    """Return whether no host shows liveness, although more than one host could."""
    quiet_s = [at - signs.last for signs in known if signs.presence is not HostStatus.LOST]
    return len(quiet_s) > 1 and min(quiet_s) > ISOLATED_AFTER * heartbeat_s


def tasks_to_probe(environments: Iterable[Environment], host: HostId) -> list[PlannedTask]:
    """Return the tasks that may have a process on ``host``, of all environments."""
    return [
        task
        for environment in environments
        for task in environment.model.tasks.on_host(host)
        if not _has_no_process(environment, task)
    ]


def _has_no_process(environment: Environment, task: PlannedTask) -> bool:
    """Whether the task was reported without a process; a task without a report may have been started."""
    report = environment.model.tasks.reports.get(task.id)
    return report is not None and report.status is TaskStatus.INACTIVE
