"""What the record of a run is made of: why it ended, and which tasks were missing from when until when."""

from dataclasses import replace

import pytest

from salt_o2.core.environment.environment import Environment
from salt_o2.core.messages.effects import BeginInterruptions, EndInterruptions, EndRun, InterruptionEnd
from salt_o2.core.messages.inputs import HostLost, Modified, TasksMoved, Tick
from salt_o2.core.messages.reports import TaskReport
from salt_o2.core.recovery import snapshot
from salt_o2.core.states import EnvironmentEvent as E
from salt_o2.core.states import EnvironmentState as S
from salt_o2.core.states import RunEndCause, TaskState, TaskStatus
from tests.support.builders.plans import plan_of, planned
from tests.support.fakes.agents import FakeAgents

A = planned("a", "h1")
B = planned("b", "h2", recovery="restart")
C = planned("c", "h2", critical=False, recovery="ignore")


def agents_of(*tasks, **variables):
    return FakeAgents(Environment("E", plan_of(*tasks, **variables)))


@pytest.fixture
def running():
    agents = agents_of(A, B, C)
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command().ask(E.START_ACTIVITY, run_number=17).accept_command()
    assert agents.environment.model.state is S.RUNNING
    return agents


def ends(agents):
    return [effect for effect in agents.effects if isinstance(effect, EndRun)]


def begun(agents):
    kinds = (each for each in agents.effects if isinstance(each, BeginInterruptions))
    return [task for effect in kinds for task in effect.tasks]


def ended(agents):
    kinds = (each for each in agents.effects if isinstance(each, EndInterruptions))
    return [task for effect in kinds for task in effect.tasks]


def die(agents, task, host, reason="killed by signal 9"):
    agents.at += 1
    return agents.take(TasksMoved(at=agents.at, host=host, reports=(agents.failed(task, reason=reason),)))


def restart(agents):
    """Let the time of the pending restart come, and let the agent obey."""
    agents.at = agents.environment.wake_at
    agents.take(Tick(at=agents.at))
    agents.accept_command()


# --- why a run ended --------------------------------------------------------------------------------


def test_a_stop_is_recorded_with_its_user_and_reason(running):
    running.ask(E.STOP_ACTIVITY, reason="beam dump").accept_command()
    (end,) = ends(running)
    assert (end.cause, end.user, end.reason, end.state) == (
        RunEndCause.REQUESTED,
        "teo",
        "beam dump",
        S.CONFIGURED,
    )


def test_a_run_that_a_user_leads_to_error_names_the_user(running):
    running.ask(E.GO_ERROR, reason="smoke")
    (end,) = ends(running)
    assert (end.cause, end.user, end.reason, end.state) == (RunEndCause.REQUESTED, "teo", "smoke", S.ERROR)


def test_a_run_that_a_critical_task_ends_names_its_role_and_no_user(running):
    die(running, "a", "h1")
    (end,) = ends(running)
    assert (end.cause, end.user, end.failed_roles) == (RunEndCause.ERROR, "", (A.path,))
    assert "killed by signal 9" in end.reason


def test_a_stop_that_fails_is_an_error_of_the_failing_role_and_no_wish_of_the_user(running):
    running.ask(E.STOP_ACTIVITY)
    command = next(each for each in running.commands() if each.host == "h1")
    running.report(command, running.failed("a", revision=command.revision))
    running.at += 1000
    running.take(Tick(at=running.at))
    (end,) = ends(running)
    assert (end.cause, end.user) == (RunEndCause.ERROR, "")
    assert A.path in end.failed_roles


def test_a_run_whose_start_fails_never_started():
    agents = agents_of(A)
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command().ask(E.START_ACTIVITY, run_number=17)
    (command,) = agents.commands()
    agents.report(command, agents.failed("a", revision=command.revision))
    agents.at += 10
    agents.take(Tick(at=agents.at))
    (end,) = ends(agents)
    assert (end.cause, end.state, end.failed_roles) == (RunEndCause.NEVER_STARTED, S.ERROR, (A.path,))


