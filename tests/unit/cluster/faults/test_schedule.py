"""Schedules of faults: the same for the same seed, and never more than what a system must survive."""

from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.cluster.faults.schedule import (
    AT_ONCE,
    LASTING,
    LONGEST_S,
    WEIGHTS,
    WITHIN_S,
    Action,
    Bounds,
    Fault,
    Kind,
    Part,
    rounds,
)

TASKS = [Part(Kind.TASK, f"root.task{n}") for n in range(3)]
LINKS = [Part(Kind.LINK, "flp1"), Part(Kind.LINK, "flp2"), Part(Kind.LINK, "master")]
PROGRAMS = [Part(Kind.PROGRAM, "root.monitor"), Part(Kind.PROGRAM, "root.recorder")]
RECORDS = [Part(Kind.RECORD, part.name) for part in (*TASKS, *PROGRAMS)]
HOSTS = [Part(Kind.HOST, "flp1"), Part(Kind.HOST, "flp2")]
DAEMONS = [Part(Kind.AGENT, "flp1"), Part(Kind.MINION, "flp1"), Part(Kind.CONTROL), Part(Kind.MASTER)]
PARTS = [*TASKS, *PROGRAMS, *RECORDS, *HOSTS, *DAEMONS]
SILENT_S = 12.5
SEVERE = (Action.ISOLATE, Action.REBOOT)


def first(count, seed=7, parts=PARTS, **bounds):
    return list(islice(rounds(seed, parts, Bounds(**bounds)), count))


def test_the_same_seed_draws_the_same_faults():
    assert first(50) == first(50)


def test_the_order_in_which_parts_are_named_changes_nothing():
    assert first(50, parts=PARTS[::-1]) == first(50)


def test_another_seed_draws_other_faults():
    assert first(20, seed=8) != first(20)


def test_every_component_is_drawn_in_enough_rounds():
    assert {fault.part for faults in first(300) for fault in faults} == set(PARTS)


def ways(drawn):
    return {(fault.part.kind, fault.action) for faults in drawn for fault in faults}


def test_every_fault_that_is_possible_is_drawn():
    assert ways(first(500, parts=PARTS + LINKS, silent_s=SILENT_S)) == set(WEIGHTS)


@given(st.integers())
def test_every_fault_is_drawn_once_before_most_are_drawn_twice(seed):
    """Bounds turn some faults into others, and postpone some to a later round."""
    drawn = (fault for faults in rounds(seed, PARTS + LINKS, Bounds(silent_s=SILENT_S)) for fault in faults)
    assert len(set(WEIGHTS) - ways([islice(drawn, len(WEIGHTS) + 7)])) <= 5


@given(st.integers())
def test_frequent_faults_are_drawn_more_often_than_rare_faults(seed):
    counts = Counter(
        (fault.part.kind, fault.action)
        for faults in first(400, seed, PARTS + LINKS, silent_s=SILENT_S, most_kills=10_000)
        for fault in faults
    )
    often, seldom = counts[Kind.TASK, Action.KILL], counts[Kind.MASTER, Action.KILL]
    assert often > 2 * seldom > 0


def test_an_impossible_fault_is_not_drawn():
    impossible = [(Kind.HOST, Action.REBOOT), (Kind.TASK, Action.REUSE_PID)]
    drawn = {
        (fault.part.kind, fault.action) for faults in first(500, impossible=impossible) for fault in faults
    }
    assert drawn == {way for way in WEIGHTS if way[0] is not Kind.LINK} - set(impossible)


def test_no_link_fault_is_drawn_without_links():
    drawn = {fault.part.kind for faults in first(300, silent_s=SILENT_S) for fault in faults}
    assert drawn == set(Kind) - {Kind.LINK}


@given(st.integers())
def test_an_isolation_and_a_reboot_are_alone_in_their_rounds(seed):
    for faults in first(100, seed, PARTS + LINKS, silent_s=SILENT_S):
        assert len(faults) == 1 or not any(fault.action in SEVERE for fault in faults)
        for fault in faults:
            isolated = fault.action is Action.ISOLATE
            assert not isolated or (fault.lasts > SILENT_S and fault.part.name != "master")
            assert isolated or fault.part not in LINKS or 0 < fault.lasts <= LONGEST_S


@given(st.integers())
def test_no_link_is_broken_while_a_key_is_refused(seed):
    """Control takes the host for lost then, and is right."""
    for faults in first(100, seed, PARTS + LINKS, silent_s=SILENT_S):
        refused = any(fault.action is Action.REFUSE_KEY for fault in faults)
        assert not (refused and any(fault.part in LINKS for fault in faults))


@given(st.integers())
def test_the_minion_of_a_host_runs_while_it_is_cloned(seed):
    """Control takes a clone for the host where the original does not run."""
    for faults in first(100, seed, PARTS + LINKS, silent_s=SILENT_S):
        cloned = {fault.part.name for fault in faults if fault.action is Action.CLONE}
        hit = {fault.part.name for fault in faults if fault.part.kind is Kind.MINION}
        assert not cloned & hit


def test_without_a_bound_no_host_is_isolated():
    drawn = [fault for faults in first(300, parts=PARTS + LINKS) for fault in faults]
    assert Action.ISOLATE not in {fault.action for fault in drawn}
    assert {fault.part for fault in drawn} >= set(LINKS)


def test_stops_are_shorter_where_hosts_are_lost_sooner():
    drawn = [fault for faults in first(300, silent_s=4.0) for fault in faults]
    assert max(fault.lasts for fault in drawn if fault.action not in LASTING) <= 2.0


@given(st.integers())
def test_rounds_hit_each_victim_once_and_are_short_unless_one_fault_lasts(seed):
    for faults in first(50, seed):
        assert faults
        assert len({fault.part.victim for fault in faults}) == len(faults)
        assert [fault.at for fault in faults] == sorted(fault.at for fault in faults)
        span_s = max((fault.lasts for fault in faults if fault.action in LASTING), default=0.0)
        for fault in faults:
            assert 0 <= fault.at <= max(WITHIN_S, span_s)
            assert (fault.lasts == 0) == (fault.action in (*AT_ONCE, Action.REBOOT, Action.STEAL_PORTS))
            shortest, longest = LASTING.get(fault.action, (0.0, LONGEST_S))
            assert shortest <= fault.lasts <= longest


def test_a_record_is_not_damaged_in_the_round_in_which_its_task_is_hit():
    assert Part(Kind.RECORD, "root.task1").victim == Part(Kind.TASK, "root.task1").victim
    assert Part(Kind.HOST, "flp1").victim != Part(Kind.AGENT, "flp1").victim


@given(st.integers(), st.integers(0, 4))
def test_no_task_is_ended_much_more_often_than_its_budget_allows(seed, most):
    """The last round in which the bound is reached may hit it in more than one way."""
    ended = Counter(
        fault.part.name
        for faults in first(200, seed, most_kills=most)
        for fault in faults
        if fault.ends_its_task
    )
    assert all(count <= most for count in ended.values())


def test_only_existing_components_are_drawn():
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
def test_the_text_of_a_fault_names_action_and_component(fault, said):
    assert str(fault) == said
