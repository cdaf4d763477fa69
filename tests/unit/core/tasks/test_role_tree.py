"""Roles count their children, and the counts always agree with the tasks."""

from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.core.plan.plan import PlannedRole
from salt_o2.core.states import TaskState, TaskStatus, combined
from salt_o2.core.tasks.role_tree import RoleTree

LEAVES = {"left.a": "a", "left.b": "b", "right.c": "c", "right.d": "d"}
CRITICAL = {"a": True, "b": True, "c": True, "d": False}
STATES = [state for state in TaskState if state is not TaskState.MIXED]
TASK = st.sampled_from("abcd")
MOVE = st.tuples(TASK, st.sampled_from(STATES), st.sampled_from([TaskStatus.ACTIVE, TaskStatus.INACTIVE]))
EXCLUDE = st.tuples(TASK, st.booleans())


def tree(tolerate=0):
    def leaf(path):
        return PlannedRole(name=path[-1], path=f"root.{path}", task=LEAVES[path])

    def side(name):
        leaves = tuple(leaf(path) for path in LEAVES if path.startswith(name))
        return PlannedRole(name=name, path=f"root.{name}", roles=leaves, tolerate=tolerate)

    sides = (side("left"), side("right"))
    return RoleTree(PlannedRole(name="root", path="root", roles=sides), CRITICAL)


@settings(max_examples=300)
@given(st.lists(MOVE | EXCLUDE, max_size=40))
def test_every_role_has_the_state_of_its_tasks_that_count_whatever_happens(happenings):
    roles, now, excluded = tree(), dict.fromkeys("abcd", TaskState.UNKNOWN), dict.fromkeys("abcd", False)
    for task, *what in happenings:
        if len(what) == 2:
            roles.update_task(task, *what)
            now[task] = what[0]
        else:
            roles.exclude_task(task, what[0])
            excluded[task] = what[0]

    def expected(tasks):
        return combined(now[task] for task in tasks if CRITICAL[task] and not excluded[task])

    left, right = roles.root.roles
    assert left.state is expected("ab")
    assert right.state is expected("cd")
    assert roles.root.state is expected("abcd")
    assert sum(roles.root.statuses.values()) == sum(CRITICAL[t] and not excluded[t] for t in "abcd")
    assert sum(roles.tasks.values()) == 4
    roles.check_invariants()


def moved(roles, **states):
    for task, state in states.items():
        roles.update_task(task, state, TaskStatus.ACTIVE)
    return roles


def test_a_role_keeps_its_state_up_to_its_tolerated_losses():
    roles = moved(tree(tolerate=1), a=TaskState.ERROR, b=TaskState.RUNNING, c=TaskState.RUNNING)
    left = roles.root.roles[0]
    assert (left.state, left.losses, roles.root.state) == (TaskState.RUNNING, 1, TaskState.RUNNING)


def test_a_loss_above_the_tolerated_number_is_an_error():
    roles = moved(tree(tolerate=1), a=TaskState.ERROR, b=TaskState.ERROR, c=TaskState.RUNNING)
    assert roles.root.state is TaskState.ERROR


def test_a_tolerated_loss_ends_when_the_task_returns():
    roles = moved(tree(tolerate=1), a=TaskState.ERROR, b=TaskState.RUNNING, c=TaskState.RUNNING)
    assert moved(roles, a=TaskState.CONFIGURED).root.state is TaskState.MIXED
    assert moved(roles, a=TaskState.RUNNING).root.state is TaskState.RUNNING


def test_a_role_without_critical_tasks_has_no_state():
    root = PlannedRole(name="root", path="root", task="x")
    assert RoleTree(root, {"x": False}).root.state is None


def test_a_role_shows_its_children_with_their_states():
    roles = moved(tree(), a=TaskState.RUNNING)
    shown = roles.as_dict()["roles"][0]
    assert (shown["path"], shown["state"], shown["roles"][0]["task"]) == ("root.left", TaskState.MIXED, "a")


def test_an_excluded_task_is_shown_with_its_own_state():
    roles = moved(tree(), a=TaskState.RUNNING, b=TaskState.STANDBY)
    roles.exclude_task("b")
    left = roles.as_dict()["roles"][0]
    assert (left["state"], left["excluded"]) == (TaskState.RUNNING, False)
    assert (left["roles"][1]["state"], left["roles"][1]["excluded"]) == (TaskState.STANDBY, True)