def test_the_time_of_the_automatic_stop_is_no_user():
    agents = agents_of(A, auto_stop_enabled="true", auto_stop_timeout="10s")
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command().ask(E.START_ACTIVITY, run_number=17).accept_command()
    agents.at = agents.environment.wake_at
    agents.take(Tick(at=agents.at))
    agents.accept_command()
    (end,) = ends(agents)
    assert (end.cause, end.user) == (RunEndCause.TIME_LIMIT, "")


def test_a_role_with_the_policy_stop_is_named():
    agents = agents_of(A, planned("b", "h2", recovery="stop"))
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command().ask(E.START_ACTIVITY, run_number=17).accept_command()
    die(agents, "b", "h2")
    agents.accept_command()
    (end,) = ends(agents)
    assert (end.cause, end.failed_roles, end.state) == (RunEndCause.POLICY, ("root.b",), S.CONFIGURED)


def test_the_end_of_the_data_is_recorded():
    agents = agents_of(A)
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command().ask(E.START_ACTIVITY, run_number=17)
    (command,) = agents.commands()
    agents.accept_command()
    over = TaskReport(
        task="a",
        environment="E",
        revision=command.revision,
        settled=True,
        status=TaskStatus.ACTIVE,
        state=TaskState.RUNNING,
        announced="END_OF_STREAM",
        pid=4711,
    )
    agents.take(TasksMoved(at=agents.at, host="h1", reports=(over,)))
    agents.accept_command()
    (end,) = ends(agents)
    assert (end.cause, end.user) == (RunEndCause.END_OF_DATA, "")


# --- which tasks were missing -----------------------------------------------------------------------


def test_a_restarted_task_is_missing_from_its_failure_until_it_runs_again(running):
    die(running, "b", "h2")
    died = running.at
    restart(running)
    (missing,), (back,) = begun(running), ended(running)
    assert (missing.path, missing.host, missing.since) == (B.path, "h2", died)
    assert missing.reason == "killed by signal 9"
    assert (back.path, back.since, back.how) == (B.path, died, InterruptionEnd.RESTARTED)
    assert back.until == running.at > died


def test_restarts_and_the_last_failure_are_counted_by_role(running):
    for reason in ("first", "second"):
        die(running, "b", "h2", reason=reason)
        restart(running)
    incidents = running.environment.model.incidents
    assert (incidents.restarts, incidents.total_restarts) == ({B.path: 2}, 2)
    assert incidents.failures[B.path].reason == "second"
    assert incidents.last_failure.path == B.path


def test_a_long_reason_is_shortened_in_the_last_failure_and_whole_in_the_record_of_the_run(running):
    die(running, "b", "h2", reason="x" * 10_000)
    assert len(running.environment.model.incidents.last_failure.reason) == 300
    assert len(begun(running)[0].reason) == 10_000


def test_restarts_and_failures_survive_a_restart_of_control(running):
    die(running, "b", "h2")
    restart(running)
    known = snapshot.capture(running.environment)
    restored = snapshot.restore("E", running.environment.model.plan, known).model
    assert restored.incidents.restarts == {B.path: 1}
    assert restored.incidents.last_failure.reason == "killed by signal 9"
    assert restored.entered == running.environment.model.entered


def test_an_ignored_failure_is_missing_until_the_end_of_the_run(running):
    die(running, "c", "h2")
    running.ask(E.STOP_ACTIVITY).accept_command()
    assert [each.path for each in begun(running)] == [C.path]
    assert ended(running) == []
    assert running.environment.model.incidents.interrupted == {}


def test_a_failure_before_the_run_interrupts_none():
    agents = agents_of(A, C)
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command()
    die(agents, "c", "h2")
    assert begun(agents) == []
    assert agents.environment.model.incidents.last_failure.path == C.path


