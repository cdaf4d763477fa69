"""What came of driving a process, and what is left to do with it."""

from dataclasses import dataclass
from enum import StrEnum

from salt_o2.core.messages.reports import Failure
from salt_o2.core.states import TaskState


class Remedy(StrEnum):
    """What whoever owns the process must do next."""

    NONE = "none"
    RESTART = "restart"
    """It answers, but only EXIT may be asked of it now; start another."""
    KILL = "kill"
    """It does not answer, or would not come to an end by itself: only signals help."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a process is after it was asked for something."""

    state: TaskState
    device_state: str
    """The process's own word, or ``-`` if it could not say."""
    failure: Failure | None
    remedy: Remedy = Remedy.NONE
