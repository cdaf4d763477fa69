"""Whether a host is there: heartbeats of its agent, and what its tasks' ports answer. No I/O, no clock.

    ACTIVE --no heartbeat, something of ours answers--> SILENT --nothing answers any more--> LOST
       \\--------------no heartbeat, and nothing answers-----------------------------------^
       <---------------its agent reports again, from either-------------------------------/

A host is lost only if nothing of ours gives a sign of life: processes that run must never be started a
second time elsewhere because their agent, or their minion, is away. And nobody is lost while all are silent
at once: then it is control that is cut off, and it has nowhere to place anything.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from salt_o2.core.environment.environment import Environment
from salt_o2.core.ids import HostId
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.states import TaskStatus

ASK_AFTER = 1.5
"""Heartbeats without a sign of life after which a host's tasks are asked, again and again until one comes."""
SILENT_AFTER = 2.5
"""Heartbeats without a report after which a host counts as silent, and what is known of its tasks as old;
without any sign of life, after which it counts as lost. Control looks four times a heartbeat, so that it is
noticed within three."""


ALONE_AFTER = 1.25
"""Heartbeats without a sign of life from anybody after which control takes itself for cut off."""


class HostStatus(StrEnum):
    """What is known of a host; the names are those that users see."""

    ACTIVE = "ACTIVE"
    SILENT = "SILENT"
    """Its agent is away; something that it started is there, or it cannot be told whether."""
    LOST = "LOST"
    EXPECTED = "EXPECTED"
    """An earlier control has known it; it was not heard of since control was started."""


AWAY = (HostStatus.SILENT, HostStatus.LOST)


class LivenessAction(StrEnum):
    """What is to be done about a host."""

    NOTHING = "nothing"
    ASK = "ask what runs there for a sign of life"
    TELL_SILENT = "tell that its agent is away"
    TELL_LOST = "give it up"


@dataclass(slots=True)
class HostLiveness:
    """The signs of life of one host; times in seconds since the epoch."""

    heard: float
    """When its agent last reported."""
    answered: float = float("-inf")
    """When something of ours that was asked there last began to answer."""
    presence: HostStatus = HostStatus.ACTIVE
    unanswered: int = 0
    """How often in a row nothing has answered."""
    asking: bool = False

    @property
    def last(self) -> float:
        """When there was a sign of life."""
        return max(self.heard, self.answered)

    def record_report(self, at: float) -> bool:
        """Take note of a report; return whether the host had not been there."""
        back = self.presence is not HostStatus.ACTIVE
        self.heard, self.presence, self.unanswered = at, HostStatus.ACTIVE, 0
        return back

    def next_action(self, at: float, heartbeat_s: float, alone: bool = False) -> LivenessAction:
        """Return what is to be done now, and take it as done; ``alone`` if nobody at all is heard."""
        quiet = at - self.last
        if self.presence is HostStatus.LOST or self.asking:
            return LivenessAction.NOTHING
        if quiet > SILENT_AFTER * heartbeat_s and self.unanswered and not alone:
            self.presence = HostStatus.LOST
            return LivenessAction.TELL_LOST
        unsure = not self.unanswered or self.answered > self.heard or alone
        if self.presence not in AWAY and self.is_old(at, heartbeat_s) and unsure:
            self.presence = HostStatus.SILENT
            return LivenessAction.TELL_SILENT
        if quiet > ASK_AFTER * heartbeat_s:
            self.asking = True
            return LivenessAction.ASK
        return LivenessAction.NOTHING

    def record_probe(self, answer: bool | None, asked_at: float) -> None:
        """Take in what came of asking; ``None`` if nobody could be asked, which says nothing."""
        self.asking = False
        if answer:
            self.answered, self.unanswered = max(self.answered, asked_at), 0
        elif answer is False and self.heard <= asked_at:
            self.unanswered += 1

    def is_old(self, at: float, heartbeat_s: float) -> bool:
        """Return whether its agent has missed too many heartbeats."""
        return at - self.heard > SILENT_AFTER * heartbeat_s

    def grant_grace(self, until: float) -> None:
        """Count no time before ``until`` against a host that was asked in vain, and may not be to blame."""
        if self.presence is not HostStatus.LOST and self.unanswered:
            self.heard, self.unanswered = max(self.heard, until), 0

    def discount(self, seconds: float) -> None:
        """Do not count ``seconds`` against the host: nobody listened then."""
        self.heard += seconds
        self.answered += seconds


def control_is_isolated(known: Iterable[HostLiveness], at: float, heartbeat_s: float) -> bool:
    """Return whether nobody gives a sign of life, although there is more than one host that could."""
    there = [at - signs.last for signs in known if signs.presence is not HostStatus.LOST]
    return len(there) > 1 and min(there) > ALONE_AFTER * heartbeat_s


def to_ask(environments: Iterable[Environment], host: HostId) -> list[PlannedTask]:
    """Return the tasks that may have a process on ``host``, whatever environment they are of."""
    return [
        task
        for environment in environments
        for task in environment.model.tasks.on_host(host)
        if not _has_no_process(environment, task)
    ]


def _has_no_process(environment: Environment, task: PlannedTask) -> bool:
    """Whether it was seen without one; one that was never heard of may have been started all the same."""
    report = environment.model.tasks.reports.get(task.id)
    return report is not None and report.status is TaskStatus.INACTIVE
