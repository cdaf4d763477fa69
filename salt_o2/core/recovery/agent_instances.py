"""Decide which agent control believes when several report under the name of one host. No I/O, no clock.

An agent that is started again has a new incarnation, and the previous one never reports again. A copy of a
minion (same id, same keys, another machine or folder) has a new one too, and the previous one continues. So:

    kept agent reports ........................................... believed
    new incarnation with the kept one's tasks, on its machine .... its successor: believed, the former retires
    new incarnation otherwise, on its machine .................... not believed until the kept one is quiet
    new incarnation elsewhere, of a host that has tasks .......... not believed until the host is LOST
    first report to a restarted control, with tasks of the host .. believed
    first report to a restarted control otherwise, on that machine not believed until no other has reported
    kept agent reports after the new one ......................... two agents: the new one is refused
    refused agent, and its host is LOST .......................... believed

Control believes a refused agent only after it has declared the kept one lost. A pause of the kept agent must
not transfer its run to a copy that does not know the run.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import StrEnum

from salt_o2.core.ids import TaskId
from salt_o2.core.messages.reports import Report

QUIET_AFTER = 1.5
"""Heartbeats after which a silent kept agent counts as ended if another agent reports."""
LATE, LATE_S = 0.4, 2.0
"""How late a report of an ended agent may arrive: in heartbeats, and at least in seconds."""
FORGOTTEN_AFTER = 12.0
"""Heartbeats after which a refused agent that does not report any more is removed."""
MOST = 8
"""Number of refused and retired agents that are remembered."""


class Verdict(StrEnum):
    """What control does with a report."""

    BELIEVED = "believed"
    WAITS = "its agent may be the successor of the kept one"
    REFUSED = "another agent of the same name is kept"
    LATE = "its agent was replaced"


@dataclass(slots=True)
class Rival:
    """An agent that reports under the name of the host and that control does not believe."""

    incarnation: str
    since: float
    last: float
    address: str = ""
    """The address that the agent reports for its host; empty until its survey has come."""
    network: str = ""
    """The machine and network namespace that its survey names."""
    tasks: frozenset[TaskId] = frozenset()
    """The tasks in its survey."""
    refused: bool = False
    """Whether the kept agent has reported after this one: there are two agents."""
    notified_at: float = float("-inf")
    """When control last sent it a notice of the refusal."""


@dataclass(slots=True)
class Incarnations:
    """The agents of one host; times in seconds since the epoch."""

    reported_at: float
    """When the kept agent last reported; before its first report, when control began to listen."""
    kept: str = ""
    network: str = ""
    """The machine and network namespace of the kept agent."""
    rivals: dict[str, Rival] = field(default_factory=dict)
    _retired: dict[str, float] = field(default_factory=dict)

    @property
    def refused(self) -> list[Rival]:
        """Return the agents that are refused, the oldest first."""
        return [rival for rival in self.rivals.values() if rival.refused]

    def judge(
        self,
        report: Report,
        at: float,
        heartbeat_s: float,
        *,
        is_lost: bool,
        tasks: Callable[[], Collection[TaskId]],
    ) -> Verdict:
        """Return whether control believes ``report``; ``tasks`` returns the tasks of the kept agent.

        O(1) for the kept agent.
        """
        name = report.incarnation
        if name in (self.kept, ""):
            return self._record_heard(at, heartbeat_s)
        if at - self._retired.get(name, float("-inf")) <= _late_s(heartbeat_s):
            return Verdict.LATE
        rival = self._record_rival(report, at)
        if self.kept and name in self._retired:
            rival.refused = True
        if self._may_take_over(rival, report, at, heartbeat_s, is_lost, tasks):
            self._replace(report, at)
            return Verdict.BELIEVED
        return Verdict.REFUSED if rival.refused else Verdict.WAITS

    def _record_heard(self, at: float, heartbeat_s: float) -> Verdict:
        self.reported_at = at
        for rival in tuple(self.rivals.values()):
            if at - rival.last > FORGOTTEN_AFTER * heartbeat_s:
                del self.rivals[rival.incarnation]
            elif at - rival.since > _late_s(heartbeat_s):
                rival.refused = True
        return Verdict.BELIEVED

    def _record_rival(self, report: Report, at: float) -> Rival:
        rival = self.rivals.setdefault(report.incarnation, Rival(report.incarnation, at, at))
        rival.last = at
        if report.facts:
            rival.address, rival.network = report.facts.address, report.facts.network
            rival.tasks = frozenset(about.task for about in report.tasks)
        while len(self.rivals) > MOST:
            del self.rivals[min(self.rivals.values(), key=lambda each: each.last).incarnation]
        return rival

    def _may_take_over(
        self,
        rival: Rival,
        report: Report,
        at: float,
        heartbeat_s: float,
        is_lost: bool,
        tasks: Callable[[], Collection[TaskId]],
    ) -> bool:
        if rival.refused:
            return is_lost
        if is_lost:
            return True
        wanted = set(tasks())
        if at - self.reported_at > QUIET_AFTER * heartbeat_s and self._may_follow_quiet(rival, wanted):
            return True
        if not self.kept and not wanted:
            return True
        if report.facts is None or self.network not in ("", report.facts.network):
            return False
        return not wanted or not wanted.isdisjoint(about.task for about in report.tasks)

    def _may_follow_quiet(self, rival: Rival, wanted: Collection[TaskId]) -> bool:
        """Return whether ``rival`` may follow a kept agent that is quiet and has the tasks ``wanted``.

        An agent on another machine that knows none of these tasks is a copy, or a machine that replaces the
        first. Only the loss of the host distinguishes the two: its tasks may still run.
        """
        if not wanted or not self.network:
            return True
        return rival.network == self.network or not rival.tasks.isdisjoint(wanted)

    def _replace(self, report: Report, at: float) -> None:
        if self.kept:
            self._retired[self.kept] = at
            while len(self._retired) > MOST:
                del self._retired[next(iter(self._retired))]
        self.rivals.pop(report.incarnation, None)
        self._retired.pop(report.incarnation, None)
        self.kept, self.reported_at = report.incarnation, at
        if report.facts:
            self.network = report.facts.network


def _late_s(heartbeat_s: float) -> float:
    return max(LATE * heartbeat_s, LATE_S)
