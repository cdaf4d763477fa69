"""The result of driving a process, and the remedy that remains."""

from dataclasses import dataclass
from enum import StrEnum

from salt_o2.core.messages.reports import Failure
from salt_o2.core.states import TaskState


class Remedy(StrEnum):
    """The action that the owner of the process must take next."""

    NONE = "none"
    RESTART = "restart"
    """The process answers, but only EXIT may be requested now; start another process."""
    KILL = "kill"
    """The process does not answer, or would not end on request: only signals have an effect."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The state of a process after a request."""

    state: TaskState
    device_state: str
    """The state by the process's own name, or ``-`` if the process could not report it."""
    failure: Failure | None
    remedy: Remedy = Remedy.NONE
