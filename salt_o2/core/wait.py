"""One stage that is being waited for: which tasks or calls are awaited, what has failed, until when."""

from dataclasses import dataclass, field
from enum import Enum

from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.messages.commands import Command
from salt_o2.core.messages.effects import Effect, Insist
from salt_o2.core.messages.reports import Failure

INSIST_AT_MOST = 5
"""A host that stays silent is asked this often the sure way; then the deadline decides."""


class Awaited(Enum):
    """What kind of end is awaited."""

    SETTLED = "tasks reach their goal"
    HOOKS = "task hooks end by themselves"
    CALLS = "calls return"


@dataclass(slots=True, kw_only=True)
class Wait:
    """The wait for one stage of a transition; every wait has a deadline."""

    kind: Awaited
    revision: int = 0
    """Reports of this revision or higher are answers."""
    since: float
    deadline: float
    acknowledge: float = 1.0
    gather: float = 0.5
    waiting: set[TaskId] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    silent: dict[HostId, Command] = field(default_factory=dict)
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
        """Whether everything awaited has come."""
        return not self.waiting and not self.calls

    def settle(self, task: TaskId) -> None:
        """Take note that ``task`` is done with its order, well or badly."""
        self.waiting.discard(task)

    def fail(self, task: TaskId, failure: Failure, at: float) -> None:
        """Take note of a failure, and wait only a little longer for others."""
        self.settle(task)
        self.failures[task] = failure
        self.deadline = min(self.deadline, at + self.gather)

    def heard(self, host: HostId) -> None:
        """Take note that ``host`` has its command."""
        self.silent.pop(host, None)

    def insist(self, at: float) -> list[Effect]:
        """Return the commands to repeat the sure way, if it is time."""
        if not self.silent or at < self._insist_at() or self.insisted >= INSIST_AT_MOST:
            return []
        self.insisted += 1
        return [Insist(command=command) for command in self.silent.values()]

    def _insist_at(self) -> float:
        # 1, 3, 7, 15 ... times the time to acknowledge: a busy host is not buried in repetitions.
        return self.since + self.acknowledge * ((2 << self.insisted) - 1)
