"""One transition under way: the request, its remaining stages, and the wait for the current stage."""

from collections import deque
from dataclasses import dataclass, field, replace
from enum import Enum

from salt_o2.core.environment.stages import Stage
from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.messages.commands import Command
from salt_o2.core.messages.effects import Effect, ResendAsJob
from salt_o2.core.messages.inputs import Requested
from salt_o2.core.messages.reports import Failure
from salt_o2.core.states import EnvironmentEvent, EnvironmentState
from salt_o2.core.tasks.orders import EMPTY_BATCH, OrderBatch

MAX_RESENDS = 5
"""Number of times that control resends a command to a host without an answer; then the deadline decides."""
FIRST_LATE_S, LAST_LATE_S = 5.0, 60.0
"""First and longest pause between two repetitions of a command after the deadline."""


class WaitKind(Enum):
    """What a stage waits for."""

    SETTLED = "tasks reach their goal"
    HOOKS = "task hooks end by themselves"
    CALLS = "calls return"


@dataclass(slots=True, kw_only=True)
class StageWait:
    """The wait for the tasks or calls of one stage; every wait has a deadline. Times in seconds."""

    kind: WaitKind
    revision: int = 0
    """Reports of this revision or a higher one are answers."""
    since: float
    deadline: float
    acknowledge_s: float = 1.0
    """How long a host may take to acknowledge its command."""
    grace_s: float = 0.5
    """How long the wait continues after a first failure, so that it can collect other failures."""
    waiting: set[TaskId] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    unacknowledged: dict[HostId, Command] = field(default_factory=dict)
    """Commands that their hosts have not acknowledged."""
    total: int = 0
    failures: dict[TaskId, Failure] = field(default_factory=dict)
    resends: int = 0

    @property
    def wake_at(self) -> float:
        """When the next Tick is due, in seconds since the epoch."""
        if not self.unacknowledged or self.resends >= MAX_RESENDS:
            return self.deadline
        return min(self.deadline, self._resend_at())

    @property
    def is_over(self) -> bool:
        """Whether the environment waits for no further task or call."""
        return not self.waiting and not self.calls

    def settle_task(self, task: TaskId) -> None:
        """Record that ``task`` has finished its order, with or without success."""
        self.waiting.discard(task)

    def fail_task(self, task: TaskId, failure: Failure, at: float) -> None:
        """Record a failure, and wait only ``grace_s`` longer for other tasks."""
        self.settle_task(task)
        self.failures[task] = failure
        self.deadline = min(self.deadline, at + self.grace_s)

    def acknowledge(self, host: HostId) -> None:
        """Record that ``host`` has received its command."""
        self.unacknowledged.pop(host, None)

    def rename_host(self, old: HostId, new: HostId) -> list[Command]:
        """Address the unacknowledged command of ``old`` to ``new``; return the part to send."""
        command = self.unacknowledged.pop(old, None)
        if command is None:
            return []
        command = replace(command, host=new)
        other = self.unacknowledged.get(new)
        orders = (*other.orders, *command.orders) if other else command.orders
        self.unacknowledged[new] = replace(command, orders=orders)
        return [command]

    def due_resends(self, at: float) -> list[Effect]:
        """Return the unacknowledged commands to resend on the fallback channel, if it is time."""
        if not self.unacknowledged or at < self._resend_at() or self.resends >= MAX_RESENDS:
            return []
        self.resends += 1
        return [ResendAsJob(command=command) for command in self.unacknowledged.values()]

    def _resend_at(self) -> float:
        # 1, 3, 7, 15 ... times the time to acknowledge: repetitions must not overload a busy host.
        return self.since + self.acknowledge_s * ((2 << self.resends) - 1)


@dataclass(slots=True, kw_only=True)
class LateCommands:
    """Commands of a transition that has ended without the answers of their hosts, in seconds.

    The tasks are not required, so the environment has continued. Control resends until a host acknowledges,
    or another command follows: an agent that has obeyed already obeys nothing twice.
    """

    revision: int
    commands: dict[HostId, Command]
    wake_at: float
    """When the commands are due again, in seconds since the epoch."""
    pause_s: float = FIRST_LATE_S

    def acknowledge(self, host: HostId, revision: int) -> None:
        """Record that ``host`` has received all commands up to ``revision``."""
        if revision >= self.revision:
            self.commands.pop(host, None)

    def due_resends(self, at: float) -> list[Effect]:
        """Return the commands to resend, if it is time."""
        if not self.commands or at < self.wake_at:
            return []
        self.pause_s = min(2 * self.pause_s, LAST_LATE_S)
        self.wake_at = at + self.pause_s
        return [ResendAsJob(command=command) for command in self.commands.values()]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionSpec:
    """A transition to open: its request, and its orders beside those of its stages."""

    request: Requested
    """The request; its first event is that of the transition, the other events follow."""
    target: EnvironmentState
    batches: tuple[OrderBatch, ...] = ()
    """Batches to dispatch before the first stage, each after the end of the batch before."""
    departing: OrderBatch = EMPTY_BATCH
    """Tasks that depart with a modification, after all other tasks have reached their goals."""
    may_exclude: frozenset[TaskId] = frozenset()
    """Tasks that a modification excludes if they cannot join; recovery policies decide for other tasks."""
    error: str = ""
    """The error of the answer, even if the transition succeeds."""

    @property
    def event(self) -> EnvironmentEvent:
        """The event of the transition."""
        return self.request.events[0]


@dataclass(slots=True, kw_only=True)
class ActiveTransition:
    """The transition under way, with the wait for its current stage."""

    event: EnvironmentEvent
    source: EnvironmentState
    target: EnvironmentState
    request: Requested
    """The request; its first event is that of the transition, the other events follow."""
    since: float
    stages: deque[Stage]
    """The remaining stages."""
    batches: deque[OrderBatch]
    """Batches still to dispatch, each after the end of the batch before."""
    departing: OrderBatch
    """Tasks that depart with a modification, after all other tasks have reached their goals."""
    may_exclude: frozenset[TaskId]
    """Tasks that a modification excludes if they cannot join; recovery policies decide for other tasks."""
    error: str
    """The error of the answer, even if the transition succeeds."""
    wait: StageWait | None = None
    """The wait for the current stage; never ``None`` between two steps."""
    idle_revision: int = 0
    """The revision of the last order to STANDBY: a task that has not answered it is not idle."""
    transferred: tuple[TaskId, ...] = ()
    """Idle tasks that are transferred to the pool when the environment ends, instead of being stopped."""

    @classmethod
    def opened(
        cls, spec: TransitionSpec, source: EnvironmentState, stages: list[Stage]
    ) -> "ActiveTransition":
        """Return the transition of ``spec`` from ``source``, before its first stage."""
        return cls(
            event=spec.event,
            source=source,
            target=spec.target,
            request=spec.request,
            since=spec.request.at,
            stages=deque(stages),
            batches=deque(batch for batch in spec.batches if batch.tasks),
            departing=spec.departing,
            may_exclude=spec.may_exclude,
            error=spec.error,
        )

    @property
    def following_events(self) -> tuple[EnvironmentEvent, ...]:
        """The events that follow this one."""
        return self.request.events[1:]

    @property
    def tolerates_failures(self) -> bool:
        """Whether failures are only recorded: on the way to DONE, or to ERROR."""
        return self.event in (EnvironmentEvent.EXIT, EnvironmentEvent.GO_ERROR)

    def add_error(self, reason: str) -> None:
        """Add ``reason`` to the error of the answer."""
        self.error = "\n".join(filter(None, (self.error, reason)))
