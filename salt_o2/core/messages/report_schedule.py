"""Decide when an agent sends its next report: one for all changes in a short window, never one per task.

A report costs the master 2.5-4.5 ms, whatever its content, so control may receive 800 a second from all hosts
together. Times are seconds of any monotonic clock.
"""

from dataclasses import dataclass

ACKNOWLEDGE_S = 0.25
"""How soon a command is acknowledged, if its tasks have not settled before: most steps need one report.

Without an acknowledgement, control resends the command as a Salt job, by default after a second.
"""
MANY = 50
"""A host with more tasks than this in a command acknowledges at once: it will be busy for longer."""
GATHER_S = 0.003
"""How long unsolicited changes are gathered, in seconds: the tasks of a host often fail together."""
PROGRESS_S = 1.0
"""Shortest time between reports of progress, while the tasks of a command are healthy and under way."""
EVERY_S = 0.25
"""Shortest time between reports of other changes, in seconds."""
QUICK, QUICK_S = 5, 1.0
"""This many reports in so many seconds may be sent sooner, to report an unsolicited change: a failed task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingReport:
    """What has changed since the last report."""

    sent_at: float
    """When the last report was sent."""
    commanded_at: float | None = None
    """When the first unacknowledged command came."""
    changed_at: float | None = None
    """When the first task changed that is in no report yet."""
    unsolicited_at: float | None = None
    """When the first task changed without an order, or failed while carrying out an order."""
    quick_from: float = 0.0
    """When the next report may be sent that does not wait for EVERY_S: see QUICK."""
    driven: int = 0
    """Number of tasks that have not reached the goal of their command."""
    completed: bool = False
    """All tasks of some command have settled: control waits for exactly this."""


def due_at(unsent: PendingReport) -> float | None:
    """Return when the next report must be sent; ``None`` without a change to report."""
    moments = []
    if unsent.commanded_at is not None:
        moments.append(unsent.commanded_at + (ACKNOWLEDGE_S if unsent.driven <= MANY else 0.0))
    if unsent.changed_at is not None:
        # A report of progress would delay the report that control waits for, when all tasks have settled.
        since = max(unsent.sent_at, unsent.commanded_at or unsent.sent_at)
        pace_s = PROGRESS_S if unsent.unsolicited_at is None else EVERY_S
        moments.append(max(unsent.changed_at + GATHER_S, since + pace_s))
        if unsent.unsolicited_at is not None:
            moments.append(max(unsent.unsolicited_at + GATHER_S, unsent.quick_from))
        if unsent.completed:
            moments.append(unsent.changed_at)
    return min(moments, default=None)
