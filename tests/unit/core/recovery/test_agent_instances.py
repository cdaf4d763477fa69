"""Which agent is believed when several report under one name; heartbeats of five seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.core.messages.reports import HostFacts, Report, TaskReport
from salt_o2.core.recovery.agent_instances import FORGOTTEN_AFTER, QUIET_AFTER, Incarnations, Verdict
from salt_o2.core.states import TaskState, TaskStatus

BEAT_S = 5.0
HERE, THERE = "boot1:net1", "boot2:net1"


def survey(incarnation, *tasks, network=HERE, address="10.0.0.1"):
    facts = HostFacts(address=address, network=network, cpus=1, memory_mb=1)
    about = (
        TaskReport(
            task=task,
            environment="E",
            revision=1,
            settled=True,
            status=TaskStatus.ACTIVE,
            state=TaskState.RUNNING,
        )
        for task in tasks
    )
    return Report(host="flp1", incarnation=incarnation, sequence=1, facts=facts, tasks=tuple(about))


def heartbeat(incarnation):
    return Report(host="flp1", incarnation=incarnation, sequence=1)


class Host:
    """A host whose agent "old" reports the task "readout"; control has listened since time 0."""

    def __init__(self, tasks=("readout",)):
        self.agents, self.tasks, self.lost = Incarnations(reported_at=0.0), set(tasks), False
        assert self.hear(survey("old", *tasks), 0.0) is Verdict.BELIEVED

    def hear(self, report, at):
        return self.agents.judge(report, at, BEAT_S, is_lost=self.lost, tasks=lambda: self.tasks)


@pytest.fixture
def host():
    return Host()


def test_an_agent_that_was_started_again_and_adopted_its_tasks_is_believed_at_once(host):
    assert host.hear(survey("new", "readout"), 0.5) is Verdict.BELIEVED
    assert host.hear(heartbeat("new"), 5.5) is Verdict.BELIEVED
    assert host.agents.refused == []


def test_a_last_report_of_the_former_agent_that_comes_late_is_dropped_and_proves_nothing(host):
    host.hear(survey("new", "readout"), 0.5)
    assert host.hear(heartbeat("old"), 1.0) is Verdict.LATE
    assert host.hear(heartbeat("new"), 5.5) is Verdict.BELIEVED
    assert host.agents.refused == []


@pytest.mark.parametrize(
    "copy",
    [
        survey("copy", address="10.0.0.2"),
        survey("copy", network=THERE, address="10.0.0.2"),
        survey("copy", "readout", network=THERE, address="10.0.0.2"),
    ],
    ids=["another folder", "another machine", "another machine with a copy of the tasks' folders"],
)
def test_a_copy_of_the_minion_is_refused_as_soon_as_the_kept_agent_reports_after_it(host, copy):
    assert host.hear(copy, 1.0) is Verdict.WAITS
    assert host.hear(heartbeat("old"), 5.0) is Verdict.BELIEVED
    assert [rival.address for rival in host.agents.refused] == ["10.0.0.2"]
    assert host.hear(copy, 6.0) is Verdict.REFUSED
    assert host.agents.kept == "old"


def test_a_refused_copy_is_believed_only_when_the_host_was_given_up(host):
    host.hear(survey("copy"), 1.0)
    host.hear(heartbeat("old"), 5.0)
    assert host.hear(heartbeat("copy"), 100.0) is Verdict.REFUSED
    host.lost = True
    assert host.hear(heartbeat("copy"), 105.0) is Verdict.BELIEVED
    assert host.agents.refused == []


def test_an_agent_without_the_tasks_is_believed_when_the_kept_one_is_quiet(host):
    assert host.hear(survey("new"), 1.0) is Verdict.WAITS
    assert host.hear(heartbeat("new"), QUIET_AFTER * BEAT_S + 0.1) is Verdict.BELIEVED


def test_a_copy_elsewhere_is_not_believed_while_the_kept_agent_is_quiet_and_its_tasks_may_run(host):
    late = 10 * QUIET_AFTER * BEAT_S
    assert host.hear(survey("copy", network=THERE), 1.0) is Verdict.WAITS
    assert host.hear(heartbeat("copy"), late) is Verdict.WAITS
    assert host.hear(survey("copy", network=THERE), late + 0.1) is Verdict.WAITS
    assert host.hear(heartbeat("old"), late + 0.2) is Verdict.BELIEVED
    assert host.agents.kept == "old"


def test_a_machine_that_takes_the_place_of_another_is_believed_when_the_host_is_lost(host):
    late = 10 * QUIET_AFTER * BEAT_S
    assert host.hear(survey("new", network=THERE), late) is Verdict.WAITS
    host.lost = True
    assert host.hear(heartbeat("new"), late + 5.0) is Verdict.BELIEVED


def test_a_host_that_was_booted_again_and_has_the_records_of_its_tasks_is_believed_when_quiet(host):
    late = 2 * QUIET_AFTER * BEAT_S
    assert host.hear(survey("new", "readout", network=THERE), late) is Verdict.BELIEVED


def test_a_host_without_tasks_takes_another_agent_of_its_machine_at_once():
    assert Host(tasks=()).hear(survey("new"), 1.0) is Verdict.BELIEVED


def test_a_former_agent_that_reports_much_later_is_refused():
    host = Host(tasks=())
    host.hear(survey("new"), 1.0)
    assert host.hear(survey("old"), 10.0) is Verdict.REFUSED
    assert host.agents.kept == "new"


def test_a_control_that_was_started_again_waits_for_the_agent_of_the_machine_that_it_knew():
    agents = Incarnations(reported_at=0.0, network=HERE)

    def hear(report, at):
        return agents.judge(report, at, BEAT_S, is_lost=False, tasks=lambda: {"readout"})

    copy = survey("copy", "readout", network=THERE)
    assert hear(copy, 0.1) is Verdict.WAITS
    assert hear(heartbeat("old"), 0.2) is Verdict.WAITS
    assert hear(survey("old", "readout"), 0.3) is Verdict.BELIEVED
    hear(heartbeat("old"), 5.3)
    assert hear(copy, 5.4) is Verdict.REFUSED


@pytest.fixture
def restarted():
    """The agents of a host with a task, known to a control that was started at time 0."""
    return Incarnations(reported_at=0.0, network=HERE)


def judged(agents, report, at):
    return agents.judge(report, at, BEAT_S, is_lost=False, tasks=lambda: {"readout"})


def test_a_restarted_control_waits_for_the_agent_with_the_tasks_although_a_copy_reports_first(restarted):
    assert judged(restarted, survey("copy"), 0.1) is Verdict.WAITS
    assert judged(restarted, survey("old", "readout"), 0.4) is Verdict.BELIEVED
    assert judged(restarted, heartbeat("old"), 5.4) is Verdict.BELIEVED
    assert judged(restarted, survey("copy"), 5.5) is Verdict.REFUSED


def test_a_restarted_control_believes_an_agent_that_lost_its_tasks_if_no_other_reports(restarted):
    assert judged(restarted, survey("old"), 0.1) is Verdict.WAITS
    assert judged(restarted, heartbeat("old"), QUIET_AFTER * BEAT_S + 0.1) is Verdict.BELIEVED


def test_a_refused_agent_that_reports_no_more_is_forgotten(host):
    host.hear(survey("copy"), 1.0)
    host.hear(heartbeat("old"), 5.0)
    host.hear(heartbeat("old"), 1.1 + FORGOTTEN_AFTER * BEAT_S)
    assert host.agents.rivals == {}


REPORTS = st.lists(
    st.tuples(
        st.floats(0.0, 10.0),
        st.sampled_from([survey(name, network=THERE) for name in ("copy", "copy2")] + [heartbeat("copy")]),
    ),
    max_size=40,
)


@given(REPORTS)
def test_no_report_of_a_copy_replaces_an_agent_that_keeps_reporting(reports):
    host, at, beat_at = Host(), 0.0, 0.0
    for pause, report in reports:
        while beat_at + BEAT_S <= at + pause:
            beat_at += BEAT_S
            assert host.hear(heartbeat("old"), beat_at) is Verdict.BELIEVED
        at += pause
        assert host.hear(report, at) is not Verdict.BELIEVED
    assert host.agents.kept == "old"
