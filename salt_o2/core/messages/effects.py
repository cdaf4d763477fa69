"""What the caller of an environment's state machine must carry out, in the given order."""

from dataclasses import dataclass

from salt_o2.core.errors import O2Error
from salt_o2.core.ids import EnvironmentId, TaskId
from salt_o2.core.messages.announcements import Announcement
from salt_o2.core.messages.commands import Command
from salt_o2.core.messages.reports import TaskReport
from salt_o2.core.plan.plan import PlannedCall, PlannedTask


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCommand:
    """Effect: send the command to its host on the quick channel."""

    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendAsJob:
    """Effect: send the command again, as a Salt job, because its host has not said that it has it."""

    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class CallIntegration:
    """Effect: call a function of an integration; its end comes back as CallEnded."""

    environment: EnvironmentId
    call: str
    planned: PlannedCall
    variables: dict[str, str]
    """The call's variables with those of the run and those that other calls have returned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelCall:
    """Effect: end a call whose time is over, or whose environment is."""

    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reschedule:
    """Effect: find other hosts for these tasks, and come back with Modified, or with RescheduleFailed.

    With ``ports`` their hosts are there, and only other ports are wanted.
    """

    environment: EnvironmentId
    tasks: tuple[TaskId, ...]
    ports: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteRequest:
    """Effect: the request has come to its end, with or without an error."""

    request: str
    error: O2Error | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRun:
    """Effect: START_ACTIVITY begins, and with it the run with this number."""

    run_number: int
    started: float
    """In seconds since the epoch."""
    user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRun:
    """Effect: the run with this number is over."""

    run_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseResources:
    """Effect: the environment needs its hosts, ports and memory no longer."""

    environment: EnvironmentId


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocateTaskResources:
    """Effect: the environment uses hosts, ports and memory for tasks that a modification brings in."""

    environment: EnvironmentId
    tasks: tuple[TaskId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseTaskResources:
    """Effect: the environment uses nothing for these tasks any more: they have left it by a modification."""

    environment: EnvironmentId
    tasks: tuple[TaskId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFromPool:
    """Effect: these tasks of the pool, with their processes, belong to the environment from now on."""

    environment: EnvironmentId
    tasks: tuple[TaskId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferToPool:
    """Effect: these tasks, each as last reported, belong to the pool from now on (core/pool/pool.py)."""

    environment: EnvironmentId
    """Which has ended, or goes on without them."""
    tasks: tuple[TaskId, ...]
    left: tuple[tuple[PlannedTask, TaskReport], ...]
    """The same in the same order: the environment may know them no more."""
    revision: int
    """The last that the environment has ordered: the pool's orders are above it."""
    user: str = ""


ResourceEffect = AllocateTaskResources | ReleaseTaskResources | ReleaseResources
PoolTransferEffect = ClaimFromPool | TransferToPool
Effect = (
    SendCommand
    | ResendAsJob
    | CallIntegration
    | CancelCall
    | Reschedule
    | Announcement
    | CompleteRequest
    | OpenRun
    | EndRun
    | ResourceEffect
    | PoolTransferEffect
)
