"""One environment from DEPLOY to EXIT: messages in, effects out. No clock, no process, no Salt."""

import itertools
from dataclasses import replace

import pytest

from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import IllegalTransitionError, InvalidRequestError
from salt_o2.core.messages.announcements import AnnounceFailure, AnnounceKilled, AnnounceState
from salt_o2.core.messages.effects import CompleteRequest, EndRun, ReleaseResources, ResendAsJob
from salt_o2.core.messages.inputs import Requested, TasksMoved, Tick
from salt_o2.core.messages.reports import Exit
from salt_o2.core.states import EnvironmentEvent as E
from salt_o2.core.states import EnvironmentState as S
from salt_o2.core.states import RunEndCause, TaskState
from tests.support.builders.plans import plan_of, planned
from tests.support.fakes.agents import FakeAgents


@pytest.fixture
def agents():
    """An environment of three critical tasks and one that is not, on two hosts; no task is started."""
    plan = plan_of(
        planned("sampler", "flp1"),
        planned("sink", "flp2"),
        planned("processor", "flp2"),
        planned("monitor", "flp1", critical=False),
    )
    return FakeAgents(Environment("2oDvieFrVTi", plan))


@pytest.fixture
def running(agents):
    """The same, in run 17."""
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command()
    agents.ask(E.START_ACTIVITY, run_number=17).accept_command()
    assert agents.environment.model.state is S.RUNNING
    return agents


def test_each_host_gets_one_command_with_all_its_tasks(agents):
    agents.ask(E.DEPLOY)
    assert [(c.host, len(c.orders)) for c in agents.commands()] == [("flp1", 2), ("flp2", 2)]


def test_only_a_deployment_carries_what_is_needed_to_start_a_process(agents):
    agents.ask(E.DEPLOY)
    assert all(order.launch for command in agents.commands() for order in command.orders)
    agents.accept_command()
    agents.ask(E.CONFIGURE)
    assert not any(order.launch for command in agents.commands() for order in command.orders)


def test_properties_travel_with_configure_and_with_nothing_else(agents):
    agents.ask(E.DEPLOY)
    assert not any(order.properties for command in agents.commands() for order in command.orders)
    agents.accept_command().ask(E.CONFIGURE)
    assert all(order.properties for command in agents.commands() for order in command.orders)


def test_a_state_is_entered_only_when_the_last_task_has_reached_it(agents):
    agents.ask(E.DEPLOY)
    first, second = agents.commands()
    agents.report(first, *(agents.done(first, order.task) for order in first.orders))
    assert agents.environment.model.state is S.STANDBY
    agents.report(second, *(agents.done(second, order.task) for order in second.orders))
    assert agents.environment.model.state is S.DEPLOYED
    assert CompleteRequest(request="r1") in agents.last


def test_a_request_of_several_events_is_answered_at_the_end_of_the_last(agents):
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command()
    assert agents.environment.model.state is S.CONFIGURED
    assert agents.effects.count(CompleteRequest(request="r1")) == 1


def test_start_carries_the_run_number_in_both_spellings(agents):
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command()
    agents.ask(E.START_ACTIVITY, run_number=17)
    arguments = agents.commands()[0].arguments
    assert arguments["run_number"] == arguments["runNumber"] == "17"
    assert arguments["run_start_time_ms"] == arguments["runStartTimeMs"]
    assert agents.accept_command().environment.model.run.number == 17


def test_the_run_ends_with_the_stop(running):
    running.ask(E.STOP_ACTIVITY).accept_command()
    assert running.environment.model.state is S.CONFIGURED
    assert running.environment.model.run.number is None
    assert EndRun(run_number=17, user="teo") in running.effects


def test_a_start_has_the_number_of_earlier_starts(running):
    running.ask(E.STOP_ACTIVITY).accept_command()
    running.ask(E.START_ACTIVITY, run_number=18)
    assert running.commands()[0].arguments["cleanup"] == "1"


def test_the_end_releases_what_was_taken(agents):
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command().ask(E.EXIT).accept_command()
    assert agents.environment.model.state is S.DONE
    assert ReleaseResources(environment="2oDvieFrVTi") in agents.effects


def test_a_transition_that_the_state_does_not_allow_is_refused_without_effect(agents):
    with pytest.raises(
        IllegalTransitionError, match="is STANDBY and cannot START_ACTIVITY; possible now: DEPLOY"
    ):
        agents.ask(E.START_ACTIVITY)
    assert (agents.environment.model.state, agents.environment.model.revision) == (S.STANDBY, 0)


