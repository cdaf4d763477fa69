"""Define the overrides of a workflow by a user: variables, scale, placement, and exclusions.

Overrides outlast the roles that they name: an override of a role that scaling removes is stored without
effect, and applies again when the role is back. Only names in the request itself must exist.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.plan.plan import Plan, PlannedRole
from salt_o2.core.similar_names import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What a user requests of an environment, beyond its templates."""

    vars: dict[str, str] = field(default_factory=dict)
    scale: dict[str, int] = field(default_factory=dict)
    """Number of roles of an iterator, by the fixed beginning of their names."""
    move: dict[str, HostId] = field(default_factory=dict)
    """The host on which the task of a role must run, by the role's path."""
    exclude: dict[str, str] = field(default_factory=dict)
    """Paths of roles, and names of detectors, to keep out of the data flow; with the reason."""
    allow_all_excluded: bool = False
    """Whether the user who requested these overrides agreed that no task, or no critical one, takes part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverridesPatch:
    """A change of the overrides."""

    vars: Mapping[str, str] = field(default_factory=dict)
    scale: Mapping[str, int] = field(default_factory=dict)
    move: Mapping[str, HostId] = field(default_factory=dict)
    exclude: Sequence[str] = ()
    include: Sequence[str] = ()
    reason: str = ""
    allow_all_excluded: bool = False

    @property
    def named(self) -> frozenset[str]:
        """The names of roles, iterators, detectors and variables that must exist."""
        return frozenset({*self.vars, *self.scale, *self.move, *self.exclude})


def apply_patch(overrides: Overrides, patch: OverridesPatch, plan: Plan | None = None) -> Overrides:
    """Return ``overrides`` with ``patch`` applied; ``plan`` is the plan made with them, if there is one.

    Raises:
        InvalidRequestError: if ``patch`` contradicts itself, or includes what does not exist, or only a
            part of what was excluded as a whole.
    """
    _check_once(patch)
    still_excluded = _included(overrides.exclude, patch, plan)
    excluded = dict.fromkeys(patch.exclude, patch.reason or "excluded on request")
    return replace(
        overrides,
        vars=overrides.vars | dict(patch.vars),
        scale=overrides.scale | dict(patch.scale),
        move=overrides.move | dict(patch.move),
        exclude=still_excluded | excluded,
        allow_all_excluded=patch.allow_all_excluded,
    )


def variable_text(value: Any) -> str:
    """Return the text of a variable for ``value``, as YAML, a request or a pillar gives it.

    ``None`` is empty text, a boolean is ``true`` or ``false``, a list or mapping is JSON.
    """
    if value is None:
        return ""
    if isinstance(value, bool | list | tuple | Mapping):
        # JSON cannot write some keys, nor circular references.
        with suppress(TypeError, ValueError, RecursionError):
            return json.dumps(value, default=str)
    return str(value)


def variable_texts(values: Mapping[Any, Any]) -> dict[str, str]:
    """Return ``values`` with the text of each, see ``variable_text``."""
    return {str(name): variable_text(value) for name, value in values.items()}


def excluded_tasks(overrides: Overrides, plan: Plan) -> tuple[dict[TaskId, str], list[str]]:
    """Return the tasks of ``plan`` that ``overrides`` excludes, and the names in it that match nothing."""
    found = tasks_named(plan, overrides.exclude)
    out: dict[TaskId, str] = {}
    for name, why in overrides.exclude.items():
        out |= dict.fromkeys(found[name], why)
    return out, [name for name, tasks in found.items() if not tasks]


def detectors_of(plan: Plan) -> dict[TaskId, str]:
    """Return the detector of each task that belongs to one. O(tasks * depth)."""
    return {task: detector for task, _, detector in _leaves(plan.root) if detector}


def active_detectors(plan: Plan, out: Collection[TaskId]) -> set[str]:
    """Return the detectors that take part in ``plan`` when the tasks of ``out`` do not."""
    return {detector for task, _, detector in _leaves(plan.root) if task not in out} - {""}


def tasks_named(plan: Plan, names: Iterable[str]) -> dict[str, list[TaskId]]:
    """Return the tasks below each role or, if no role has the name, of each detector in ``names``.

    One traversal of the tree: O(tasks * depth), for any number of names.
    """
    roles: dict[str, list[TaskId]] = {name: [] for name in names}
    of_detector: dict[str, list[TaskId]] = {name: [] for name in roles}
    for task, paths, detector in _leaves(plan.root):
        for path in paths:
            if path in roles:
                roles[path].append(task)
        if detector in of_detector:
            of_detector[detector].append(task)
    return {name: tasks or of_detector[name] for name, tasks in roles.items()}


def names_in(plan: Plan) -> list[str]:
    """Return the paths of all roles of ``plan`` and its detectors, for advice."""
    found: dict[str, None] = {}
    for _, paths, detector in _leaves(plan.root):
        found |= dict.fromkeys(paths)
        found |= {detector: None} if detector else {}
    return list(found)


def check_takes_part(plan: Plan, overrides: Overrides, out: Collection[TaskId]) -> None:
    """Refuse a run in which no task, or no critical task, takes part: it would measure nothing.

    Raises:
        InvalidRequestError: if all tasks of ``plan`` are in ``out``, or all critical ones, and ``overrides``
            do not allow it.
    """
    tasks = [task for task in plan.tasks if not task.trigger]
    critical = [task for task in tasks if task.critical]
    active = [task for task in critical or tasks if task.id not in out]
    if active or not tasks or overrides.allow_all_excluded:
        return
    which, count = ("critical task", len(critical)) if critical else ("task", len(tasks))
    raise InvalidRequestError(
        f"workflow {plan.workflow}: no {which} would take part: {count} of {count} are excluded or lost. "
        "A run without them takes no data and does not stop automatically. Include a role, recover a lost "
        "task, or give allow_all_excluded (--allow-all-excluded)"
    )


def _check_once(patch: OverridesPatch) -> None:
    for option, names in (("exclude", patch.exclude), ("include", patch.include)):
        twice = sorted(name for name, times in Counter(names).items() if times > 1)
        if twice:
            raise InvalidRequestError(f"{option} has {', '.join(twice)} twice: give each role once")


def _included(exclude: Mapping[str, str], patch: OverridesPatch, plan: Plan | None) -> dict[str, str]:
    """Return what remains of ``exclude`` without the names that ``patch`` includes."""
    names = {*exclude, *patch.exclude, *patch.include}
    found = tasks_named(plan, names) if plan else {name: [] for name in names}
    _check_apart(patch, found)
    for name in patch.include:
        if not found[name] and name not in exclude:
            advice = did_you_mean(name, names_in(plan) if plan else ())
            raise InvalidRequestError(
                f"nothing to include: there is neither a role nor a detector {name}{advice}"
            )
    wanted = {task for name in patch.include for task in found[name]}
    remaining = {}
    for name, why in exclude.items():
        part = wanted.intersection(found[name])
        if name in patch.include or (part and len(part) == len(found[name])):
            continue
        _check_whole(name, part, patch.include)
        remaining[name] = why
    return remaining


def _check_apart(patch: OverridesPatch, found: Mapping[str, Sequence[TaskId]]) -> None:
    """Refuse to exclude and to include the same task in one request."""
    included = {task: name for name in patch.include for task in found[name]}
    for name in patch.exclude:
        other = (
            name if name in patch.include else next((included[t] for t in found[name] if t in included), "")
        )
        if other:
            raise InvalidRequestError(f"{name} is excluded and {other} included: give only one of them")


def _check_whole(name: str, part: Collection[TaskId], include: Sequence[str]) -> None:
    """Refuse to include a part of what stays excluded as a whole: it would have no effect."""
    if part:
        raise InvalidRequestError(
            f"{', '.join(include)} cannot be included while {name} is excluded as a whole: "
            f"include {name}, and exclude the other roles"
        )


def _leaves(
    role: PlannedRole, above: tuple[str, ...] = (), detector: str = ""
) -> Iterator[tuple[TaskId, tuple[str, ...], str]]:
    """Return each task with the paths of its role and of all roles above it, and with its detector."""
    paths, detector = (*above, role.path), role.detector or detector
    if role.task is not None:
        yield role.task, paths, detector
    for child in role.roles:
        yield from _leaves(child, paths, detector)
