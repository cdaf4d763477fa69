"""What an agent takes for the newest order of each task, from task files and from commands that were left."""

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.agent.storage.command_journal import CommandJournal, catch_up
from salt_o2.agent.storage.task_record import TaskRecord
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages.commands import Command, Order
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode, TaskState

LAUNCH = Launch(mode=ControlMode.BASIC, value="sleep 1")


def command(revision, *tasks, goal=TaskState.RUNNING, launch=None):
    return Command(
        host=HostId("flp1"),
        environment=EnvironmentId("E"),
        revision=revision,
        goal=goal,
        orders=tuple(Order(task=TaskId(task), launch=launch) for task in tasks),
    )


def record(task, revision, goal=TaskState.STANDBY):
    return TaskRecord(task=TaskId(task), environment=EnvironmentId("E"), revision=revision, goal=goal)


@pytest.fixture
def orders(tmp_path):
    return CommandJournal(tmp_path / "orders")


def test_a_command_is_read_back_unchanged(orders):
    first, second = command(1, "a", launch=LAUNCH), command(2, "a", "b")
    orders.append(second)
    orders.append(first)
    assert orders.remaining() == [first, second]


def test_other_accounts_cannot_read_the_journal(orders, tmp_path):
    orders.append(command(1, "a"))
    (file,) = (tmp_path / "orders").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_command_is_removed_when_the_last_of_its_tasks_shows_its_revision(orders):
    kept = orders.append(command(1, "a", "b"))
    kept.shown(TaskId("a"))
    assert len(orders.remaining()) == 1
    kept.shown(TaskId("b"))
    assert orders.remaining() == []
    kept.shown(TaskId("b"))


def test_a_removed_folder_is_made_again(orders, tmp_path):
    (tmp_path / "orders").rmdir()
    orders.append(command(1, "a"))
    assert len(orders.remaining()) == 1


def test_half_a_command_is_none(orders, tmp_path, caplog):
    (tmp_path / "orders" / "E@3.json").write_text('{"host": "fl')
    assert orders.remaining() == []
    assert "control will send it again" in caplog.text


def test_the_newest_order_counts():
    caught = catch_up([record("a", 5)], [command(4, "a"), command(6, "a"), command(7, "b")], {})
    assert (caught["a"].revision, caught["a"].goal, caught["a"].settled) == (6, TaskState.RUNNING, False)
    assert "b" not in caught  # No order says how to start it.


@pytest.mark.parametrize(
    ("goal", "ended", "begins"),
    [(TaskState.STANDBY, -1, True), (TaskState.STANDBY, 3, False), (TaskState.DONE, -1, False)],
    ids=["new", "ended-since", "to-be-ended"],
)
def test_a_task_without_a_file_begins_if_it_has_not_ended(goal, ended, begins):
    caught = catch_up([], [command(3, "a", goal=goal, launch=LAUNCH)], {TaskId("a"): ended})
    assert ("a" in caught) is begins


@given(
    st.dictionaries(st.sampled_from("abc"), st.integers(0, 9)),
    st.lists(st.tuples(st.integers(0, 9), st.sets(st.sampled_from("abc"), min_size=1)), max_size=5),
)
def test_no_task_returns_to_an_older_order(known, sent):
    commands = sorted(
        (command(revision, *sorted(tasks)) for revision, tasks in sent), key=lambda c: c.revision
    )
    caught = catch_up([record(task, revision) for task, revision in known.items()], commands, {})
    for task, revision in known.items():
        newest = max([revision, *(number for number, tasks in sent if task in tasks)])
        assert caught[TaskId(task)].revision == newest