def test_a_request_during_a_transition_is_refused_and_names_its_user(agents):
    agents.ask(E.DEPLOY)
    with pytest.raises(InvalidRequestError, match="in transition DEPLOY, requested by teo"):
        agents.ask(E.DEPLOY)


def test_the_end_need_not_wait_for_a_transition_under_way(agents):
    agents.ask(E.DEPLOY)
    agents.take(Requested(at=agents.at, request="r2", events=(E.EXIT,), user="other"))
    overtaken = next(effect for effect in agents.last if isinstance(effect, CompleteRequest))
    assert overtaken.request == "r1"
    assert "cancelled by EXIT, requested by other" in str(overtaken.error)
    agents.accept_command()
    assert agents.environment.model.state is S.DONE


def test_a_failed_task_fails_the_transition_and_the_answer_says_all_there_is_to_know(agents):
    agents.ask(E.DEPLOY).accept_command().ask(E.CONFIGURE)
    on_flp1, on_flp2 = agents.commands()
    agents.report(on_flp1, *(agents.done(on_flp1, order.task) for order in on_flp1.orders))
    broken = agents.failed("sink", reason="port 9000 is taken", advice="free it", output=("cannot bind",))
    agents.report(on_flp2, broken, agents.done(on_flp2, "processor"))
    assert agents.environment.model.state is S.ERROR
    text = str(next(effect for effect in agents.last if isinstance(effect, CompleteRequest)).error)
    for fact in (
        "CONFIGURE",
        "root.sink",
        "flp2",
        "BIND",
        "INITIALIZED",
        "port 9000 is taken",
        "free it",
        "cannot bind",
    ):
        assert fact in text


def test_after_a_first_failure_the_others_are_awaited_only_a_moment(agents):
    agents.ask(E.DEPLOY)
    on_flp1, _ = agents.commands()
    agents.report(on_flp1, agents.failed("sampler"))
    assert agents.environment.model.wait is not None
    assert agents.environment.wake_at == pytest.approx(agents.at + agents.environment.model.timeouts.gather)
    agents.take(Tick(at=agents.environment.wake_at))
    assert agents.environment.model.state is S.ERROR


def test_a_creation_that_fails_is_undone_and_answered_with_its_reason(agents):
    agents.ask(E.DEPLOY, E.CONFIGURE, undo=True)
    on_flp1, on_flp2 = agents.commands()
    agents.report(
        on_flp1, agents.failed("sampler", reason="no such program"), agents.done(on_flp1, "monitor")
    )
    agents.report(on_flp2, agents.done(on_flp2, "sink"), agents.done(on_flp2, "processor"))
    assert {command.goal for command in agents.commands()} == {TaskState.DONE}
    agents.accept_command()
    assert agents.environment.model.state is S.DONE
    answers = [effect for effect in agents.effects if isinstance(effect, CompleteRequest)]
    assert len(answers) == 1
    assert "no such program" in str(answers[0].error)
    assert any(isinstance(effect, ReleaseResources) for effect in agents.effects)


def test_a_task_that_is_not_critical_does_not_delay_the_others(agents):
    agents.ask(E.DEPLOY)
    on_flp1, on_flp2 = agents.commands()
    agents.report(on_flp1, agents.done(on_flp1, "sampler"), agents.failed("monitor"))
    agents.report(on_flp2, agents.done(on_flp2, "sink"), agents.done(on_flp2, "processor"))
    assert agents.environment.model.state is S.DEPLOYED


def test_a_silent_host_gets_its_command_again_as_a_salt_job(agents):
    agents.ask(E.DEPLOY)
    on_flp1, on_flp2 = agents.commands()
    agents.report(on_flp1)  # has it, and says so
    agents.take(Tick(at=agents.environment.wake_at))
    assert agents.last == [ResendAsJob(command=on_flp2)]


def test_resends_become_rarer_and_end_with_the_deadline(agents):
    agents.ask(E.DEPLOY)
    ticks = []
    while agents.environment.model.wait:
        ticks.append(agents.environment.wake_at)
        agents.take(Tick(at=ticks[-1]))
    gaps = [later - earlier for earlier, later in itertools.pairwise(ticks)]
    assert gaps == sorted(gaps)
    assert agents.environment.model.state is S.ERROR
    assert "host flp1 has not acknowledged the command" in agents.environment.model.error


