"""A plan as users see it before it is carried out: the changes, their reasons, the resources."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from salt_o2.control.planning.drafts import PlanDraft
from salt_o2.core.environment.environment import Environment
from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.plan.plan import Plan, PlannedCall, PlannedTask
from salt_o2.core.plan.plan_diff import PlanDiff, TaskChange, diff_plans

KEEP, HOOK, REUSE, POOL = "keep", "hook", "reuse", "pool"
"""Changes in addition to those of core.

The task is unchanged; starts only at its trigger; comes from the pool with its process; goes to the pool with
its process.
"""


def plan_record(
    draft: PlanDraft, inventory: Inventory, token: str, environment: Environment | None = None
) -> dict[str, Any]:
    """Return ``draft`` in its wire format; ``token`` applies exactly this plan."""
    was_out = environment.model.tasks.excluded if environment else {}
    old = draft.previous or _nothing(draft.plan)
    changes = diff_plans(old, draft.plan, was_out, draft.excluded)
    tasks = {task.id: task for task in (*old.tasks, *draft.plan.tasks)}
    described = _TaskChanges(changes, draft, old)
    rows = [_row(task, *described.of(task)) for task in tasks.values()]
    return {
        "token": token,
        "environment": draft.environment,
        "workflow": draft.plan.workflow,
        "revision": draft.plan.revision,
        "action": "create" if draft.previous is None else "modify" if draft.plan.tasks else "destroy",
        "changes": [row for row in rows if row["change"] != KEEP],
        "summary": dict(Counter(row["change"] for row in rows)),
        "hosts": _hosts(old, draft, inventory),
        "calls": [_call(call) for call in draft.plan.calls],
        "warnings": list(draft.warnings),
    }


def _nothing(plan: Plan) -> Plan:
    return Plan(workflow=plan.workflow, revision=plan.revision, root=plan.root, tasks=())


def _row(task: PlannedTask, change: str, reason: str) -> dict[str, Any]:
    return {
        "id": task.id,
        "path": task.path,
        "class": task.class_name,
        "host": task.host,
        "change": change,
        "reason": reason,
        "ports": list(task.ports),
        "addresses": {key: value for key, value in task.properties.items() if key.endswith(".address")},
        "command": task.launch.command_line,
    }


class _TaskChanges:
    """The change of each task, and its reason."""

    def __init__(self, changes: PlanDiff, draft: PlanDraft, old: Plan) -> None:
        self._changes = changes
        self._out = draft.excluded
        self._before = {task.path: task for task in old.tasks}
        self._after = {task.path: task for task in draft.plan.tasks}
        self._known = {task.id for task in old.tasks}
        self._leaving = "" if draft.plan.tasks else "the environment ends"
        self._claimed, self._stored = draft.claimed, draft.stored

    def of(self, task: PlannedTask) -> tuple[str, str]:
        changes, reason = self._changes, self._changes.reasons.get(task.id, "")
        if task.trigger:
            return (KEEP, "") if task.id in self._known else (HOOK, f"runs at {task.trigger}")
        if task.id in self._stored:
            return POOL, "waits in STANDBY for another environment"
        if task.id in self._claimed and task.id not in self._out:
            moved = _moved("from", task, self._before)
            return REUSE, "; ".join(filter(None, ("its process waits in the pool", moved)))
        if task.id in self._out and task.id not in self._known:
            return TaskChange.EXCLUDE, self._out[task.id]
        if task.id in changes.excluded:
            return TaskChange.EXCLUDE, reason
        if task.id in changes.leaving:
            return TaskChange.STOP, self._leaving or self._successor(task) or reason
        change = changes.joining.get(task.id)
        if change is TaskChange.START:
            reason = _moved("from", task, self._before) or reason
        return change or KEEP, reason

    def _successor(self, task: PlannedTask) -> str:
        """Return the successor in the role of a departing task."""
        other = self._after.get(task.path)
        taken = other is not None and other.id in self._claimed and other.host == task.host
        return "a task of the pool takes its place" if taken else _moved("to", task, self._after)


def _moved(where: str, task: PlannedTask, others: Mapping[str, PlannedTask]) -> str:
    """Return to or from which host the task's role moves; empty if its host is the same."""
    other = others.get(task.path)
    return f"moves {where} {other.host}" if other and other.host != task.host else ""


def _call(call: PlannedCall) -> dict[str, Any]:
    return {
        "path": call.path,
        "func": call.func,
        "trigger": str(call.trigger),
        "await": str(call.until),
        "timeout_s": call.timeout_s,
        "critical": call.critical,
    }


def _hosts(old: Plan, draft: PlanDraft, inventory: Inventory) -> list[dict[str, Any]]:
    """Return for each host its resources, those allocated now, and those the plan allocates and releases."""
    tasks_by_host: dict[HostId, list[PlannedTask]] = defaultdict(list)
    for task in {task.id: task for task in (*old.tasks, *draft.plan.tasks)}.values():
        tasks_by_host[task.host].append(task)
    before = {task.id for task in old.tasks} | draft.claimed  # tasks of the pool have resources already,
    after = {task.id for task in draft.plan.tasks} | draft.stored  # and tasks transferred to it keep them
    return [
        _host(host, tasks, before, after, inventory)
        | {"reused_tasks": sum(task.id in draft.claimed for task in tasks)}
        for host, tasks in sorted(tasks_by_host.items())
    ]


def _host(
    host: HostId,
    tasks: list[PlannedTask],
    before: Collection[TaskId],
    after: Collection[TaskId],
    inventory: Inventory,
) -> dict[str, Any]:
    facts, use = inventory.hosts.get(host), inventory.use_of(host)
    new = [task for task in tasks if task.id not in before]
    ended = [task for task in tasks if task.id not in after]
    return {
        "id": host,
        "cordoned": host in inventory.cordons,
        "tasks": len(tasks) - len(ended),
        "new_tasks": len(new),
        "ended_tasks": len(ended),
        "cpus": facts.cpus if facts else None,
        "cpu_taken": round(use.cpu, 3),
        "cpu_wanted": round(sum(task.cpu for task in new), 3),
        "cpu_freed": round(sum(task.cpu for task in ended), 3),
        "memory_mb": facts.memory_mb if facts else None,
        "memory_taken_mb": round(use.memory_mb, 1),
        "memory_wanted_mb": round(sum(task.memory_mb for task in new), 1),
        "memory_freed_mb": round(sum(task.memory_mb for task in ended), 1),
    }
