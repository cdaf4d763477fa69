"""The live tree of roles: each counts its critical tasks by state, so one task's move costs O(depth)."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from salt_o2.core.ids import TaskId
from salt_o2.core.plan import PlannedRole
from salt_o2.core.states import TaskState, TaskStatus, combined, combined_status


@dataclass(slots=True)
class Role:
    """One node; a leaf holds a task. Its state is the combination of its critical tasks' states."""

    name: str
    path: str
    parent: "Role | None" = None
    roles: list["Role"] = field(default_factory=list)
    task: TaskId | None = None
    states: Counter[TaskState] = field(default_factory=Counter)
    statuses: Counter[TaskStatus] = field(default_factory=Counter)

    @property
    def state(self) -> TaskState | None:
        """The combined state, or ``None`` without a critical task."""
        return combined(state for state, count in self.states.items() if count)

    @property
    def status(self) -> TaskStatus | None:
        """The combined status, or ``None`` without a critical task."""
        return combined_status(self.statuses)

    def as_dict(self) -> dict[str, Any]:
        """Return the role and all below it as the wire shows them."""
        return {
            "name": self.name,
            "path": self.path,
            "state": self.state,
            "status": self.status,
            "task": self.task,
            "roles": [role.as_dict() for role in self.roles],
        }


@dataclass(slots=True)
class _Leaf:
    role: Role
    critical: bool
    state: TaskState
    status: TaskStatus


class RoleTree:
    """The roles of one environment, kept up to date by ``move``."""

    def __init__(self, root: PlannedRole, critical: dict[TaskId, bool]) -> None:
        """Build the tree under ``root``; ``critical`` says of each task whether it counts."""
        self._leaves: dict[TaskId, _Leaf] = {}
        self._critical = critical
        self.root = self._build(root, None)

    def move(self, task: TaskId, state: TaskState, status: TaskStatus) -> None:
        """Let ``task`` have ``state`` and ``status`` from now on. O(depth)."""
        leaf = self._leaves[task]
        if leaf.critical:
            _shift(leaf, state, status)
        leaf.state, leaf.status = state, status

    def state_of(self, task: TaskId) -> TaskState:
        """Return the state that ``task`` was last moved to."""
        return self._leaves[task].state

    def role_of(self, task: TaskId) -> Role:
        """Return the leaf that holds ``task``."""
        return self._leaves[task].role

    def _build(self, planned: PlannedRole, parent: Role | None) -> Role:
        role = Role(planned.name, planned.path, parent, task=planned.task)
        role.roles = [self._build(child, role) for child in planned.roles]
        if planned.task is not None:
            self._plant(planned.task, role)
        return role

    def _plant(self, task: TaskId, role: Role) -> None:
        leaf = _Leaf(role, self._critical[task], TaskState.UNKNOWN, TaskStatus.INACTIVE)
        self._leaves[task] = leaf
        node: Role | None = role if leaf.critical else None
        while node is not None:
            node.states[leaf.state] += 1
            node.statuses[leaf.status] += 1
            node = node.parent


def _shift(leaf: _Leaf, state: TaskState, status: TaskStatus) -> None:
    node: Role | None = leaf.role
    while node is not None:
        if state is not leaf.state:
            node.states[leaf.state] -= 1
            node.states[state] += 1
        if status is not leaf.status:
            node.statuses[leaf.status] -= 1
            node.statuses[status] += 1
        node = node.parent
