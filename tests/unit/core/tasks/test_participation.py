"""Each task of an environment has exactly one participation."""

import pytest

from salt_o2.core.tasks.participation import Participation, ParticipationTable


@pytest.fixture
def table():
    table = ParticipationTable()
    table.install(["a", "b", "c"], excluded={"b": "asked for"}, departing=["d"])
    return table


def test_a_plan_says_which_tasks_are_active_excluded_and_departing(table):
    assert [table[task] for task in "abcd"] == [
        Participation.ACTIVE,
        Participation.EXCLUDED,
        Participation.ACTIVE,
        Participation.DEPARTING,
    ]


def test_only_an_active_task_becomes_lost_and_active_again(table):
    for task in "abcd":
        table.mark_lost(task, "killed")
    assert table.lost == {"a": "killed", "c": "killed"}
    assert [table[task] for task in "bd"] == [Participation.EXCLUDED, Participation.DEPARTING]
    for task in "abcd":
        table.restore(task)
    assert [table[task] for task in "ac"] == [Participation.ACTIVE, Participation.ACTIVE]
    table.check_invariants()


def test_an_excluded_task_is_not_lost_any_more(table):
    table.mark_lost("a", "killed")
    table.exclude("a", "cannot join")
    assert (table["a"], table.lost) == (Participation.EXCLUDED, {})


def test_a_departing_task_cannot_be_excluded(table):
    table.exclude("d", "cannot join")
    assert table["d"] is Participation.DEPARTING


def test_a_new_plan_keeps_only_losses_of_its_own_tasks(table):
    table.mark_lost("a", "killed")
    table.mark_lost("c", "killed")
    table.install(["a", "b"], excluded={}, departing=["c"])
    assert (table.lost, table["c"]) == ({"a": "killed"}, Participation.DEPARTING)
    table.check_invariants()
