"""The tree of roles: each role counts its children by state, so an update of one task costs O(depth).

A role has the combined state of its children that count: critical tasks that are not excluded, and roles
that have such tasks below them. Children in ERROR do not count while the role tolerates that many.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from salt_o2.core.ids import TaskId
from salt_o2.core.plan.plan import PlannedRole
from salt_o2.core.states import TaskState, TaskStatus, combined, combined_status


@dataclass(slots=True)
class RoleNode:
    """One node; a leaf holds a task."""

    name: str
    path: str
    parent: "RoleNode | None" = None
    roles: list["RoleNode"] = field(default_factory=list)
    task: TaskId | None = None
    tolerate: int = 0
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
    role: RoleNode
    critical: bool
    state: TaskState = TaskState.UNKNOWN
    status: TaskStatus = TaskStatus.INACTIVE
    excluded: bool = False

    @property
    def counts(self) -> bool:
        return self.critical and not self.excluded


class RoleTree:
    """The roles of one environment, kept up to date by ``update_task`` and ``exclude_task``."""

    def __init__(self, root: PlannedRole, critical: dict[TaskId, bool]) -> None:
        """Build the tree under ``root``; ``critical`` says of each task whether it counts."""
        self._leaves: dict[TaskId, _Leaf] = {}
        self._critical = critical
        self.tasks: Counter[TaskState] = Counter()
        """How many tasks are in each state, whether they count or not."""
        self.root = self._build(root, None)

    def update_task(self, task: TaskId, state: TaskState, status: TaskStatus) -> None:
        """Set the ``state`` and ``status`` of ``task``. O(depth)."""
        leaf = self._leaves[task]
        self.tasks[leaf.state] -= 1
        self.tasks[state] += 1
        if leaf.counts:
            _shift(leaf.role, leaf.state, state)
            _shift_status(leaf.role, leaf.status, status)
        leaf.state, leaf.status = state, status

    def exclude_task(self, task: TaskId, excluded: bool = True) -> None:
        """Let ``task`` not count, or count again. O(depth)."""
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

    def task_state(self, task: TaskId) -> TaskState:
        """Return the state that ``task`` was last updated to."""
        return self._leaves[task].state

    def excluded_tasks(self) -> set[TaskId]:
        """Return the tasks that do not count. O(tasks)."""
        return {task for task, leaf in self._leaves.items() if leaf.excluded}

    def as_dict(self, role: RoleNode | None = None) -> dict[str, Any]:
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

    def check_invariants(self) -> None:
        """Raise AssertionError if a role's counts are not those of its children; for tests. O(roles)."""
        assert +self.tasks == Counter(leaf.state for leaf in self._leaves.values()), "every task counts once"
        for role in _walk(self.root):
            states, statuses = self._counts_below(role)
            assert +role.states == states, f"role {role.path} counts the states of its children"
            assert +role.statuses == statuses, f"role {role.path} counts the statuses of its tasks"

    def _counts_below(self, role: RoleNode) -> tuple[Counter[TaskState], Counter[TaskStatus]]:
        if role.task is not None:
            own = [leaf for leaf in (self._leaves[role.task],) if leaf.counts]
            return Counter(leaf.state for leaf in own), Counter(leaf.status for leaf in own)
        states = Counter(child.state for child in role.roles if child.state is not None)
        below = (self._leaves[task] for task in _tasks(role))
        return states, Counter(leaf.status for leaf in below if leaf.counts)

    def _build(self, planned: PlannedRole, parent: RoleNode | None) -> RoleNode:
        role = RoleNode(
            planned.name,
            planned.path,
            parent,
            task=planned.task,
            tolerate=planned.tolerate,
        )
        role.roles = [self._build(child, role) for child in planned.roles]
        if planned.task is not None:
            self._add_leaf(planned.task, role)
        return role

    def _add_leaf(self, task: TaskId, role: RoleNode) -> None:
        leaf = self._leaves[task] = _Leaf(role, self._critical[task])
        self.tasks[leaf.state] += 1
        if leaf.counts:
            _shift(role, None, leaf.state)
            _shift_status(role, None, leaf.status)


def _shift(role: RoleNode, old: TaskState | None, new: TaskState | None) -> None:
    """Count ``new`` instead of ``old`` in ``role``, and above it as far as that changes a state."""
    node: RoleNode | None = role
    while node is not None and old is not new:
        before = node.state
        if old is not None:
            node.states[old] -= 1
        if new is not None:
            node.states[new] += 1
        old, new, node = before, node.state, node.parent


def _shift_status(role: RoleNode, old: TaskStatus | None, new: TaskStatus | None) -> None:
    node: RoleNode | None = role if old is not new else None
    while node is not None:
        if old is not None:
            node.statuses[old] -= 1
        if new is not None:
            node.statuses[new] += 1
        node = node.parent


def _walk(role: RoleNode) -> Iterator[RoleNode]:
    yield role
    for child in role.roles:
        yield from _walk(child)


def _tasks(role: RoleNode) -> list[TaskId]:
    return [each.task for each in _walk(role) if each.task]


def _all_excluded(leaves: dict[TaskId, _Leaf], role: RoleNode) -> bool:
    tasks = _tasks(role)
    return bool(tasks) and all(leaves[task].excluded for task in tasks)
