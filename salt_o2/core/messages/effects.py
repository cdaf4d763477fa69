"""Define the effects that the caller of an environment's state machine must carry out, in order."""

from dataclasses import dataclass
from enum import StrEnum

from salt_o2.core.errors import O2Error
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages.announcements import Announcement
from salt_o2.core.messages.commands import Command
from salt_o2.core.messages.reports import TaskReport
from salt_o2.core.plan.plan import PlannedCall, PlannedTask
from salt_o2.core.states import EnvironmentState, RunEndCause


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
    state: EnvironmentState = EnvironmentState.CONFIGURED
    """The state that the environment entered."""
    cause: RunEndCause = RunEndCause.REQUESTED
    user: str = ""
    """The user that requested the end; empty if control ended the run."""
    reason: str = ""
    failed_roles: tuple[str, ...] = ()
    """The paths of the roles whose failure ended the run; the first ones, if there are many."""


class InterruptionEnd(StrEnum):
    """How an interruption of a task ended. After all but EXCLUDED the task takes part again."""

    RESTARTED = "restarted"
    MOVED = "moved"
    """A process on another host, or another task on the same host, took its place."""
    INCLUDED = "included"
    RETURNED = "returned"
    """Without another process: its host could not be reached for a time."""
    EXCLUDED = "excluded"
    """A user excluded the task meanwhile: another interruption follows at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """A task of a run stopped to take part at ``since``, in seconds since the epoch: its data are missing."""

    since: float
    path: str
    task: TaskId
    class_name: str
    host: HostId
    reason: str
    excluded: bool = False
    """Whether a user excluded the task; otherwise it failed, was lost, or was restarted by a modification."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedInterruption:
    """The end of an interruption; times in seconds since the epoch."""

    path: str
    task: TaskId
    since: float
    """When it stopped to take part."""
    until: float
    how: InterruptionEnd


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginInterruptions:
    """Effect: record in the run that these tasks do not take part any more."""

    run_number: int
    tasks: tuple[Interruption, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndInterruptions:
    """Effect: record in the run that these interruptions are over."""

    run_number: int
    tasks: tuple[EndedInterruption, ...]


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
RunEffect = OpenRun | EndRun | BeginInterruptions | EndInterruptions
Effect = (
    SendCommand
    | ResendAsJob
    | CallIntegration
    | CancelCall
    | Reschedule
    | Announcement
    | CompleteRequest
    | RunEffect
    | ResourceEffect
    | PoolTransferEffect
)
