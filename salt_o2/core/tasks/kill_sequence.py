"""Define how an agent stops a process that does not end on request: the signals, and the time for each.

FairMQ devices leave their states in order and exit on SIGTERM within 0.1 s, and abort on SIGTERM followed by
SIGINT even where they hang. Plain programs may need time to close their files.
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
"""After EXIT, which the task acknowledged: a busy host may take a while."""
IN_ERROR = (SignalStep(None, 1.0), LAST)
"""A FairMQ device in ERROR exits within 0.1 s without a signal or not at all, and may ignore SIGTERM."""
RUNNING_FREELY = (SignalStep(signal.SIGTERM, 2.0), SignalStep(signal.SIGINT, 1.0), LAST)
"""A running task that was not asked to exit."""
LOST = (SignalStep(signal.SIGTERM, 0.5), LAST)
"""The task hangs already; SIGTERM still ends a FairMQ device that hangs in its OCC server."""


def kill_sequence(
    mode: ControlMode,
    *,
    asked_to_exit: bool = False,
    in_error: bool = False,
    lost: bool = False,
    grace_s: float = GRACE_S,
) -> tuple[SignalStep, ...]:
    """Return the steps that stop a task of ``mode``, in order; the last one is always SIGKILL.

    ``grace_s`` is the time that a task without a control channel has to close its files, in seconds.
    """
    if mode not in (ControlMode.DIRECT, ControlMode.FAIRMQ):
        return (SignalStep(signal.SIGTERM, grace_s), LAST)
    if asked_to_exit:
        return ASKED_TO_EXIT
    if in_error and mode is ControlMode.FAIRMQ:
        return IN_ERROR
    return LOST if lost else RUNNING_FREELY
