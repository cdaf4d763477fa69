"""How a user has bent a workflow to the moment: variables, scale, places, and what is left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.plan import Plan
from salt_o2.core.tree import RoleTree


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What an environment is asked to be, beside its templates."""

    vars: dict[str, str] = field(default_factory=dict)
    scale: dict[str, int] = field(default_factory=dict)
    """How many roles an iterator makes, by the beginning of their names."""
    move: dict[str, HostId] = field(default_factory=dict)
    """Which host the task of a role must be on, by the role's path."""
    exclude: dict[str, str] = field(default_factory=dict)
    """Paths of roles, and names of detectors, that stay out of the data flow; with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bend:
    """What is to become different."""

    vars: Mapping[str, str] = field(default_factory=dict)
    scale: Mapping[str, int] = field(default_factory=dict)
    move: Mapping[str, HostId] = field(default_factory=dict)
    exclude: Sequence[str] = ()
    include: Sequence[str] = ()
    reason: str = ""


def bent(shape: Shape, bend: Bend) -> Shape:
    """Return ``shape`` with ``bend``."""
    kept = {name: why for name, why in shape.exclude.items() if name not in bend.include}
    out = dict.fromkeys(bend.exclude, bend.reason or "excluded on request")
    return replace(
        shape,
        vars=shape.vars | dict(bend.vars),
        scale=shape.scale | dict(bend.scale),
        move=shape.move | dict(bend.move),
        exclude=kept | out,
    )


def excluded_tasks(shape: Shape, plan: Plan) -> tuple[dict[TaskId, str], list[str]]:
    """Return the tasks of ``plan`` that ``shape`` leaves out, and the names in it that nothing has."""
    tree = RoleTree(plan.root, {task.id: task.critical for task in plan.tasks})
    out: dict[TaskId, str] = {}
    unknown = []
    for name, why in shape.exclude.items():
        tasks = tree.under(name) or tree.of_detector(name)
        out |= dict.fromkeys(tasks, why)
        if not tasks:
            unknown.append(name)
    return out, unknown


def detectors(plan: Plan, out: Mapping[TaskId, str]) -> set[str]:
    """Return the detectors that take part in ``plan`` when the tasks of ``out`` do not."""
    tree = RoleTree(plan.root, {task.id: task.critical for task in plan.tasks})
    return {tree.role_of(task.id).detector for task in plan.tasks if task.id not in out} - {""}
