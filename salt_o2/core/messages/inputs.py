"""What an environment takes in: requests, reports, results of calls, news of hosts, time.

Each carries its time, in seconds since the epoch, because the core has no clock.
"""

from dataclasses import dataclass, field

from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.messages.reports import TaskReport
from salt_o2.core.plan.overrides import Overrides
from salt_o2.core.plan.plan import Plan
from salt_o2.core.states import EnvironmentEvent


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
    shape: Overrides | None = None
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
class RescheduleFailed:
    """Message: tasks of a lost host can run nowhere else, or no other port is free for a refused task."""

    at: float
    tasks: tuple[TaskId, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Message: it is now ``at``; sent when ``Environment.wake_at`` has come."""

    at: float


HostInput = HostLost | HostSilent | HostRenamed | RescheduleFailed
Input = Requested | Modified | TasksMoved | CallEnded | RecoverTask | HostInput | Tick
