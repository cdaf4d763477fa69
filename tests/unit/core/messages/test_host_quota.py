"""One host has no more written than its quota, however it reports."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.core.messages.host_quota import HOUR_S, HostQuota, cost_of
from salt_o2.core.messages.reports import HostFacts, Report, TaskReport
from salt_o2.core.states import TaskState, TaskStatus

TASK = TaskReport(
    task="t",
    environment="e",
    revision=1,
    settled=True,
    status=TaskStatus.ACTIVE,
    state=TaskState.RUNNING,
    output=("x" * 1000,),
)


def report(**fields):
    return Report(host="flp1", incarnation="1", sequence=1, **fields)


def test_a_heartbeat_costs_nothing_and_all_else_at_least_its_text():
    assert cost_of(report()) == 0
    assert cost_of(report(tasks=(TASK,))) > 2_000
    assert cost_of(report(accepted={"e": 1, "f": 1})) >= 1_000
    assert cost_of(report(facts=HostFacts(address="a" * 5_000, network="", cpus=1, memory_mb=1))) > 10_000


@pytest.mark.finding("3.8")
@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(st.floats(-10, 60) | st.floats(0, 2 * HOUR_S), st.integers(0, 5_000) | st.just(5_000)),
        min_size=5,
    )
)
def test_admitted_messages_exceed_the_bound_by_one_message_at_most(messages):
    quota, at, highest, written = HostQuota(10_000.0, 10_000.0, 0.0), 0.0, 0.0, 0
    for step, cost in messages:
        at += step
        highest = max(highest, at)
        if quota.admits(cost, at):
            written += cost
        # A clock that is put back may give the same time twice, but never more than it went back by.
        back = sum(-each for each, _ in messages if each < 0)
        assert written <= 10_000 * (1 + (highest + back) / HOUR_S) + 5_000


def test_without_a_bound_all_is_admitted():
    quota = HostQuota(0.0, 0.0, 0.0)
    assert all(quota.admits(10**9, 0.0) for _ in range(10))


def test_refused_messages_are_counted_and_reported():
    quota = HostQuota(1_000_000.0, 0.0, 0.0)
    assert not quota.admits(1, 0.0)
    assert str(quota).startswith("1 message of this host was refused: it reports more than 1 MB in an hour")
    assert not quota.admits(1, 0.0)
    assert str(quota).startswith("2 messages")
