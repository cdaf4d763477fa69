"""Define the announcements of control on Salt's event bus. The names of the fields are an interface."""

from dataclasses import dataclass

from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages.reports import Failure
from salt_o2.core.states import EnvironmentState, TaskState


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceState:
    """Effect: tell the world that the environment is now in ``state``."""

    environment: EnvironmentId
    state: EnvironmentState
    run_number: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceMoves:
    """Effect: tell the world, at once for all tasks of one report, that they moved."""

    environment: EnvironmentId
    host: HostId
    moves: dict[TaskId, TaskState]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceFailure:
    """Effect: tell the world of one task's failure; a rule may react to it."""

    environment: EnvironmentId
    task: TaskId
    path: str
    host: HostId
    state: TaskState
    critical: bool
    recovery: str
    """The recovery policy of its role: ``restart``, ``ignore``, ``stop`` or ``fail``."""
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceKilled:
    """Effect: tell the world that processes of a task did not end when asked, and were ended by SIGKILL."""

    environment: EnvironmentId
    task: TaskId
    path: str
    host: HostId


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceRecovery:
    """Effect: tell the world that a task that had failed is back where the others are."""

    environment: EnvironmentId
    task: TaskId
    path: str
    host: HostId
    restarts: int
    """How often control restarted it within the restart window."""
    seconds: float
    """Seconds from its failure to its return."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncePoolExit:
    """Effect: tell the world that a task waits in the pool no more, because it died or is to end."""

    environment: EnvironmentId
    """The pool's own name."""
    task: TaskId
    class_name: str
    host: HostId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceHost:
    """Effect: tell the world that a host is there (again), that its agent is away, or that it is lost."""

    host: HostId
    status: str
    """ACTIVE, SILENT or LOST (core/recovery/host_liveness.py), or DUPLICATE: a second agent reports."""
    reason: str
    quiet_s: float
    """For how long its agent had not reported, in seconds."""
    environments: tuple[EnvironmentId, ...] = ()
    """The environments that have tasks on the host."""


TaskNews = AnnounceMoves | AnnounceFailure | AnnounceKilled | AnnounceRecovery | AnnouncePoolExit
Announcement = AnnounceState | TaskNews | AnnounceHost
