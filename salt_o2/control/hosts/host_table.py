"""What control knows of the agents: who is there, since when, and whether a report of theirs was missed."""

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


@dataclass(slots=True)
class HostEntry:
    """One agent as its reports show it."""

    last_seen: float
    """When its agent last reported; if it has not since control was started, that."""
    liveness: HostLiveness
    incarnation: str = ""
    sequence: int = -1
    facts: HostFacts | None = None
    needs_survey: bool = True
    """Whether a report was missed, so that not all is known of its tasks until its survey comes."""
    confirmed_at: float | None = None
    """When what is known of its tasks was last said to be all there is; ``None`` if it never was."""
    agents: Incarnations = field(default_factory=lambda: Incarnations(heard=0.0))
    """Which agents report under its name, and which one of them is believed."""
    unread: tuple[str, ...] = ()
    """What of its reports could not be read, since its last survey."""
    quota: HostQuota | None = None
    """What it may still have written into the journal; ``None`` before its first report."""

    @property
    def presence(self) -> HostStatus:
        """Whether it is there."""
        return self.liveness.presence

    @property
    def faults(self) -> tuple[str, ...]:
        """What of its settings its agent could not use, and what of its reports control could not read."""
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
        kept = self.facts.address if self.facts else "an unknown address"
        return [
            f"two agents report under this name: the one at {kept} is believed, the one at "
            f"{rival.address or 'an unknown address'} (incarnation {rival.incarnation}) is refused. Give one "
            "of the two minions another id and its own keys"
            for rival in self.agents.refused
        ]

    def record_faults(self, report: Report) -> list[str]:
        """Take note of what could not be read of ``report``; return what is new of it."""
        new = [fault for fault in report.faults if fault not in self.unread]
        kept = report.faults if report.facts else (*self.unread, *new)
        self.unread = kept[-MOST_FAULTS:]
        return new

    def doubt(self, why: str) -> None:
        """Show on its row that a part of its last survey is not believed."""
        if why not in self.unread:
            log.warning("%s", why)
            self.unread = (*self.unread, why)[-MOST_FAULTS:]


@dataclass(slots=True)
class HostTable:
    """All agents ever heard of, by host."""

    heartbeat_s: float
    bytes_per_hour: float = 0.0
    """How much one host may have written into the journal; 0: no bound."""
    known: dict[HostId, HostEntry] = field(default_factory=dict)

    def expect(
        self,
        host: HostId,
        facts: HostFacts | None,
        at: float,
        grace_s: float,
        unread: tuple[str, ...] = (),
    ) -> None:
        """Know of a host that an earlier control has heard of; it may take ``grace_s`` to be heard again."""
        signs = HostLiveness(heard=at + grace_s, presence=HostStatus.EXPECTED)
        agents = Incarnations(heard=at, network=facts.network if facts else "")
        self.known.setdefault(host, HostEntry(at, signs, facts=facts, unread=unread, agents=agents))

    def admits(self, host: HostId, cost: int, at: float) -> bool:
        """Return whether ``host`` may have ``cost`` bytes written into the journal now, and count them."""
        known = self.known[host]
        if known.quota is None:
            known.quota = HostQuota(self.bytes_per_hour, self.bytes_per_hour, at)
        admitted = known.quota.admits(cost, at)
        if not admitted and known.quota.refused == 1:
            log.warning("host %s: %s", host, known.quota)
        return admitted

    def may_report(self, host: HostId, at: float) -> bool:
        """Return whether what ``host`` reports now would be taken in."""
        quota = self.known[host].quota
        return quota is None or quota.has_room(at)

    def judge(self, report: Report, at: float, tasks: Callable[[], Collection[TaskId]]) -> Verdict:
        """Return whether ``report`` is of the agent that is kept; ``tasks`` are those of its host."""
        host = self.known.setdefault(
            report.host, HostEntry(at, HostLiveness(heard=at), agents=Incarnations(heard=at))
        )
        lost = host.presence is HostStatus.LOST
        return host.agents.judge(report, at, self.heartbeat_s, is_lost=lost, tasks=tasks)

    def record_report(self, report: Report, at: float) -> bool:
        """Take in that ``report`` came; return whether a survey is needed, because something was missed.

        A heartbeat repeats the sequence number of the report before it, so the loss of the last report is
        seen too. Each heartbeat confirms all that is known of the host's tasks, at no cost for any of them.
        """
        host = self.known.setdefault(report.host, HostEntry(at, HostLiveness(heard=at)))
        gap = host.incarnation != report.incarnation or report.sequence > host.sequence + 1
        gap = gap or (not report.tasks and report.sequence > host.sequence)
        gap = host.liveness.record_report(at) or gap
        host.incarnation, host.sequence, host.last_seen = report.incarnation, report.sequence, at
        host.needs_survey = report.facts is None and (gap or host.needs_survey)
        if report.facts:
            host.facts = report.facts
        for fault in host.record_faults(report):
            log.warning("host %s: a part of its report cannot be used: %s", report.host, fault)
        if not host.needs_survey:
            host.confirmed_at = at
        return host.needs_survey and (gap or not report.tasks)

    def presence(self, host: HostId) -> HostStatus | None:
        """Return whether ``host`` is there; ``None`` if it was never heard of."""
        known = self.known.get(host)
        return known.presence if known else None

    def kept_incarnation(self, host: HostId) -> str:
        """Return which agent of ``host`` is believed; empty if none has reported yet."""
        known = self.known.get(host)
        return known.agents.kept if known else ""

    def is_old(self, host: HostId, at: float) -> bool:
        """Return whether what is known of the tasks on ``host`` has not been confirmed for too long."""
        known = self.known.get(host)
        if known is None or known.confirmed_at is None:
            return True
        return at - known.confirmed_at > SILENT_AFTER * self.heartbeat_s

    def discount(self, seconds: float) -> None:
        """Count ``seconds`` against nobody: control did not listen then. What is known is as old as it is."""
        for host in self.known.values():
            host.liveness.discount(seconds)
            host.agents.heard += seconds
