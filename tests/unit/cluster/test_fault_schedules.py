"""Schedules of faults: the same for the same seed, and never more than what a system must survive."""

from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.cluster.faults import LONGEST_S, WITHIN_S, Action, Fault, Kind, Part, rounds

TASKS = [Part(Kind.TASK, f"root.task{n}") for n in range(3)]
LINKS = [Part(Kind.LINK, "flp1"), Part(Kind.LINK, "flp2"), Part(Kind.LINK, "master")]
PARTS = [*TASKS, Part(Kind.AGENT, "flp1"), Part(Kind.MINION, "flp1"), Part(Kind.CONTROL), Part(Kind.MASTER)]
SILENT_S = 12.5


def first(count, seed=7, parts=PARTS, **more):
    return list(islice(rounds(seed, parts, **more), count))


def test_the_same_seed_draws_the_same_faults():
    assert first(50) == first(50)


def test_the_order_in_which_parts_are_named_changes_nothing():
    assert first(50, parts=PARTS[::-1]) == first(50)


def test_another_seed_draws_others():
    assert first(20, seed=8) != first(20)


def test_everything_is_hit_sooner_or_later():
    assert {fault.part for faults in first(300) for fault in faults} == set(PARTS)


def test_everything_that_can_be_done_is_done():
    drawn = first(300, parts=PARTS + LINKS, silent_s=SILENT_S)
    assert {fault.action for faults in drawn for fault in faults} == set(Action)


def test_where_there_are_no_links_none_is_broken():
    drawn = {fault.action for faults in first(300, silent_s=SILENT_S) for fault in faults}
    assert drawn == {Action.KILL, Action.STOP, Action.SLOW}


@given(st.integers())
def test_who_is_isolated_is_so_for_longer_than_it_may_be_silent_and_alone(seed):
    for faults in first(50, seed, PARTS + LINKS, silent_s=SILENT_S):
        isolated = [fault for fault in faults if fault.action is Action.ISOLATE]
        assert len(faults) == 1 or not isolated
        assert all(fault.lasts > SILENT_S and fault.part.name != "master" for fault in isolated)
        assert all(0 < fault.lasts <= LONGEST_S for fault in faults if fault.part in LINKS and not isolated)


def test_without_a_bound_nobody_is_isolated():
    drawn = [fault for faults in first(300, parts=PARTS + LINKS) for fault in faults]
    assert Action.ISOLATE not in {fault.action for fault in drawn}
    assert {fault.part for fault in drawn} >= set(LINKS)


@given(st.integers())
def test_rounds_are_short_and_hit_each_part_once(seed):
    for faults in first(30, seed):
        assert faults
        assert len({fault.part for fault in faults}) == len(faults)
        assert [fault.at for fault in faults] == sorted(fault.at for fault in faults)
        for fault in faults:
            assert 0 <= fault.at <= WITHIN_S
            assert 0 <= fault.lasts <= LONGEST_S
            assert (fault.lasts == 0) == (fault.action is Action.KILL)


@given(st.integers(), st.integers(0, 4))
def test_no_task_is_killed_more_often_than_its_budget_allows(seed, most):
    kills = Counter(
        fault.part
        for faults in first(200, seed, most_kills=most)
        for fault in faults
        if fault.part.kind is Kind.TASK and fault.action is Action.KILL
    )
    assert all(count <= most for count in kills.values())


def test_only_what_is_there_is_hit():
    assert {fault.part for faults in first(50, parts=TASKS) for fault in faults} == set(TASKS)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(0.5, Action.KILL, Part(Kind.TASK, "root.sink")), "kill task root.sink at 0.5 s"),
        (Fault(0.0, Action.STOP, Part(Kind.CONTROL), 2.0), "stop control for 2 s at 0 s"),
        (Fault(0.0, Action.LOSE, Part(Kind.LINK, "flp1"), 3.0), "lose some of link flp1 for 3 s at 0 s"),
    ],
    ids=["kill", "stop", "lose"],
)
def test_a_fault_says_what_it_does(fault, said):
    assert str(fault) == said
