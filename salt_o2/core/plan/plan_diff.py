"""Compare two plans of an environment: the smallest set of changes, and the reasons.

A task is the same in both plans if it has the same id; the planner keeps the ids, hosts and ports of tasks
that stay. A task that the difference does not name is not touched.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from salt_o2.core.ids import TaskId
from salt_o2.core.plan.plan import Plan, PlannedTask


class TaskChange(StrEnum):
    """What happens to a task."""

    START = "start"
    RESTART = "restart"
    RECONFIGURE = "reconfigure"
    INCLUDE = "include"
    EXCLUDE = "exclude"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDiff:
    """Every task that a new plan touches, and for what reason."""

    joining: dict[TaskId, TaskChange] = field(default_factory=dict)
    """Tasks to start, restart, reconfigure or include; they take part afterwards."""
    excluded: tuple[TaskId, ...] = ()
    """Tasks that leave the data flow and wait."""
    leaving: tuple[TaskId, ...] = ()
    """Tasks that end."""
    reasons: dict[TaskId, str] = field(default_factory=dict)

    @property
    def touched(self) -> set[TaskId]:
        """All tasks that change."""
        return {*self.joining, *self.excluded, *self.leaving}


def diff_plans(
    old: Plan, new: Plan, was_out: Collection[TaskId], shall_be_out: Mapping[TaskId, str]
) -> PlanDiff:
    """Return the changes from ``old`` to ``new``; the other arguments are the excluded tasks of each plan."""
    before = {task.id: task for task in old.tasks}
    joining: dict[TaskId, TaskChange] = {}
    excluded: list[TaskId] = []
    reasons: dict[TaskId, str] = {}
    for task in new.tasks:
        if task.trigger:
            continue  # Hooks have no process between their moments.
        if task.id in shall_be_out:
            if task.id in before and task.id not in was_out:
                excluded.append(task.id)
                reasons[task.id] = shall_be_out[task.id]
            continue
        found = _change(before.get(task.id), task, task.id in was_out)
        if found:
            joining[task.id], reasons[task.id] = found
    present = {task.id for task in new.tasks}
    leaving = tuple(task.id for task in old.tasks if task.id not in present and not task.trigger)
    reasons |= dict.fromkeys(leaving, "not in the new plan")
    return PlanDiff(joining=joining, excluded=tuple(excluded), leaving=leaving, reasons=reasons)


def _change(old: PlannedTask | None, new: PlannedTask, was_out: bool) -> tuple[TaskChange, str] | None:
    if old is None:
        return TaskChange.START, "new in the plan"
    if old.launch != new.launch:
        return TaskChange.RESTART, f"its {_difference(old, new)} changed"
    if was_out:
        return TaskChange.INCLUDE, "it was excluded"
    if old.properties != new.properties:
        keys = sorted(key for key, _ in old.properties.items() ^ new.properties.items())
        return TaskChange.RECONFIGURE, f"properties changed: {', '.join(dict.fromkeys(keys))}"
    return None


def _difference(old: PlannedTask, new: PlannedTask) -> str:
    names = [
        name
        for name in ("value", "arguments", "env", "user", "shell", "control_port", "mode", "codec", "ports")
        if getattr(old.launch, name) != getattr(new.launch, name)
    ]
    return " and ".join(names) or "launch"
