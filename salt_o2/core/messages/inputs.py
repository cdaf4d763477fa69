"""Define the inputs of an environment: requests, reports, results of calls, states of hosts, time.

Each has its time, in seconds since the epoch, because the core has no clock.
"""

from dataclasses import dataclass, field

from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.messages.reports import TaskReport
from salt_o2.core.plan.overrides import Overrides
from salt_o2.core.plan.plan import Plan
from salt_o2.core.states import EnvironmentEvent, RunEndCause


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """Input: a user, a rule or control requests these events, one after the other."""

    at: float
    request: str
    """The id of the awaited answer; empty without a waiting requester."""
    events: tuple[EnvironmentEvent, ...]
    user: str = ""
    run_number: int | None = None
    """The number that control has reserved for the run that START_ACTIVITY begins."""
    undo: bool = False
    """Whether a failure ends the environment (EXIT), as it does while it is being created."""
    automatic: bool = False
    """Whether the environment ends automatically after its run or after an error."""
    keep: bool = False
    """Whether EXIT transfers healthy tasks to the pool, in STANDBY, instead of stopping them; MODIFY does
    the same with the tasks that it removes.
    """
    reason: str = ""
    run_end: RunEndCause = RunEndCause.REQUESTED
    """Why the run ends, if one of the events ends it."""
    failed_roles: tuple[str, ...] = ()
    """The paths of the roles whose failure led to the request; the first ones, if there are many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TasksMoved:
    """Input: one host reports tasks of this environment."""

    at: float
    host: HostId
    reports: tuple[TaskReport, ...] = ()
    accepted: int = -1
    """The highest revision that the host has acknowledged; -1 if the report names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Modified:
    """Input: a user or control gives the environment another plan; the environment stays in its state."""

    at: float
    request: str
    plan: Plan
    excluded: dict[TaskId, str] = field(default_factory=dict)
    """Tasks of that plan to keep out of the data flow, each with the reason."""
    user: str = ""
    drain_s: float = 0.0
    """How long departing tasks may continue with their data, in seconds."""
    thorough: bool = False
    """Order the goal of every task, not only of the tasks that the plan changes."""
    keep: bool = False
    """Whether healthy departing tasks are transferred to the pool, in STANDBY, instead of being stopped."""
    claimed: tuple[TaskId, ...] = ()
    """Tasks of that plan that come from the pool, with their processes."""
    revision: int = 0
    """The highest revision of any order to these tasks; the environment's next orders are above it."""
    overrides: Overrides | None = None
    """The overrides that led to this plan; for the journal, if they have changed."""
    may_exclude: tuple[TaskId, ...] | None = None
    """Tasks to exclude if they cannot join: a user requested the change and gets the error. ``None`` means
    all tasks that the plan changes. For all other tasks the recovery policy decides.
    """
    reason: str = ""
    """Why the change was requested, if control makes it for a user: a host is drained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded:
    """Input: a call has ended, with a result or an error."""

    at: float
    call: str
    result: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverTask:
    """Input: a rule of the site or a user requests an immediate restart of a failed task."""

    at: float
    task: TaskId
    user: str = ""
    manual: bool = True
    """A user may restart a task against its policy; a rule only hastens a restart that is due anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLost:
    """Input: a host has missed too many heartbeats."""

    at: float
    host: HostId
    silent_s: float
    """For how long control received nothing from the host, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSilent:
    """Input: the agent of a host is away, but its tasks are not lost; nothing is to be done."""

    at: float
    host: HostId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRenamed:
    """Input: the machine of host ``old`` reports as ``new``, with its previous tasks and processes."""

    at: float
    old: HostId
    new: HostId


@dataclass(frozen=True, slots=True, kw_only=True)
class RescheduleFailed:
    """Input: tasks of a lost host can run nowhere else, or a refused task has no other free port."""

    at: float
    tasks: tuple[TaskId, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Input: the time is ``at``; sent when ``Environment.wake_at`` has come."""

    at: float


HostInput = HostLost | HostSilent | HostRenamed | RescheduleFailed
Input = Requested | Modified | TasksMoved | CallEnded | RecoverTask | HostInput | Tick
