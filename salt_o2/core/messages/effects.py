"""Define the effects that the caller of an environment's state machine must carry out, in order."""

from dataclasses import dataclass

from salt_o2.core.errors import O2Error
from salt_o2.core.ids import EnvironmentId, TaskId
from salt_o2.core.messages.announcements import Announcement
from salt_o2.core.messages.commands import Command
from salt_o2.core.messages.reports import TaskReport
from salt_o2.core.plan.plan import PlannedCall, PlannedTask


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCommand:
    """Effect: send the command to its host on the publish channel."""

    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendAsJob:
    """Effect: resend the command as a Salt job, because its host has not acknowledged it."""

    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class CallIntegration:
    """Effect: call a function of an integration; CallEnded reports its end."""

    environment: EnvironmentId
    call: str
    planned: PlannedCall
    variables: dict[str, str]
    """The call's variables with those of the run and those that other calls have returned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelCall:
    """Effect: cancel a call after its deadline, or at the end of its environment."""

    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reschedule:
    """Effect: find other hosts for these tasks; reply with Modified or RescheduleFailed.

    With ``ports`` the tasks stay on their hosts and need only other ports.
    """

    environment: EnvironmentId
    tasks: tuple[TaskId, ...]
    ports: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteRequest:
    """Effect: complete the request, with or without an error."""

    request: str
    error: O2Error | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRun:
    """Effect: START_ACTIVITY begins the run with this number."""

    run_number: int
    started: float
    """Start of the run, in seconds since the epoch."""
    user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRun:
    """Effect: the run with this number has ended."""

    run_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseResources:
    """Effect: release the hosts, ports and memory of the environment."""

    environment: EnvironmentId


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocateTaskResources:
    """Effect: allocate hosts, ports and memory for tasks that a modification brings in."""

    environment: EnvironmentId
    tasks: tuple[TaskId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseTaskResources:
    """Effect: release the resources of tasks that have left the environment by a modification."""

    environment: EnvironmentId
    tasks: tuple[TaskId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFromPool:
    """Effect: the environment owns these tasks of the pool, with their processes, from now on."""

    environment: EnvironmentId
    tasks: tuple[TaskId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferToPool:
    """Effect: the pool owns these tasks, each as last reported, from now on (core/pool/pool.py)."""

    environment: EnvironmentId
    """The environment, which has ended or continues without the tasks."""
    tasks: tuple[TaskId, ...]
    left: tuple[tuple[PlannedTask, TaskReport], ...]
    """The same tasks in the same order: the environment may have removed them."""
    revision: int
    """The last revision of the environment's orders; the pool's orders are above it."""
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
