"""The hooks of an environment: which calls and task hooks have something to do at which moment."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from salt_o2.core.ids import TaskId
from salt_o2.core.plan.moments import Moment
from salt_o2.core.plan.plan import Plan, PlannedCall, PlannedTask


@dataclass(slots=True)
class OpenCall:
    """A call that has begun and not ended."""

    planned: PlannedCall
    deadline: float
    """Seconds since the epoch; after it the call is given up."""


class Hooks:
    """The hooks of one plan, and the calls of it that are under way."""

    def __init__(self, plan: Plan) -> None:
        """Sort the hooks of ``plan`` by their moments."""
        self.open: dict[str, OpenCall] = {}
        self.begun: set[TaskId] = set()
        """Task hooks that were ordered to start and not to end: something may be left of them."""
        self._count = 0
        self._tasks: dict[Moment, list[PlannedTask]] = defaultdict(list)
        self._calls: dict[Moment, list[PlannedCall]] = defaultdict(list)
        self._awaited: set[Moment] = set()
        self.replan(plan)

    def replan(self, plan: Plan) -> None:
        """Have the hooks of ``plan`` from now on; calls under way stay."""
        self._tasks, self._calls = defaultdict(list), defaultdict(list)
        for task in plan.tasks:
            if task.trigger:
                self._tasks[task.trigger].append(task)
        for call in plan.calls:
            self._calls[call.trigger].append(call)
        self._awaited = {call.until for call in plan.calls}

    @property
    def moments(self) -> Iterable[Moment]:
        """All moments at which something is to do."""
        return {*self._tasks, *self._calls, *self._awaited}

    def tasks(self, moment: Moment) -> list[PlannedTask]:
        """Return the task hooks of ``moment``."""
        return self._tasks.get(moment, [])

    def begin(self, moment: Moment, at: float) -> dict[str, PlannedCall]:
        """Open the calls that ``moment`` triggers; return them under the names by which they will end."""
        begun = {}
        for planned in self._calls.get(moment, ()):
            self._count += 1
            name = f"{planned.path}#{self._count}"
            begun[name] = planned
            self.open[name] = OpenCall(planned, at + planned.timeout_s)
        return begun

    def awaited(self, moment: Moment) -> set[str]:
        """Return the names of the open calls that ``moment`` waits for."""
        return {name for name, call in self.open.items() if call.planned.until == moment}

    def task_ids(self) -> set[TaskId]:
        """Return the ids of all task hooks."""
        return {task.id for tasks in self._tasks.values() for task in tasks}
