"""What comes into an environment's machine and what its caller must carry out, in order.

Messages are past or requests, effects are imperative. Every message carries the time, in seconds since the
epoch, because the core has no clock.
"""

from dataclasses import dataclass, field

from salt_o2.core.errors import O2Error
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages import Command, Failure, TaskReport
from salt_o2.core.plan import Plan, PlannedCall, PlannedTask
from salt_o2.core.shape import Shape
from salt_o2.core.states import EnvironmentEvent, EnvironmentState, TaskState


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """Message: somebody wants these events, one after the other."""

    at: float
    request: str
    """The id under which the answer is awaited; empty if nobody waits."""
    events: tuple[EnvironmentEvent, ...]
    user: str = ""
    run_number: int | None = None
    """The number that control has reserved for the run that START_ACTIVITY begins."""
    undo: bool = False
    """Whether a failure ends the environment (EXIT), as it does while it is being created."""
    automatic: bool = False
    """Whether the environment goes on by itself: after its run, or an error, it ends."""
    keep: bool = False
    """Whether EXIT leaves the tasks that are well in the pool, in STANDBY, instead of ending them; so does
    MODIFY with those that it takes out."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TasksMoved:
    """Message: one host reports tasks of this environment."""

    at: float
    host: HostId
    reports: tuple[TaskReport, ...] = ()
    accepted: int = -1
    """The highest revision that the host has taken in, if it says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Modified:
    """Message: a user or control wants the environment to have another plan, without leaving its state."""

    at: float
    request: str
    plan: Plan
    excluded: dict[TaskId, str] = field(default_factory=dict)
    """Tasks of that plan that shall stay out of the data flow, each with the reason."""
    user: str = ""
    drain_s: float = 0.0
    """How long leaving tasks may go on with what they hold."""
    thorough: bool = False
    """Order every task where it should be, not only those that the plan changes."""
    keep: bool = False
    """Whether those that leave and are well go to the pool, in STANDBY, instead of ending."""
    claimed: tuple[TaskId, ...] = ()
    """Tasks of that plan that come from the pool, with their processes."""
    revision: int = 0
    """The highest that any of them was ordered under: what follows is ordered above it."""
    shape: Shape | None = None
    """How the workflow was bent to this plan; for the journal, if it has changed."""
    may_exclude: tuple[TaskId, ...] | None = None
    """Tasks that are excluded if they cannot join: a user asked for the change and gets the error. ``None``
    means all that the plan changes. A task that is not among them goes by its recovery policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded:
    """Message: a call that was invoked has ended, with a result or an error."""

    at: float
    call: str
    result: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverTask:
    """Message: a rule of the site, or a person, wants a failed task started again now."""

    at: float
    task: TaskId
    user: str = ""
    by_hand: bool = True
    """A person may restart what policy would not; a rule only hastens what is to be restarted anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLost:
    """Message: a host has missed too many heartbeats."""

    at: float
    host: HostId
    silent_s: float
    """For how long nothing was heard of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSilent:
    """Message: the agent of a host is away, but what runs there is not lost: nothing is to be done."""

    at: float
    host: HostId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRenamed:
    """Message: the machine of host ``old`` reports as ``new``, with the tasks and processes that it had."""

    at: float
    old: HostId
    new: HostId


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReplaced:
    """Message: tasks of a lost host can run nowhere else, or no other port is free for a refused task."""

    at: float
    tasks: tuple[TaskId, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Message: it is now ``at``; sent when ``Environment.wake_at`` has come."""

    at: float


HostNews = HostLost | HostSilent | HostRenamed | NotReplaced
Message = Requested | Modified | TasksMoved | CallEnded | RecoverTask | HostNews | Tick


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """Effect: send the command to its host on the quick channel."""

    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Insist:
    """Effect: send the command again, as a Salt job, because its host has not said that it has it."""

    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoke:
    """Effect: call a function of an integration; its end comes back as CallEnded."""

    environment: EnvironmentId
    call: str
    planned: PlannedCall
    variables: dict[str, str]
    """The call's variables with those of the run and those that other calls have returned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandon:
    """Effect: end a call whose time is over, or whose environment is."""

    call: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace:
    """Effect: find other hosts for these tasks, and come back with Modified, or with NotReplaced.

    With ``ports`` their hosts are there, and only other ports are wanted.
    """

    environment: EnvironmentId
    tasks: tuple[TaskId, ...]
    ports: bool = False


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
    """What its role wants done about it: ``restart``, ``ignore``, ``stop`` or ``fail``."""
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
    """How often it was started again lately."""
    seconds: float
    """From its failure to its return."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceLeft:
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
    """ACTIVE, SILENT or LOST, see core/presence.py; DUPLICATE when a second agent reports as this host."""
    reason: str
    quiet_s: float
    """For how long its agent had not been heard."""
    environments: tuple[EnvironmentId, ...] = ()
    """Those that have tasks there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
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
class Release:
    """Effect: the environment needs its hosts, ports and memory no longer."""

    environment: EnvironmentId


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """Effect: these tasks, each as it was last heard of, belong to the pool from now on (core/pool.py)."""

    environment: EnvironmentId
    """Which has ended, or goes on without them."""
    tasks: tuple[TaskId, ...]
    left: tuple[tuple[PlannedTask, TaskReport], ...]
    """The same in the same order: the environment may know them no more."""
    revision: int
    """The last that the environment has ordered: the pool's orders are above it."""
    user: str = ""


TaskNews = AnnounceMoves | AnnounceFailure | AnnounceKilled | AnnounceRecovery | AnnounceLeft
News = AnnounceState | TaskNews | AnnounceHost
Effect = Drive | Insist | Invoke | Abandon | Replace | News | Answer | OpenRun | EndRun | Release | Keep
