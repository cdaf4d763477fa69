"""When a host is silent, and when it is lost: by heartbeats, and by what runs there."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.core.environment.environment import Environment
from salt_o2.core.messages.inputs import TasksMoved
from salt_o2.core.recovery.host_liveness import (
    HostLiveness,
    HostStatus,
    LivenessAction,
    control_is_isolated,
    tasks_to_probe,
)
from salt_o2.core.states import EnvironmentEvent as E
from salt_o2.core.states import TaskState, TaskStatus
from tests.support.builders.plans import plan_of, planned
from tests.support.fakes.agents import FakeAgents

HEARTBEAT_S = 4.0
LOOK_S = HEARTBEAT_S / 4


class WatchedHost:
    """A host whose agent and whose tasks may be there or not, and what is done about it."""

    def __init__(self):
        self.at, self.signs, self.announced = 0.0, HostLiveness(reported_at=0.0), []
        self.agent = self.tasks = True
        self.last_sign = 0.0

    def pass_time(self, heartbeats):
        """Let time pass as control does: heartbeats when the agent is there, and four looks for each."""
        until = self.at + heartbeats * HEARTBEAT_S
        while self.at < until:
            self.at += LOOK_S
            if self.agent and self.at % HEARTBEAT_S == 0:
                self.last_sign = self.at
                if self.signs.record_report(self.at):
                    self.announced.append(HostStatus.ACTIVE)
            self._look()
        return self

    def _look(self):
        match self.signs.next_action(self.at, HEARTBEAT_S):
            case LivenessAction.PROBE:
                self.signs.record_probe(self.tasks, self.at)
                self.last_sign = self.at if self.tasks else self.last_sign
            case LivenessAction.DECLARE_SILENT:
                self.announced.append(HostStatus.SILENT)
            case LivenessAction.DECLARE_LOST:
                self.announced.append(HostStatus.LOST)


@pytest.fixture
def host():
    """A host that has been there for a while."""
    return WatchedHost().pass_time(3)


def test_no_host_is_probed_while_its_heartbeats_arrive(host):
    assert (host.pass_time(10).announced, host.signs.answered) == ([], float("-inf"))


def test_a_host_that_answers_no_probe_is_lost_within_three_heartbeats(host):
    host.agent = host.tasks = False
    assert host.pass_time(2).announced == []
    assert host.pass_time(1).announced == [HostStatus.LOST]


def test_a_host_whose_tasks_answer_is_silent_within_three_heartbeats_and_never_lost(host):
    host.agent = False
    assert host.pass_time(3).announced == [HostStatus.SILENT]
    assert host.pass_time(100).announced == [HostStatus.SILENT]


def test_a_silent_host_is_lost_within_three_heartbeats_of_its_last_answer(host):
    host.agent = False
    host.pass_time(20).tasks = False
    assert host.pass_time(5).announced == [HostStatus.SILENT, HostStatus.LOST]


def test_a_lost_host_is_not_probed(host):
    host.agent = host.tasks = False
    host.pass_time(4).tasks = True
    assert host.pass_time(20).signs.presence is HostStatus.LOST


@pytest.mark.parametrize("tasks", [True, False], ids=["silent", "lost"])
def test_a_report_makes_a_silent_or_lost_host_active(host, tasks):
    host.agent, host.tasks = False, tasks
    host.pass_time(4).agent = True
    assert host.pass_time(1).announced[-1] is HostStatus.ACTIVE


def test_a_host_with_one_missed_probe_is_not_lost():
    signs = HostLiveness(reported_at=0.0)
    assert signs.next_action(7.0, HEARTBEAT_S) is LivenessAction.PROBE
    signs.record_probe(False, 7.0)
    assert signs.next_action(8.0, HEARTBEAT_S) is LivenessAction.PROBE
    signs.record_probe(True, 8.0)
    assert signs.next_action(12.0, HEARTBEAT_S) is LivenessAction.DECLARE_SILENT
    assert signs.next_action(12.0, HEARTBEAT_S) is LivenessAction.NOTHING


def test_control_that_cannot_probe_declares_no_host_lost():
    signs = HostLiveness(reported_at=0.0)
    for at in range(7, 100):
        if signs.next_action(float(at), HEARTBEAT_S) is LivenessAction.PROBE:
            signs.record_probe(None, float(at))
    assert signs.presence is HostStatus.SILENT


def test_no_status_changes_while_a_probe_is_under_way():
    signs = HostLiveness(reported_at=0.0)
    assert signs.next_action(7.0, HEARTBEAT_S) is LivenessAction.PROBE
    assert signs.next_action(100.0, HEARTBEAT_S) is LivenessAction.NOTHING


def test_a_report_during_a_probe_overrides_a_missing_answer():
    signs = HostLiveness(reported_at=0.0)
    signs.next_action(7.0, HEARTBEAT_S)
    signs.record_report(7.5)
    signs.record_probe(False, 7.0)
    assert (signs.missed_probes, signs.presence) == (0, HostStatus.ACTIVE)


def test_isolated_control_declares_no_host_lost():
    signs = HostLiveness(reported_at=0.0)
    for at in range(7, 100):
        if signs.next_action(float(at), HEARTBEAT_S, isolated=True) is LivenessAction.PROBE:
            signs.record_probe(False, float(at))
    assert signs.presence is HostStatus.SILENT
    assert signs.next_action(100.0, HEARTBEAT_S) is LivenessAction.DECLARE_LOST


@pytest.mark.parametrize(
    ("heard", "alone"),
    [((0.0, 0.0), True), ((0.0, 5.5), False), ((0.0,), False), ((), False)],
    ids=["all are silent", "one is heard", "there is one only", "there is none"],
)
def test_control_without_reports_of_several_hosts_is_isolated(heard, alone):
    assert control_is_isolated([HostLiveness(reported_at=at) for at in heard], 10.0, HEARTBEAT_S) is alone


def test_lost_hosts_do_not_count_for_isolation():
    lost = HostLiveness(reported_at=0.0, presence=HostStatus.LOST)
    assert not control_is_isolated([lost, HostLiveness(reported_at=0.0)], 10.0, HEARTBEAT_S)


def test_a_host_with_grace_is_not_silent_until_the_grace_ends():
    signs = HostLiveness(reported_at=0.0, missed_probes=9)
    signs.grant_grace(50.0)
    assert signs.next_action(55.0, HEARTBEAT_S) is LivenessAction.NOTHING
    lost, well = (
        HostLiveness(reported_at=0.0, presence=HostStatus.LOST, missed_probes=9),
        HostLiveness(reported_at=0.0),
    )
    for other in (lost, well):
        other.grant_grace(50.0)
        assert other.reported_at == 0.0


def test_time_in_which_control_did_not_listen_does_not_count():
    signs = HostLiveness(reported_at=0.0)
    signs.discount(50.0)
    assert signs.next_action(55.0, HEARTBEAT_S) is LivenessAction.NOTHING


@settings(max_examples=400)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(1, 3) | st.integers(4, 8)), max_size=30))
def test_a_host_is_never_lost_while_something_there_has_answered_lately(phases):
    host = WatchedHost()
    for host.agent, host.tasks, heartbeats in phases:
        host.pass_time(heartbeats)
        if host.signs.presence is HostStatus.LOST:
            assert not host.agent
            assert host.at - host.last_sign > 2.5 * HEARTBEAT_S
        if host.agent:
            assert host.signs.presence is HostStatus.ACTIVE


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(1, 8)), max_size=30))
def test_a_host_that_stops_answering_is_lost_after_any_history(phases):
    host = WatchedHost()
    for host.agent, host.tasks, heartbeats in phases:
        host.pass_time(heartbeats)
    host.agent = host.tasks = False
    assert host.pass_time(5).signs.presence is HostStatus.LOST


def agents():
    tasks = planned("a", "h1"), planned("b", "h2"), planned("c", "h2")
    return FakeAgents(Environment("E", plan_of(*tasks)))


def test_all_tasks_of_the_host_are_probed_even_without_a_report():
    assert [task.id for task in tasks_to_probe([agents().environment], "h2")] == ["b", "c"]


def test_a_task_that_was_seen_without_a_process_is_not_asked():
    ready = agents().ask(E.DEPLOY, E.CONFIGURE).accept_command()
    report = ready.environment.model.tasks.reports["b"]
    gone = replace(report, status=TaskStatus.INACTIVE, state=TaskState.DONE, revision=report.revision + 1)
    ready.take(TasksMoved(at=ready.at, host="h2", reports=(gone,)))
    assert [task.id for task in tasks_to_probe([ready.environment], "h2")] == ["c"]