def test_a_lost_host_cannot_keep_an_environment_from_ending(agents):
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command().ask(E.EXIT)
    on_flp1, _ = agents.commands()
    agents.report(on_flp1, *(agents.done(on_flp1, order.task) for order in on_flp1.orders))
    agents.take(Tick(at=agents.environment.model.wait.deadline))
    assert agents.environment.model.state is S.DONE
    assert ReleaseResources(environment="2oDvieFrVTi") in agents.last
    assert "flp2" in agents.environment.model.error


def test_a_critical_task_that_dies_in_a_run_leads_to_error_and_stops_the_rest(running):
    dead = running.failed("sink", revision=3, reason="killed by signal 9")
    running.take(TasksMoved(at=running.at, host="flp2", reports=(dead,)))
    assert running.environment.model.state is S.ERROR
    assert "killed by signal 9" in running.environment.model.error
    stopped = {order.task for command in running.commands() for order in command.orders}
    assert stopped == {"sampler", "processor", "monitor"}
    (ended,) = (effect for effect in running.last if isinstance(effect, EndRun))
    assert (ended.run_number, ended.state, ended.cause, ended.user) == (17, S.ERROR, RunEndCause.ERROR, "")
    assert ended.failed_roles == ("root.sink",)
    assert "killed by signal 9" in ended.reason


def test_a_task_that_is_not_critical_may_die_in_a_run(running):
    dead = running.failed("monitor", revision=3)
    running.take(TasksMoved(at=running.at, host="flp1", reports=(dead,)))
    assert running.environment.model.state is S.RUNNING
    assert running.kinds() == ["AnnounceMoves", "AnnounceFailure", "BeginInterruptions"]


def test_recover_restarts_dead_tasks_and_leads_to_configured(running):
    running.take(TasksMoved(at=running.at, host="flp2", reports=(running.failed("sink", revision=3),)))
    running.accept_command().ask(E.RECOVER)
    orders = [order for command in running.commands() for order in command.orders]
    assert all(order.launch and order.properties for order in orders)
    running.accept_command()
    assert running.environment.model.state is S.CONFIGURED
    assert running.environment.model.error == ""


def test_a_report_older_than_what_is_known_changes_nothing(running):
    old = TasksMoved(
        at=running.at, host="flp1", reports=(running.failed("sampler", revision=1, state=TaskState.STANDBY),)
    )
    assert running.take(old) == []
    assert running.environment.model.state is S.RUNNING


def test_the_same_report_twice_is_announced_once(running):
    dead = TasksMoved(at=running.at, host="flp1", reports=(running.failed("monitor", revision=3),))
    assert [e.path for e in running.take(dead) if isinstance(e, AnnounceFailure)] == ["root.monitor"]
    assert running.take(dead) == []


def test_a_task_that_had_to_be_killed_is_announced_once_for_each_kill(running):
    running.ask(E.STOP_ACTIVITY)
    (first, *others) = running.commands()
    killed = [replace(running.done(first, order.task), killed=True) for order in first.orders]
    running.report(first, *killed)
    announced = [effect for effect in running.last if isinstance(effect, AnnounceKilled)]
    assert [(each.path, each.host) for each in announced] == [
        (f"root.{order.task}", first.host) for order in first.orders
    ]
    running.report(first, *killed)
    assert "AnnounceKilled" not in running.kinds()
    for command in others:
        running.report(command, *(running.done(command, order.task) for order in command.orders))
    assert running.environment.model.state is S.CONFIGURED
    assert sum(isinstance(effect, AnnounceKilled) for effect in running.effects) == len(killed)


def test_a_report_about_an_unknown_task_is_ignored(running):
    stranger = running.failed("nobody", revision=3)
    assert running.take(TasksMoved(at=running.at, host="flp1", reports=(stranger,))) == []


def test_error_on_request_stops_what_runs(running):
    running.ask(E.GO_ERROR, reason="because")
    assert {command.goal for command in running.commands()} == {TaskState.CONFIGURED}
    assert any(isinstance(e, AnnounceState) and e.reason == "because" for e in running.last)
    assert running.environment.model.state is S.ERROR


def test_the_text_of_an_exit_names_code_or_signal():
    assert str(Exit(code=1)) == "exit code 1"
    assert str(Exit(signal=9)) == "killed by signal 9"
