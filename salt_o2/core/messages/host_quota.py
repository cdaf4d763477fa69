"""How much one host may have written into control's journal: a bound by bytes and time.

Control writes each report of a host that has something to say, and what follows from it. A host that reports
without end would fill the database. What is beyond its quota is not taken in; the host still counts as there,
and is asked for a survey when it may report again, so that nothing is lost but the steps between.
"""

from dataclasses import dataclass

import msgspec

from salt_o2.core.messages.reports import Report

MEGABYTE = 1_000_000
HOUR_S = 3600.0
ROW_BYTES = 500
"""What a row of the journal takes beside the text of the message."""
FOLLOWS = 2
"""The text of a report is written about so often: as it came, and in what follows from it."""


def cost_of(report: Report) -> int:
    """Return about how many bytes control writes because of ``report``; 0 for a heartbeat."""
    if not (report.tasks or report.accepted or report.facts):
        return 0
    rows = len({task.environment for task in report.tasks} | report.accepted.keys())
    text = len(msgspec.json.encode((report.tasks, report.facts)))
    return FOLLOWS * text + ROW_BYTES * (1 + rows)


@dataclass(slots=True)
class HostQuota:
    """What one host may still have written. Times in seconds since the epoch."""

    bytes_per_hour: float
    """0: no bound."""
    left: float
    at: float
    refused: int = 0
    """Messages that were not taken in."""

    def admits(self, cost: int, at: float) -> bool:
        """Return whether something that costs so many bytes is taken in, and count it.

        One message may go beyond what is left: a survey must be possible however large it is.
        """
        if not cost:
            return True
        if not self.has_room(at):
            self.refused += 1
            return False
        self.left -= cost
        return True

    def has_room(self, at: float) -> bool:
        """Return whether something is taken in at time ``at``."""
        passed_s = max(0.0, at - self.at)
        self.left = min(self.bytes_per_hour, self.left + passed_s * self.bytes_per_hour / HOUR_S)
        self.at = at
        return not self.bytes_per_hour or self.left > 0

    def __str__(self) -> str:
        """Say what was refused, for the row of the host."""
        messages = "1 message" if self.refused == 1 else f"{self.refused} messages"
        were = "was" if self.refused == 1 else "were"
        return (
            f"{messages} of this host {were} not taken in: it reports more than "
            f"{self.bytes_per_hour / MEGABYTE:g} MB in an hour (o2:journal:host_mb_per_hour of the master). "
            "Its tasks go on; control asks for all of them when it may report again. Look what its tasks do"
        )
