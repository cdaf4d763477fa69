"""Replies of a process on its control channel, and the errors when it cannot reply.

UnreachableError       (core) no process answers, or not the expected process
└── ReplyTimeout       a process runs and does not answer: only a signal has an effect now
TaskError              (core)
└── RpcRefused         the process answered that it refuses the request
"""

from dataclasses import dataclass
from enum import IntEnum

from salt_o2.core.errors import TaskError, UnreachableError


@dataclass(frozen=True, slots=True)
class DeviceState:
    """The state by the process's own name, and its process id."""

    state: str
    pid: int


class Trigger(IntEnum):
    """The cause of the state in a reply (`occ_pb.StateChangeTrigger`)."""

    EXECUTOR = 0
    DEVICE_INTENTIONAL = 1
    DEVICE_ERROR = 2


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to a transition; ``state`` is the state after it, ``event`` the requested one."""

    ok: bool
    trigger: Trigger
    state: str
    event: str


class DeviceEvent(IntEnum):
    """A signal that a process sends without a request (`occ_pb.DeviceEventType`).

    FairMQ's plugins only ever send NULL, once, when the device is about to end. libOCC's processes send
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
