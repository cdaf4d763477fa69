"""What a process says on its control channel, and the ways in which it can fail to say it.

UnreachableError            (core) nobody is there, or nobody who belongs there
└── Overdue            somebody is there and does not answer: only a signal helps now
TaskError              (core)
└── Refused            it answered that it will not do what was asked
"""

from dataclasses import dataclass
from enum import IntEnum

from salt_o2.core.errors import TaskError, UnreachableError


@dataclass(frozen=True, slots=True)
class DeviceState:
    """The process's own word for its state, and its process id."""

    state: str
    pid: int


class Trigger(IntEnum):
    """Who brought about the state of a reply (`occ_pb.StateChangeTrigger`)."""

    EXECUTOR = 0
    DEVICE_INTENTIONAL = 1
    DEVICE_ERROR = 2


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a transition; ``state`` is the one after it, ``event`` the one that was asked for."""

    ok: bool
    trigger: Trigger
    state: str
    event: str


class DeviceEvent(IntEnum):
    """What a process signals of its own accord (`occ_pb.DeviceEventType`).

    FairMQ's plugins only ever send NULL, once, when the device is about to end; libOCC's processes send
    END_OF_STREAM and TASK_INTERNAL_ERROR.
    """

    NULL = 0
    END_OF_STREAM = 1
    BASIC_TASK_TERMINATED = 2
    TASK_INTERNAL_ERROR = 3


class ReplyTimeout(UnreachableError):
    """The process did not answer in time.

    After a transition the process is lost: its control thread may hang for ever.
    """


class RpcRefused(TaskError):
    """The process answered with an RPC error; ``status`` is gRPC's name of it."""

    def __init__(self, message: str, status: str) -> None:
        self.status = status
        super().__init__(message)
