"""A plan as users see it before it is carried out: what changes and why, and what it takes of each host."""

from collections import Counter
from typing import Any

from salt_o2.control.drafts import Draft
from salt_o2.core.environment import Environment
from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.inventory import Inventory
from salt_o2.core.plan import Plan, PlannedTask
from salt_o2.core.reshape import Change, Changes, compare


def plan_record(
    draft: Draft, inventory: Inventory, token: str, environment: Environment | None = None
) -> dict[str, Any]:
    """Return ``draft`` as the wire shows it; ``token`` applies exactly this plan."""
    was_out = environment.members.excluded if environment else {}
    old = draft.old or _nothing(draft.plan)
    changes = compare(old, draft.plan, was_out, draft.excluded)
    tasks = {task.id: task for task in (*old.tasks, *draft.plan.tasks)}
    rows = [_row(task, changes) for task in tasks.values()]
    return {
        "token": token,
        "environment": draft.environment,
        "workflow": draft.plan.workflow,
        "revision": draft.plan.revision,
        "action": "create" if draft.old is None else "modify" if draft.plan.tasks else "destroy",
        "changes": [row for row in rows if row["change"] != "keep"],
        "summary": dict(Counter(row["change"] for row in rows)),
        "hosts": _hosts(draft.plan, inventory, set(tasks) - {task.id for task in old.tasks}),
    }


def _nothing(plan: Plan) -> Plan:
    return Plan(workflow=plan.workflow, revision=plan.revision, root=plan.root, tasks=())


def _row(task: PlannedTask, changes: Changes) -> dict[str, Any]:
    return {
        "id": task.id,
        "path": task.path,
        "class": task.class_name,
        "host": task.host,
        "change": _change(task.id, changes),
        "reason": changes.reasons.get(task.id, ""),
        "ports": list(task.ports),
        "addresses": {key: value for key, value in task.properties.items() if key.endswith(".address")},
        "command": task.launch.command_line,
    }


def _change(task: TaskId, changes: Changes) -> str:
    if task in changes.excluded:
        return Change.EXCLUDE
    if task in changes.leaving:
        return Change.STOP
    return changes.joining.get(task, "keep")


def _hosts(plan: Plan, inventory: Inventory, new: set[TaskId]) -> list[dict[str, Any]]:
    """Return for each host what it has, what is taken of it now, and what the plan takes beside that."""
    extra: dict[HostId, list[PlannedTask]] = {}
    for task in plan.tasks:
        extra.setdefault(task.host, []).append(task)
    return [
        _host(host, tasks, [task for task in tasks if task.id in new], inventory)
        for host, tasks in sorted(extra.items())
    ]


def _host(
    host: HostId, tasks: list[PlannedTask], new: list[PlannedTask], inventory: Inventory
) -> dict[str, Any]:
    facts, use = inventory.hosts.get(host), inventory.use_of(host)
    return {
        "id": host,
        "tasks": len(tasks),
        "new_tasks": len(new),
        "cpus": facts.cpus if facts else None,
        "cpu_taken": round(use.cpu, 3),
        "cpu_wanted": round(sum(task.cpu for task in new), 3),
        "memory_mb": facts.memory_mb if facts else None,
        "memory_taken_mb": round(use.memory_mb, 1),
        "memory_wanted_mb": round(sum(task.memory_mb for task in new), 1),
    }
