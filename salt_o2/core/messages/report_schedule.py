"""When an agent sends its next report: one for all that changed in a short window, never one per task.

A report costs the master 2.5-4.5 ms whatever is in it, so control may get 800 a second from all hosts
together. The time is seconds on any clock that never goes back.
"""

from dataclasses import dataclass

ACKNOWLEDGE_S = 0.25
"""How soon a command is acknowledged, if its tasks have not settled before: most steps need one report.

Control sends the command by the sure way if it hears nothing, by default after a second."""
MANY = 50
"""A host with more tasks than this to drive acknowledges at once: it will be busy for longer than that."""
GATHER_S = 0.003
"""How long changes that nobody asked for are gathered: the tasks of a host often die together."""
PROGRESS_S = 1.0
"""How often at most, while the tasks of a command are on their way and all is well: for who looks on."""
EVERY_S = 0.25
"""How often at most, while other things keep changing."""
QUICK, QUICK_S = 5, 1.0
"""As many reports in so many seconds may go sooner, to tell what nobody asked for: a task has died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingReport:
    """What has happened since the last report."""

    sent_at: float
    """When that one was sent."""
    commanded_at: float | None = None
    """When the first command came that no report has acknowledged."""
    changed_at: float | None = None
    """When the first task changed that no report has shown."""
    unsolicited_at: float | None = None
    """When the first task changed that nobody had sent anywhere, or failed on its way."""
    quick_from: float = 0.0
    """When the next report may go that does not keep to EVERY_S: see QUICK."""
    driven: int = 0
    """How many tasks are on their way where a command wants them."""
    completed: bool = False
    """All tasks of some command have settled: control waits for exactly this."""


def due_at(unsent: PendingReport) -> float | None:
    """Return when the next report must go; ``None`` if there is nothing to say."""
    moments = []
    if unsent.commanded_at is not None:
        moments.append(unsent.commanded_at + (ACKNOWLEDGE_S if unsent.driven <= MANY else 0.0))
    if unsent.changed_at is not None:
        # A report on its way would hold up the one that control waits for, when all have settled.
        since = max(unsent.sent_at, unsent.commanded_at or unsent.sent_at)
        pace_s = PROGRESS_S if unsent.unsolicited_at is None else EVERY_S
        moments.append(max(unsent.changed_at + GATHER_S, since + pace_s))
        if unsent.unsolicited_at is not None:
            moments.append(max(unsent.unsolicited_at + GATHER_S, unsent.quick_from))
        if unsent.completed:
            moments.append(unsent.changed_at)
    return min(moments, default=None)
