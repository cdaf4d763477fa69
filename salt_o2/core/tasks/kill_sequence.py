"""How an agent ends a process that does not end when asked: which signals, and how long each may take.

FairMQ devices walk down and exit on SIGTERM within 0.1 s, and abort on SIGTERM followed by SIGINT even where
they hang; programs of people may need a moment to close their files.
"""

import signal
from dataclasses import dataclass

from salt_o2.core.plan.launch import GRACE_S
from salt_o2.core.states import ControlMode


@dataclass(frozen=True, slots=True)
class SignalStep:
    """Send ``signal`` to the whole process group (``None``: only wait), then give it ``wait_s`` seconds."""

    signal: signal.Signals | None
    wait_s: float


LAST = SignalStep(signal.SIGKILL, 5.0)
ASKED_TO_EXIT = (
    SignalStep(None, 3.0),
    SignalStep(signal.SIGTERM, 2.0),
    SignalStep(signal.SIGINT, 1.0),
    LAST,
)
"""After EXIT, which was answered: a busy host may take a while."""
IN_ERROR = (SignalStep(None, 1.0), LAST)
"""A FairMQ device in ERROR ends within 0.1 s by itself or not at all, and may ignore SIGTERM."""
RUNNING_FREELY = (SignalStep(signal.SIGTERM, 2.0), SignalStep(signal.SIGINT, 1.0), LAST)
"""A running task that was not asked to exit."""
LOST = (SignalStep(signal.SIGTERM, 0.5), LAST)
"""It hangs already; a FairMQ device that hangs in its OCC server is still freed by SIGTERM."""


def kill_sequence(
    mode: ControlMode,
    *,
    asked_to_exit: bool = False,
    in_error: bool = False,
    lost: bool = False,
    grace_s: float = GRACE_S,
) -> tuple[SignalStep, ...]:
    """Return the steps that end a task of ``mode``, in order; the last one is always SIGKILL.

    ``grace_s`` is what a task without a control channel has to close its files.
    """
    if mode not in (ControlMode.DIRECT, ControlMode.FAIRMQ):
        return (SignalStep(signal.SIGTERM, grace_s), LAST)
    if asked_to_exit:
        return ASKED_TO_EXIT
    if in_error and mode is ControlMode.FAIRMQ:
        return IN_ERROR
    return LOST if lost else RUNNING_FREELY
