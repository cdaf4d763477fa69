"""Control notices every report that it missed."""

import pytest

from salt_o2.control.hosts import SILENT_AFTER, Hosts
from salt_o2.core.messages import HostFacts, Report, TaskReport
from salt_o2.core.states import TaskState, TaskStatus

FACTS = HostFacts(address="127.0.0.11", network="n", cpus=2, memory_mb=1000)
MOVED = (
    TaskReport(
        task="t",
        environment="e",
        revision=1,
        settled=True,
        status=TaskStatus.ACTIVE,
        state=TaskState.STANDBY,
    ),
)


def report(sequence, *, incarnation="first", facts=None, tasks=()):
    return Report(host="flp1", incarnation=incarnation, sequence=sequence, facts=facts, tasks=tasks)


@pytest.fixture
def hosts():
    """One host whose survey, number 5, has been heard at time 0."""
    hosts = Hosts(heartbeat_s=5.0)
    hosts.note(report(5, facts=FACTS), 0.0)
    return hosts


@pytest.mark.parametrize(
    ("next_report", "needs_survey"),
    [
        (report(6, tasks=MOVED), False),
        (report(7, tasks=MOVED), True),
        (report(5), False),
        (report(6), True),
        (report(1, incarnation="second", tasks=MOVED), True),
        (report(9, incarnation="second", facts=FACTS), False),
    ],
    ids=[
        "the next one",
        "one was lost",
        "a heartbeat",
        "a heartbeat after a lost one",
        "a restarted agent",
        "a survey of a restarted agent",
    ],
)
def test_a_survey_is_asked_for_exactly_when_something_was_missed(hosts, next_report, needs_survey):
    assert hosts.note(next_report, 1.0) is needs_survey


def test_an_unknown_host_must_tell_all_about_itself():
    assert Hosts(heartbeat_s=5.0).note(report(1, tasks=MOVED), 0.0)


def test_a_host_is_silent_only_after_several_heartbeats(hosts):
    assert hosts.silent(SILENT_AFTER * 5.0) == []
    assert hosts.silent(SILENT_AFTER * 5.0 + 1) == ["flp1"]


def test_a_heartbeat_ends_the_silence(hosts):
    hosts.note(report(5), 100.0)
    assert hosts.silent(101.0) == []


def test_time_in_which_control_did_not_listen_counts_against_nobody(hosts):
    hosts.forgive(60.0)
    assert hosts.silent(60.0 + SILENT_AFTER * 5.0) == []
