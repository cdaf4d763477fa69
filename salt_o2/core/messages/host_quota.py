"""Bound what one host may cause control to write to its journal, by bytes and time.

Control writes each report of a host that contains a change, and the effects of the report. Without a bound, a
host that reports without end would fill the database. Control drops messages beyond the quota. The host
still counts as present. When it may report again, control requests a survey, so that only the intermediate
steps are lost.
"""

from dataclasses import dataclass

import msgspec

from salt_o2.core.messages.reports import Report

MEGABYTE = 1_000_000
HOUR_S = 3600.0
ROW_BYTES = 500
"""Size of a row of the journal in bytes, without the text of the message."""
FOLLOWS = 2
"""How often control writes the text of a report: as received, and in its effects."""


def cost_of(report: Report) -> int:
    """Return about how many bytes control writes because of ``report``; 0 for a heartbeat."""
    if not (report.tasks or report.accepted or report.facts):
        return 0
    rows = len({task.environment for task in report.tasks} | report.accepted.keys())
    text = len(msgspec.json.encode((report.tasks, report.facts)))
    return FOLLOWS * text + ROW_BYTES * (1 + rows)


@dataclass(slots=True)
class HostQuota:
    """The remaining quota of one host. Times in seconds since the epoch."""

    bytes_per_hour: float
    """0: no bound."""
    left: float
    at: float
    refused: int = 0
    """Number of dropped messages."""

    def admits(self, cost: int, at: float) -> bool:
        """Return whether control accepts a message that costs so many bytes, and count it.

        One message may exceed the remaining quota: a survey must be possible, however large it is.
        """
        if not cost:
            return True
        if not self.has_room(at):
            self.refused += 1
            return False
        self.left -= cost
        return True

    def has_room(self, at: float) -> bool:
        """Return whether control accepts a message at time ``at``."""
        passed_s = max(0.0, at - self.at)
        self.left = min(self.bytes_per_hour, self.left + passed_s * self.bytes_per_hour / HOUR_S)
        self.at = at
        return not self.bytes_per_hour or self.left > 0

    def __str__(self) -> str:
        """Return what was dropped, for the row of the host."""
        messages = "1 message" if self.refused == 1 else f"{self.refused} messages"
        were = "was" if self.refused == 1 else "were"
        return (
            f"{messages} of this host {were} refused: it reports more than "
            f"{self.bytes_per_hour / MEGABYTE:g} MB in an hour (o2:journal:host_mb_per_hour of the master). "
            "Its tasks continue; control asks for all of them when it may report again. Check its tasks"
        )
