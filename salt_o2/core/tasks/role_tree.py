"""The live tree of roles: each counts its children by state, so one task's move costs O(depth).

A role has the combined state of its children that count: critical tasks that are not excluded, and roles
that have such below them. Children in ERROR do not count as long as they are no more than it tolerates.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from salt_o2.core.ids import TaskId
from salt_o2.core.plan.plan import PlannedRole
from salt_o2.core.states import TaskState, TaskStatus, combined, combined_status


@dataclass(slots=True)
class Role:
    """One node; a leaf holds a task."""

    name: str
    path: str
    parent: "Role | None" = None
    roles: list["Role"] = field(default_factory=list)
    task: TaskId | None = None
    tolerate: int = 0
    detector: str = ""
    states: Counter[TaskState] = field(default_factory=Counter)
    """How many children that count are in each state."""
    statuses: Counter[TaskStatus] = field(default_factory=Counter)
    """How many tasks below that count have each status."""

    @property
    def state(self) -> TaskState | None:
        """The combined state, or ``None`` if nothing below counts."""
        present = [state for state, count in self.states.items() if count]
        if 0 < self.states[TaskState.ERROR] <= self.tolerate and len(present) > 1:
            present.remove(TaskState.ERROR)
        return combined(present)

    @property
    def status(self) -> TaskStatus | None:
        """The combined status, or ``None`` if nothing below counts."""
        return combined_status(self.statuses)

    @property
    def losses(self) -> int:
        """How many children are in ERROR."""
        return self.states[TaskState.ERROR]


@dataclass(slots=True)
class _Leaf:
    role: Role
    critical: bool
    state: TaskState = TaskState.UNKNOWN
    status: TaskStatus = TaskStatus.INACTIVE
    excluded: bool = False

    @property
    def counts(self) -> bool:
        return self.critical and not self.excluded


class RoleTree:
    """The roles of one environment, kept up to date by ``move`` and ``exclude``."""

    def __init__(self, root: PlannedRole, critical: dict[TaskId, bool]) -> None:
        """Build the tree under ``root``; ``critical`` says of each task whether it counts."""
        self._leaves: dict[TaskId, _Leaf] = {}
        self._critical = critical
        self.tasks: Counter[TaskState] = Counter()
        """How many tasks are in each state, whether they count or not."""
        self.root = self._build(root, None)

    def move(self, task: TaskId, state: TaskState, status: TaskStatus) -> None:
        """Let ``task`` have ``state`` and ``status`` from now on. O(depth)."""
        leaf = self._leaves[task]
        self.tasks[leaf.state] -= 1
        self.tasks[state] += 1
        if leaf.counts:
            _shift(leaf.role, leaf.state, state)
            _shift_status(leaf.role, leaf.status, status)
        leaf.state, leaf.status = state, status

    def exclude(self, task: TaskId, excluded: bool = True) -> None:
        """Let ``task`` count no longer, or again. O(depth)."""
        leaf = self._leaves[task]
        if leaf.excluded == excluded:
            return
        before = leaf.counts
        leaf.excluded = excluded
        if before:
            _shift(leaf.role, leaf.state, None)
            _shift_status(leaf.role, leaf.status, None)
        elif leaf.counts:
            _shift(leaf.role, None, leaf.state)
            _shift_status(leaf.role, None, leaf.status)

    def state_of(self, task: TaskId) -> TaskState:
        """Return the state that ``task`` was last moved to."""
        return self._leaves[task].state

    def role_of(self, task: TaskId) -> Role:
        """Return the leaf that holds ``task``."""
        return self._leaves[task].role

    def under(self, path: str) -> list[TaskId]:
        """Return the tasks of the role at ``path`` and of all roles below it."""
        return [task for role in _walk(self.root) if role.path == path for task in _tasks(role)]

    def of_detector(self, detector: str) -> list[TaskId]:
        """Return the tasks of all roles that belong to ``detector``."""
        return [role.task for role in _walk(self.root) if role.task and role.detector == detector]

    def as_dict(self, role: Role | None = None) -> dict[str, Any]:
        """Return ``role`` (the root, if left out) and all below it as the wire shows them."""
        role = role or self.root
        leaf = self._leaves[role.task] if role.task else None
        return {
            "name": role.name,
            "path": role.path,
            "state": leaf.state if leaf else role.state,
            "status": leaf.status if leaf else role.status,
            "task": role.task,
            "excluded": leaf.excluded if leaf else _all_excluded(self._leaves, role),
            "lost": role.losses,
            "tolerate": role.tolerate,
            "roles": [self.as_dict(child) for child in role.roles],
        }

    def _build(self, planned: PlannedRole, parent: Role | None) -> Role:
        detector = planned.detector or (parent.detector if parent else "")
        role = Role(
            planned.name,
            planned.path,
            parent,
            task=planned.task,
            tolerate=planned.tolerate,
            detector=detector,
        )
        role.roles = [self._build(child, role) for child in planned.roles]
        if planned.task is not None:
            self._plant(planned.task, role)
        return role

    def _plant(self, task: TaskId, role: Role) -> None:
        leaf = self._leaves[task] = _Leaf(role, self._critical[task])
        self.tasks[leaf.state] += 1
        if leaf.counts:
            _shift(role, None, leaf.state)
            _shift_status(role, None, leaf.status)


def _shift(role: Role, old: TaskState | None, new: TaskState | None) -> None:
    """Count ``new`` instead of ``old`` in ``role``, and above it as far as that changes a state."""
    node: Role | None = role
    while node is not None and old is not new:
        before = node.state
        if old is not None:
            node.states[old] -= 1
        if new is not None:
            node.states[new] += 1
        old, new, node = before, node.state, node.parent


def _shift_status(role: Role, old: TaskStatus | None, new: TaskStatus | None) -> None:
    node: Role | None = role if old is not new else None
    while node is not None:
        if old is not None:
            node.statuses[old] -= 1
        if new is not None:
            node.statuses[new] += 1
        node = node.parent


def _walk(role: Role) -> Iterator[Role]:
    yield role
    for child in role.roles:
        yield from _walk(child)


def _tasks(role: Role) -> list[TaskId]:
    return [each.task for each in _walk(role) if each.task]


def _all_excluded(leaves: dict[TaskId, _Leaf], role: Role) -> bool:
    tasks = _tasks(role)
    return bool(tasks) and all(leaves[task].excluded for task in tasks)
