"""Sort the calls and task hooks of a plan by moment, and record which calls are pending."""

from collections import defaultdict
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from salt_o2.core.ids import TaskId
from salt_o2.core.plan.moments import Moment
from salt_o2.core.plan.plan import Plan, PlannedCall, PlannedTask


@dataclass(slots=True)
class PendingCall:
    """A call that has started and has not ended."""

    planned: PlannedCall
    deadline: float
    """Seconds since the epoch; after it the environment cancels the call."""


class HookSchedule:
    """The calls and task hooks of one plan, sorted by moment, and those that are under way."""

    def __init__(self, plan: Plan) -> None:
        """Sort the calls and task hooks of ``plan`` by their moments."""
        self.pending_calls: dict[str, PendingCall] = {}
        """By the name under which control reports the end of the call."""
        self.started_tasks: set[TaskId] = set()
        """Task hooks that were ordered to start and not ordered to end: a host may still run some of them."""
        self._count = 0
        self._tasks: dict[Moment, list[PlannedTask]] = {}
        self._calls: dict[Moment, list[PlannedCall]] = {}
        self._awaited: set[Moment] = set()
        self.install_plan(plan)

    def install_plan(self, plan: Plan) -> None:
        """Use the calls and task hooks of ``plan`` from now on; pending calls stay."""
        self._tasks, self._calls = defaultdict(list), defaultdict(list)
        for task in plan.tasks:
            if task.trigger:
                self._tasks[task.trigger].append(task)
        for call in plan.calls:
            self._calls[call.trigger].append(call)
        self._awaited = {call.until for call in plan.calls}

    @property
    def moments(self) -> AbstractSet[Moment]:
        """All moments that have a call or a task hook, or wait for a call."""
        return {*self._tasks, *self._calls, *self._awaited}

    def tasks_at(self, moment: Moment) -> list[PlannedTask]:
        """Return the task hooks of ``moment``."""
        return self._tasks.get(moment, [])

    def register_calls(self, moment: Moment, at: float) -> dict[str, PlannedCall]:
        """Make the calls that ``moment`` triggers pending; return them by the names under which they end."""
        started = {}
        for planned in self._calls.get(moment, ()):
            self._count += 1
            name = f"{planned.path}#{self._count}"
            started[name] = planned
            self.pending_calls[name] = PendingCall(planned, at + planned.timeout_s)
        return started

    def calls_awaited_at(self, moment: Moment) -> set[str]:
        """Return the names of the pending calls that ``moment`` waits for."""
        return {name for name, call in self.pending_calls.items() if call.planned.until == moment}
