"""Return an expanded workflow as plain mappings and lists, for users and for programs."""

from typing import Any

from salt_o2.core.plan.channels import BoundChannel, ConnectedChannel
from salt_o2.workflow.expansion.workflow_tree import CallRole, Role, TaskRole, Workflow
from salt_o2.workflow.expressions.values import Open

_OPEN = "[open]"
"""The value of a variable that is not known where the template is checked alone."""


def outline(workflow: Workflow, variables: bool = False, origins: bool = False) -> dict[str, Any]:
    """Return the tree of ``workflow``; with the variables of its leaves, and the origin of each."""
    return {
        "name": workflow.name,
        "description": workflow.description,
        "revision": workflow.revision,
        "tasks": len(workflow.tasks),
        "calls": len(workflow.calls),
        "notes": list(workflow.notes),
        "root": _role(workflow.root, variables or origins, origins),
    }


def _role(role: Role, variables: bool, origins: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"name": role.name, "path": role.path}
    if role.detector:
        found["detector"] = role.detector
    if role.tolerate:
        found["tolerate"] = role.tolerate
    if role.left_open:
        found["open"] = role.left_open
    if role.task:
        found["task"] = _task(role.task)
    if role.call:
        found["call"] = _call(role.call)
    leaf = role.task or role.call
    if leaf and variables:
        found["variables"] = _variables(leaf, origins)
    if role.roles:
        found["roles"] = [_role(child, variables, origins) for child in role.roles]
    return found


def _task(task: TaskRole) -> dict[str, Any]:
    found: dict[str, Any] = {
        "class": task.class_name,
        "mode": str(task.mode),
        "critical": task.critical,
        "written": str(task.place),
    }
    if task.ends_data:
        found["ends_data"] = True
    if task.trigger:
        found |= {"trigger": str(task.trigger), "timeout_s": task.timeout_s}
    if task.constraints:
        found["constraints"] = [str(constraint) for constraint in task.constraints]
    if task.bind:
        found["bind"] = [_bound(channel) for channel in task.bind]
    if task.connect:
        found["connect"] = [_connected(channel) for channel in task.connect]
    if task.left_open:
        found["open"] = list(task.left_open)
    return found


def _call(call: CallRole) -> dict[str, Any]:
    return {
        "func": call.func,
        "trigger": str(call.trigger),
        "await": str(call.until),
        "timeout_s": call.timeout_s,
        "critical": call.critical,
        "return": call.result,
        "written": str(call.place),
    }


def _bound(channel: BoundChannel) -> str:
    alias = f" as ::{channel.alias}" if channel.alias else ""
    return f"{channel.name} ({channel.type}, {channel.target or channel.addressing}){alias}"


def _connected(channel: ConnectedChannel) -> str:
    return f"{channel.name} ({channel.type}) -> {channel.target}"


def _variables(leaf: TaskRole | CallRole, origins: bool) -> dict[str, Any]:
    values = {
        name: _OPEN if isinstance(leaf.stack.find(name), Open) else text
        for name, text in leaf.variables.items()
    }
    if not origins:
        return dict(sorted(values.items()))
    found = leaf.stack.origins()
    return {name: {"value": values[name], "from": found[name]} for name in sorted(values)}