def test_an_excluded_task_is_missing_until_it_is_included(running):
    plan = running.environment.model.plan
    running.take(
        Modified(at=running.at, request="m1", plan=plan, excluded={"c": "high voltage trip"}, user="ada")
    )
    running.accept_command()
    running.at += 60
    running.take(Modified(at=running.at, request="m2", plan=plan, user="ada"))
    running.accept_command()
    (missing,), (back,) = begun(running), ended(running)
    assert (missing.path, missing.excluded) == (C.path, True)
    assert missing.reason == "excluded by ada: high voltage trip"
    assert (back.how, round(back.until - back.since)) == (InterruptionEnd.INCLUDED, 60)


def test_an_exclusion_after_a_crash_begins_where_the_loss_by_the_crash_ends(running):
    die(running, "c", "h2")
    running.at += 5
    plan = running.environment.model.plan
    running.take(Modified(at=running.at, request="m1", plan=plan, excluded={"c": "trip"}, user="ada"))
    crash, exclusion = begun(running)
    (end,) = ended(running)
    assert (crash.reason, crash.excluded) == ("killed by signal 9", False)
    assert (end.how, end.until) == (InterruptionEnd.EXCLUDED, exclusion.since)
    assert exclusion.excluded


def test_a_task_that_moves_to_another_host_is_missing_until_its_new_process_runs(running):
    moved = replace(B, id="b2", host="h3")
    running.take(Modified(at=running.at, request="m1", plan=plan_of(A, moved, C), user="ada"))
    assert [(each.path, each.reason) for each in begun(running)] == [(B.path, "moved by ada")]
    running.accept_command()
    (back,) = ended(running)
    assert (back.task, back.how) == ("b2", InterruptionEnd.MOVED)
    assert running.environment.model.incidents.restarts == {}, "control restarted no failed task"


def test_a_task_that_control_places_on_another_host_counts_as_restarted(running):
    running.take(HostLost(at=running.at, host="h2", silent_s=13))
    moved = replace(B, id="b2", host="h3")
    running.take(Modified(at=running.at, request="", plan=plan_of(A, moved, C), may_exclude=()))
    running.accept_command()
    (back,) = ended(running)
    assert (back.task, back.how) == ("b2", InterruptionEnd.MOVED)
    assert running.environment.model.incidents.restarts == {B.path: 1}


def test_a_task_that_a_modification_restarts_is_missing_until_its_new_process_runs(running):
    other = replace(B, launch=replace(B.launch, arguments=("--rate=5",)))
    running.take(Modified(at=running.at, request="m1", plan=plan_of(A, other, C), user="ada"))
    assert [each.reason for each in begun(running)] == ["restarted by ada"]
    assert ended(running) == []
    running.accept_command()
    assert [each.how for each in ended(running)] == [InterruptionEnd.RESTARTED]


def test_tasks_of_a_lost_host_are_missing(running):
    running.take(HostLost(at=running.at, host="h2", silent_s=13))
    assert {each.path for each in begun(running)} == {B.path, C.path}
    assert all("is lost" in each.reason for each in begun(running))


def test_a_task_is_missing_once_however_often_its_failure_is_reported(running):
    for _ in range(3):
        die(running, "c", "h2")
    assert len(begun(running)) == 1


def test_a_control_that_restarts_knows_from_the_record_who_is_missing(running):
    die(running, "b", "h2")
    open_ = begun(running)
    model = running.environment.model
    restored = snapshot.restore("E", model.plan, snapshot.capture(running.environment))
    restored.model.incidents.restore_interruptions(open_)
    agents = FakeAgents(restored)
    agents.at = running.at + 1
    healthy = TaskReport(
        task="b",
        environment="E",
        revision=model.revision,
        settled=True,
        status=TaskStatus.ACTIVE,
        state=TaskState.RUNNING,
        pid=1,
    )
    agents.take(TasksMoved(at=agents.at, host="h2", reports=(healthy,)))
    (back,) = ended(agents)
    assert (back.path, back.since, back.how) == (B.path, open_[0].since, InterruptionEnd.RETURNED)
