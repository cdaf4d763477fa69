"""Roles count their tasks, and the counts always agree with the tasks."""

from hypothesis import given
from hypothesis import strategies as st

from salt_o2.core.plan import PlannedRole
from salt_o2.core.states import TaskState, TaskStatus, combined
from salt_o2.core.tree import RoleTree

LEAVES = {"left.a": "a", "left.b": "b", "right.c": "c", "right.d": "d"}
CRITICAL = {"a": True, "b": True, "c": True, "d": False}
MOVE = st.tuples(
    st.sampled_from("abcd"),
    st.sampled_from([state for state in TaskState if state is not TaskState.MIXED]),
    st.sampled_from([TaskStatus.ACTIVE, TaskStatus.INACTIVE]),
)


def tree():
    def leaf(path):
        return PlannedRole(name=path[-1], path=f"root.{path}", task=LEAVES[path])

    sides = tuple(
        PlannedRole(
            name=side, path=f"root.{side}", roles=tuple(leaf(p) for p in LEAVES if p.startswith(side))
        )
        for side in ("left", "right")
    )
    return RoleTree(PlannedRole(name="root", path="root", roles=sides), CRITICAL)


@given(st.lists(MOVE, max_size=40))
def test_every_role_has_the_state_of_its_critical_tasks_whatever_happens(moves):
    roles, now = tree(), dict.fromkeys("abcd", TaskState.UNKNOWN)
    for task, state, status in moves:
        roles.move(task, state, status)
        now[task] = state
    left, right = roles.root.roles
    assert left.state is combined([now["a"], now["b"]])
    assert right.state is now["c"]
    assert roles.root.state is combined([now["a"], now["b"], now["c"]])
    assert sum(roles.root.states.values()) == 3


def test_a_role_of_tasks_that_nobody_needs_has_no_state():
    root = PlannedRole(name="root", path="root", task="x")
    assert RoleTree(root, {"x": False}).root.state is None


def test_a_role_shows_its_children_with_their_states():
    roles = tree()
    roles.move("a", TaskState.RUNNING, TaskStatus.ACTIVE)
    shown = roles.root.as_dict()["roles"][0]
    assert (shown["path"], shown["state"], shown["roles"][0]["task"]) == ("root.left", TaskState.MIXED, "a")
