"""Compare two plans; the result is plain dicts."""

from typing import Any

from salt_o2.core.plan.plan import Plan, PlannedTask
from salt_o2.site.builtin_variables import ENVIRONMENT_ID


def difference(left: Plan, right: Plan) -> dict[str, Any]:
    """Return how two plans differ: variables, roles, and properties of their tasks."""
    ours = {task.path: task for task in left.tasks}
    theirs = {task.path: task for task in right.tasks}
    names = sorted(set(left.variables) | set(right.variables))
    return {
        "workflow": _pair(left.workflow, right.workflow),
        "revision": _pair(left.revision, right.revision),
        "variables": {
            name: [left.variables.get(name), right.variables.get(name)]
            for name in names
            if name != ENVIRONMENT_ID and left.variables.get(name) != right.variables.get(name)
        },
        "only_left": sorted(set(ours) - set(theirs)),
        "only_right": sorted(set(theirs) - set(ours)),
        "different": {
            path: changed
            for path in sorted(set(ours) & set(theirs))
            if (changed := _differences(_traits(ours[path]), _traits(theirs[path])))
        },
    }


def _pair(left: str, right: str) -> list[str]:
    return [left] if left == right else [left, right]


def _differences(left: dict[str, str], right: dict[str, str]) -> dict[str, list[str | None]]:
    names = dict.fromkeys((*left, *right))
    return {name: [left.get(name), right.get(name)] for name in names if left.get(name) != right.get(name)}


def _traits(task: PlannedTask) -> dict[str, str]:
    """Return the comparable properties of a task, without ids, ports and addresses.

    Those differ in any two environments.
    """
    made_up = {task.id: "ID", str(task.launch.control_port): "PORT"}
    words = [made_up.get(word, word) for word in (task.launch.value, *task.launch.arguments)]
    properties = {
        f"property {key}": value
        for key, value in task.properties.items()
        if key != ENVIRONMENT_ID and not key.endswith(".address")
    }
    return {"class": task.class_name, "host": task.host, "command": " ".join(words)} | properties
