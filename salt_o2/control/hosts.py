"""What control knows of the agents: who is there, since when, and whether a report of theirs was missed."""

from dataclasses import dataclass, field

from salt_o2.core.ids import HostId
from salt_o2.core.messages import HostFacts, Report

SILENT_AFTER = 2.5
"""Heartbeats after which a silent host counts as lost; control looks four times a heartbeat, so that it is
noticed within three."""


@dataclass(slots=True)
class Host:
    """One agent as its reports show it."""

    incarnation: str
    sequence: int
    last_seen: float
    facts: HostFacts | None = None


@dataclass(slots=True)
class Hosts:
    """All agents ever heard of, by host."""

    heartbeat_s: float
    known: dict[HostId, Host] = field(default_factory=dict)

    def note(self, report: Report, at: float) -> bool:
        """Take in that ``report`` came; return whether it leaves a gap, so that a survey is needed.

        A heartbeat repeats the sequence number of the report before it, so the loss of the last report is
        seen too.
        """
        host = self.known.get(report.host)
        gap = host is None or host.incarnation != report.incarnation or report.sequence > host.sequence + 1
        if host is None:
            host = self.known[report.host] = Host(report.incarnation, report.sequence, at)
        gap = gap or (not report.tasks and report.sequence > host.sequence)
        host.incarnation, host.sequence, host.last_seen = report.incarnation, report.sequence, at
        if report.facts:
            host.facts = report.facts
        return report.facts is None and (gap or host.facts is None)

    def is_silent(self, host: HostId, at: float) -> bool:
        """Return whether ``host`` has missed too many heartbeats."""
        return at - self.known[host].last_seen > SILENT_AFTER * self.heartbeat_s

    def forgive(self, seconds: float) -> None:
        """Do not count ``seconds`` against anybody: control did not listen then."""
        for host in self.known.values():
            host.last_seen += seconds

    def silent(self, at: float) -> list[HostId]:
        """Return the hosts that have missed too many heartbeats."""
        return [host for host in self.known if self.is_silent(host, at)]
