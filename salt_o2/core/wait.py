"""One transition under way: which tasks are still awaited, what has failed, until when."""

from dataclasses import dataclass, field

from salt_o2.core.effects import Effect, Insist, Requested, Timeouts
from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.messages import Command, Failure
from salt_o2.core.states import EnvironmentEvent, EnvironmentState

INSIST_AT_MOST = 5
"""A host that stays silent is asked this often the sure way; then the deadline decides."""


@dataclass(slots=True, kw_only=True)
class Wait:
    """The wait for the tasks of one transition; every wait has a deadline."""

    event: EnvironmentEvent
    source: EnvironmentState
    target: EnvironmentState
    request: Requested
    since: float
    deadline: float
    timeouts: Timeouts
    waiting: set[TaskId]
    silent: dict[HostId, Command]
    """Commands that their host has not yet said to have."""
    total: int = 0
    failures: dict[TaskId, Failure] = field(default_factory=dict)
    insisted: int = 0

    @property
    def wake_at(self) -> float:
        """When the next Tick is due."""
        if not self.silent or self.insisted >= INSIST_AT_MOST:
            return self.deadline
        return min(self.deadline, self._insist_at())

    @property
    def is_over(self) -> bool:
        """Whether every task has settled."""
        return not self.waiting

    def settle(self, task: TaskId) -> None:
        """Take note that ``task`` is done with its order, well or badly."""
        self.waiting.discard(task)

    def fail(self, task: TaskId, failure: Failure, at: float) -> None:
        """Take note of a failure, and wait only a little longer for others."""
        self.settle(task)
        self.failures[task] = failure
        self.deadline = min(self.deadline, at + self.timeouts.gather)

    def heard(self, host: HostId) -> None:
        """Take note that ``host`` has its command."""
        self.silent.pop(host, None)

    def insist(self, at: float) -> list[Effect]:
        """Return the commands to repeat the sure way, if it is time."""
        if at < self._insist_at() or self.insisted >= INSIST_AT_MOST:
            return []
        self.insisted += 1
        return [Insist(command=command) for command in self.silent.values()]

    def _insist_at(self) -> float:
        # 1, 3, 7, 15 ... times the time to acknowledge: a busy host is not buried in repetitions.
        return self.since + self.timeouts.acknowledge * ((2 << self.insisted) - 1)
