"""Hold the data that the components of one environment share. The model decides nothing."""

from dataclasses import dataclass, field

from salt_o2.core.environment.hook_schedule import HookSchedule
from salt_o2.core.environment.run_lifecycle import RunLifecycle
from salt_o2.core.environment.transition import ActiveTransition, LateCommands, StageWait
from salt_o2.core.ids import EnvironmentId, TaskId
from salt_o2.core.plan.plan import Plan
from salt_o2.core.plan.timeouts import Timeouts
from salt_o2.core.states import EnvironmentEvent, EnvironmentState
from salt_o2.core.tasks.incidents import IncidentLog
from salt_o2.core.tasks.orders import STABLE_STATES
from salt_o2.core.tasks.registry import TaskRegistry
from salt_o2.core.tasks.restarts import RestartTracker, restart_budget


@dataclass(frozen=True, slots=True, kw_only=True)
class StateEntry:
    """The begin of the present state; ``at`` in seconds since the epoch, 0 if it is not known."""

    at: float = 0.0
    user: str = ""
    """Empty if control changed the state without a request of a user."""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRecord:
    """An error of an environment; ``at`` in seconds since the epoch."""

    at: float
    text: str


@dataclass(slots=True)
class EnvironmentModel:
    """The data of one environment. README.md in this folder says which component writes which field."""

    id: EnvironmentId
    timeouts: Timeouts
    tasks: TaskRegistry
    hooks: HookSchedule
    restarts: RestartTracker
    run: RunLifecycle = field(default_factory=RunLifecycle)
    state: EnvironmentState = EnvironmentState.STANDBY
    revision: int = 0
    """The revision of the last order; it only grows."""
    error: str = ""
    """Why the environment is in ERROR, or what a transition on the way to its end tolerated."""
    warnings: tuple[str, ...] = ()
    """Failures of hooks and calls that are not critical, since the last request."""
    automatic: bool = False
    """Whether the environment ends without a request, after its run or after an error."""
    active: ActiveTransition | None = None
    """The transition under way."""
    late: LateCommands | None = None
    """The commands that hosts of tasks that are not required have not acknowledged before a deadline."""
    incidents: IncidentLog = field(default_factory=IncidentLog)
    """Restarts and failures of roles, and the tasks that do not take part in the run under way."""
    entered: StateEntry = field(default_factory=StateEntry)
    """When the environment entered its state, and at the request of which user."""
    last_error: ErrorRecord | None = None
    """The last transition or run that failed, also if the environment has recovered since."""

    @classmethod
    def initial(cls, id: EnvironmentId, plan: Plan, timeouts: Timeouts | None = None) -> "EnvironmentModel":
        """Return the model of a new environment of ``plan``; nothing has started.

        Raises:
            InvalidRequestError: if a variable of the plan sets no valid restart budget.
        """
        budget = restart_budget(plan.variables)
        return cls(
            id=id,
            timeouts=timeouts or Timeouts(),
            tasks=TaskRegistry(id, plan),
            hooks=HookSchedule(plan),
            restarts=RestartTracker(budget),
        )

    @property
    def plan(self) -> Plan:
        """The plan that the environment follows."""
        return self.tasks.plan

    @property
    def late_commands(self) -> LateCommands | None:
        """The late commands, unless the transition is under way or another order has replaced them."""
        late = self.late
        is_current = late is not None and late.commands and late.revision == self.revision
        return late if is_current and self.active is None else None

    @property
    def wait(self) -> StageWait | None:
        """The wait for the current stage, if a transition is under way."""
        return self.active.wait if self.active else None

    @property
    def data_run(self) -> int | None:
        """The number of the run that takes data; ``None`` without one, and while it begins or ends."""
        taking = self.state is EnvironmentState.RUNNING and self.accepts_restarts
        return self.run.number if taking else None

    @property
    def accepts_restarts(self) -> bool:
        """Whether the state is stable, and no transition except a modification is under way."""
        return self.state in STABLE_STATES and (
            self.active is None or self.active.event is EnvironmentEvent.MODIFY
        )

    def modification_requires(self, task: TaskId) -> bool:
        """Return whether a modification is under way that cannot continue without ``task``.

        It can continue without a task that departs, that is excluded, or that a user's change brings in. A
        task hook is required for its moment only, and its end is judged there.
        """
        active = self.active
        if active is None or active.event is not EnvironmentEvent.MODIFY:
            return False
        if self.tasks.is_departing(task) or self.tasks.tasks[task].trigger:
            return False
        return task not in active.may_exclude and task not in self.tasks.excluded

    def check_invariants(self) -> None:
        """Raise AssertionError if the model contradicts itself; for tests, after each step. O(tasks)."""
        self.tasks.check_invariants()
        self.restarts.check_invariants()
        self.incidents.check_invariants()
        assert self.restarts.pending.keys() <= self.tasks.tasks.keys(), "restarts are of registered tasks"
        self._check_transition()
        self._check_run()

    def _check_transition(self) -> None:
        active, wait = self.active, self.wait
        if active is None:
            return
        ended = self.state is EnvironmentState.DONE
        assert not ended or active.event is EnvironmentEvent.EXIT, "DONE has only the last stages of EXIT"
        assert wait is not None, "a transition waits between two steps"
        assert not wait.is_over, "a wait that is over was closed"
        assert wait.waiting <= self.tasks.tasks.keys(), "the wait is for registered tasks"
        assert wait.calls <= self.hooks.pending_calls.keys(), "the wait is for pending calls"
        assert wait.since <= wait.deadline, "the deadline is after the begin of the wait"
        assert wait.revision <= self.revision, "the wait is for an order that was given"
        assert active.idle_revision <= self.revision, "the order to STANDBY was given"
        for host, command in wait.unacknowledged.items():
            assert command.host == host, "an unacknowledged command is addressed to its host"

    def _check_run(self) -> None:
        underway = self.state is EnvironmentState.RUNNING or self.active is not None
        assert self.run.number is None or underway, "only a started environment has a run"
        assert self.run.number is not None or not self.incidents.interrupted, "only a run is interrupted"
        assert self.run.stop_at is None or self.state is EnvironmentState.RUNNING, "only a run stops by time"
        if self.state is EnvironmentState.DONE and self.active is None:
            assert not self.hooks.pending_calls, "an ended environment has no pending call"
