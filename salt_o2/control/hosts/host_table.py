"""Agents known to control: their liveness, their last report, and whether control missed a report."""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.messages.host_quota import HostQuota
from salt_o2.core.messages.report_parsing import MOST_FAULTS
from salt_o2.core.messages.reports import HostFacts, Report
from salt_o2.core.recovery.agent_instances import Incarnations, Verdict
from salt_o2.core.recovery.host_liveness import SILENT_AFTER, HostLiveness, HostStatus

log = logging.getLogger(__name__)

RETURN_S = 30.0
"""Additional seconds in which agents may reconnect to their master after control has started."""


@dataclass(slots=True)
class HostEntry:
    """One agent, as its reports describe it."""

    last_seen: float
    """When its agent last reported; the start of control if the agent has not reported since."""
    liveness: HostLiveness
    incarnation: str = ""
    sequence: int = -1
    facts: HostFacts | None = None
    needs_survey: bool = True
    """Whether a report was missed: control does not know all of its tasks until its survey arrives."""
    confirmed_at: float | None = None
    """When the known list of its tasks was last confirmed to be complete; ``None`` if it never was."""
    agents: Incarnations = field(default_factory=lambda: Incarnations(reported_at=0.0))
    """Which agents report under its name, and which of them control accepts."""
    unread: tuple[str, ...] = ()
    """Parts of its reports since its last survey that control could not read."""
    quota: HostQuota | None = None
    """The bytes that it may still add to the journal; ``None`` before its first report."""
    probes: int = 0
    """Probes of its tasks since its agent fell silent: each probe covers the next ones."""

    @property
    def presence(self) -> HostStatus:
        """The liveness of the host."""
        return self.liveness.presence

    @property
    def faults(self) -> tuple[str, ...]:
        """Settings that its agent could not use, and parts of its reports that control could not read."""
        return (
            *(self.facts.faults if self.facts else ()),
            *self.unread,
            *self._duplicates,
            *self._over_quota,
        )

    @property
    def _over_quota(self) -> list[str]:
        return [str(self.quota)] if self.quota and self.quota.refused else []

    @property
    def _duplicates(self) -> list[str]:
        accepted = self.facts.address if self.facts else "an unknown address"
        return [
            f"two agents report under this name: control accepts the one at {accepted} and refuses the one "
            f"at {rival.address or 'an unknown address'} (incarnation {rival.incarnation}). Give one of the "
            "two minions another id and its own keys"
            for rival in self.agents.refused
        ]

    def record_faults(self, report: Report) -> list[str]:
        """Record the unreadable parts of ``report``; return the new ones."""
        new = [fault for fault in report.faults if fault not in self.unread]
        faults = report.faults if report.facts else (*self.unread, *new)
        self.unread = faults[-MOST_FAULTS:]
        return new

    def doubt(self, why: str) -> None:
        """Show in the host's row that control rejects a part of its last survey."""
        if why not in self.unread:
            log.warning("%s", why)
            self.unread = (*self.unread, why)[-MOST_FAULTS:]


@dataclass(slots=True)
class HostTable:
    """All agents that ever reported, by host."""

    heartbeat_s: float
    bytes_per_hour: float = 0.0
    """Bytes per hour that one host may add to the journal; 0: no bound."""
    known: dict[HostId, HostEntry] = field(default_factory=dict)

    def expect(
        self,
        host: HostId,
        facts: HostFacts | None,
        at: float,
        grace_s: float,
        unread: tuple[str, ...] = (),
    ) -> None:
        """Add a host that an earlier control process knew; it may take ``grace_s`` to report again."""
        signs = HostLiveness(reported_at=at + grace_s, presence=HostStatus.EXPECTED)
        agents = Incarnations(reported_at=at, network=facts.network if facts else "")
        self.known.setdefault(host, HostEntry(at, signs, facts=facts, unread=unread, agents=agents))

    def admits(self, host: HostId, cost: int, at: float) -> bool:
        """Return whether ``host`` may add ``cost`` bytes to the journal now, and count them."""
        known = self.known[host]
        if known.quota is None:
            known.quota = HostQuota(self.bytes_per_hour, self.bytes_per_hour, at)
        admitted = known.quota.admits(cost, at)
        if not admitted and known.quota.refused == 1:
            log.warning("host %s: %s", host, known.quota)
        return admitted

    def may_report(self, host: HostId, at: float) -> bool:
        """Return whether control would accept a report of ``host`` now."""
        quota = self.known[host].quota
        return quota is None or quota.has_room(at)

    def judge(self, report: Report, at: float, tasks: Callable[[], Collection[TaskId]]) -> Verdict:
        """Return whether ``report`` is of the accepted agent; ``tasks`` are the tasks of its host."""
        host = self.known.setdefault(
            report.host, HostEntry(at, HostLiveness(reported_at=at), agents=Incarnations(reported_at=at))
        )
        lost = host.presence is HostStatus.LOST
        return host.agents.judge(report, at, self.heartbeat_s, is_lost=lost, tasks=tasks)

    def record_report(self, report: Report, at: float) -> bool:
        """Record that ``report`` arrived; return whether a survey is needed because a report was missed.

        A heartbeat repeats the sequence number of the report before it, so control detects the loss of the
        last report too. Each heartbeat confirms the state of all tasks of the host, at no cost for any of
        them.
        """
        host = self.known.setdefault(report.host, HostEntry(at, HostLiveness(reported_at=at)))
        gap = host.incarnation != report.incarnation or report.sequence > host.sequence + 1
        gap = gap or (not report.tasks and report.sequence > host.sequence)
        gap = host.liveness.record_report(at) or gap
        host.incarnation, host.sequence, host.last_seen = report.incarnation, report.sequence, at
        host.needs_survey = report.facts is None and (gap or host.needs_survey)
        if report.facts:
            host.facts = report.facts
        for fault in host.record_faults(report):
            log.warning("host %s: a part of its report is not valid: %s", report.host, fault)
        if not host.needs_survey:
            host.confirmed_at = at
        return host.needs_survey and (gap or not report.tasks)

    def require_survey(self, host: HostId) -> None:
        """Ask ``host`` for all of its tasks at its next report: control may not know all of them."""
        if host in self.known:
            self.known[host].needs_survey = True

    def forget(self, host: HostId) -> None:
        """Remove ``host``."""
        self.known.pop(host, None)

    def presence(self, host: HostId) -> HostStatus | None:
        """Return the liveness of ``host``; ``None`` if it never reported."""
        known = self.known.get(host)
        return known.presence if known else None

    def kept_incarnation(self, host: HostId) -> str:
        """Return which agent of ``host`` control accepts; empty if none has reported yet."""
        known = self.known.get(host)
        return known.agents.kept if known else ""

    def is_old(self, host: HostId, at: float) -> bool:
        """Return whether the last confirmation of the tasks on ``host`` is too old."""
        known = self.known.get(host)
        if known is None or known.confirmed_at is None:
            return True
        return at - known.confirmed_at > SILENT_AFTER * self.heartbeat_s

    def discount(self, seconds: float) -> None:
        """Do not count ``seconds`` as silence of any host: control did not receive reports then.

        The age of the tasks' states does not change.
        """
        for host in self.known.values():
            host.liveness.discount(seconds)
            host.agents.reported_at += seconds
