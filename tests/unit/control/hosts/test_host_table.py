"""Control notices every report that it missed."""

import pytest

from salt_o2.control.hosts.host_table import HostTable
from salt_o2.core.messages.reports import HostFacts, Report, TaskReport
from salt_o2.core.recovery.host_liveness import PROBE_AFTER, SILENT_AFTER, HostStatus, LivenessAction
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
    hosts = HostTable(heartbeat_s=5.0)
    hosts.record_report(report(5, facts=FACTS), 0.0)
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
    assert hosts.record_report(next_report, 1.0) is needs_survey


def test_an_unknown_host_must_send_a_survey():
    assert HostTable(heartbeat_s=5.0).record_report(report(1, tasks=MOVED), 0.0)


def test_an_inquiry_that_was_lost_is_repeated_with_the_next_heartbeat(hosts):
    assert hosts.record_report(report(7, tasks=MOVED), 1.0)
    assert hosts.record_report(report(7), 6.0)
    assert not hosts.record_report(report(8, facts=FACTS), 6.1)
    assert not hosts.record_report(report(8), 11.0)


def test_a_burst_of_reports_causes_one_survey_request(hosts):
    assert hosts.record_report(report(7, tasks=MOVED), 1.0)
    assert not hosts.record_report(report(8, tasks=MOVED), 1.1)


def test_each_heartbeat_confirms_what_is_known(hosts):
    hosts.record_report(report(5), 5.0)
    assert hosts.known["flp1"].confirmed_at == 5.0


def test_nothing_is_confirmed_while_something_is_missing(hosts):
    hosts.record_report(report(7, tasks=MOVED), 5.0)
    hosts.record_report(report(7), 10.0)
    assert hosts.known["flp1"].confirmed_at == 0.0
    hosts.record_report(report(8, facts=FACTS), 11.0)
    assert hosts.known["flp1"].confirmed_at == 11.0


def test_facts_are_stale_after_several_heartbeats_and_fresh_again_after_one(hosts):
    assert not hosts.is_old("flp1", SILENT_AFTER * 5.0)
    assert hosts.is_old("flp1", SILENT_AFTER * 5.0 + 1)
    hosts.record_report(report(5), 100.0)
    assert not hosts.is_old("flp1", 101.0)


def test_an_unknown_host_has_no_status_and_stale_facts():
    hosts = HostTable(heartbeat_s=5.0)
    assert (hosts.presence("flp9"), hosts.is_old("flp9", 0.0)) == (None, True)


def test_time_in_which_control_did_not_listen_counts_against_no_host_and_makes_no_fact_younger(hosts):
    hosts.discount(60.0)
    assert hosts.known["flp1"].liveness.next_action(60.0 + PROBE_AFTER * 5.0, 5.0) is LivenessAction.NOTHING
    assert hosts.is_old("flp1", 60.0)


@pytest.mark.parametrize("away", [HostStatus.SILENT, HostStatus.LOST])
def test_a_returning_host_must_send_a_survey(hosts, away):
    hosts.known["flp1"].liveness.presence = away
    assert hosts.record_report(report(5), 100.0)
    assert hosts.presence("flp1") is HostStatus.ACTIVE
    assert hosts.known["flp1"].confirmed_at == 0.0


def test_a_host_that_an_earlier_control_knew_is_expected_and_knows_nothing_yet():
    hosts = HostTable(heartbeat_s=5.0)
    hosts.expect("flp1", FACTS, 10.0, 30.0)
    known = hosts.known["flp1"]
    assert (hosts.presence("flp1"), known.last_seen, known.confirmed_at) == (HostStatus.EXPECTED, 10.0, None)
    assert hosts.is_old("flp1", 10.0)
    assert known.liveness.next_action(40.0 + PROBE_AFTER * 5.0, 5.0) is LivenessAction.NOTHING
    assert hosts.record_report(report(5), 11.0)
    assert hosts.presence("flp1") is HostStatus.ACTIVE


def test_expecting_a_host_that_has_reported_changes_nothing(hosts):
    hosts.expect("flp1", None, 30.0, 30.0)
    assert (hosts.known["flp1"].facts, hosts.known["flp1"].last_seen) == (FACTS, 0.0)
