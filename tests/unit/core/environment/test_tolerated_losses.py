"""Tolerated losses, runs that stop by themselves, environments that end by themselves."""

from dataclasses import replace

import pytest

from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.messages.announcements import AnnounceState
from salt_o2.core.messages.effects import ReleaseResources
from salt_o2.core.messages.inputs import TasksMoved
from salt_o2.core.messages.reports import Exit, Failure, TaskReport
from salt_o2.core.plan.launch import Launch
from salt_o2.core.plan.run_arguments import seconds
from salt_o2.core.states import ControlMode, TaskState, TaskStatus
from salt_o2.core.states import EnvironmentEvent as E
from salt_o2.core.states import EnvironmentState as S
from salt_o2.core.tasks.restarts import RestartPolicy
from tests.support.builders.plans import plan_of, planned
from tests.support.fakes.agents import FakeAgents

BASIC = Launch(mode=ControlMode.BASIC, value="program")


def agents_of(*tasks, tolerate=0, **variables):
    return FakeAgents(Environment("E", plan_of(*tasks, tolerate=tolerate, **variables)))


def running(*tasks, tolerate=0, **variables):
    agents = agents_of(*tasks, tolerate=tolerate, **variables)
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command().ask(E.START_ACTIVITY, run_number=17).accept_command()
    assert agents.environment.model.state is S.RUNNING
    return agents


def ended(agents, task, code=0):
    state = TaskState.DONE if code == 0 else TaskState.ERROR
    report = TaskReport(
        task=task,
        environment="E",
        revision=agents.environment.model.revision,
        settled=True,
        status=TaskStatus.INACTIVE,
        state=state,
        exit=Exit(code=code),
        failure=Failure(asked="stay RUNNING", state="-", reason=f"exit code {code}") if code else None,
    )
    agents.take(TasksMoved(at=agents.at, host="h1", reports=(report,)))
    return agents


def lose(agents, task):
    agents.take(TasksMoved(at=agents.at, host="h1", reports=(agents.failed(task, reason="killed"),)))
    return agents


def three():
    return planned("a", "h1"), planned("b", "h1"), planned("c", "h1")


def test_a_tolerated_loss_does_not_end_the_run_and_is_remembered_with_its_reason():
    agents = lose(running(*three(), tolerate=1), "a")
    assert agents.environment.model.state is S.RUNNING
    assert agents.environment.model.tasks.lost == {"a": "killed"}


def test_a_loss_beyond_the_tolerated_number_ends_the_run():
    agents = lose(lose(running(*three(), tolerate=1), "a"), "b")
    assert agents.environment.model.state is S.ERROR


def test_a_lost_task_is_asked_for_nothing_more_but_its_end():
    agents = lose(running(*three(), tolerate=1), "a")
    agents.ask(E.STOP_ACTIVITY)
    assert {o.task for c in agents.commands() for o in c.orders} == {"b", "c"}
    agents.accept_command().ask(E.EXIT)
    assert {o.task for c in agents.commands() for o in c.orders} == {"a", "b", "c"}


def test_a_loss_in_a_transition_is_tolerated_as_well():
    agents = agents_of(*three(), tolerate=1)
    agents.ask(E.DEPLOY)
    (command,) = agents.commands()
    agents.report(command, agents.failed("a"), agents.done(command, "b"), agents.done(command, "c"))
    assert agents.environment.model.state is S.DEPLOYED


def test_recover_brings_lost_tasks_back():
    agents = lose(lose(running(*three(), tolerate=1), "a"), "b")
    agents.accept_command().ask(E.RECOVER).accept_command()
    assert agents.environment.model.state is S.CONFIGURED
    assert agents.environment.model.tasks.lost == {}


def test_a_run_with_auto_stop_stops_at_its_time():
    agents = running(*three(), auto_stop_enabled="true", auto_stop_timeout="1m30s")
    started = agents.at
    assert agents.environment.wake_at == pytest.approx(started + 90, abs=1)
    agents.wait_out()
    agents.accept_command()
    assert agents.environment.model.state is S.CONFIGURED


def test_without_auto_stop_nothing_is_waited_for():
    assert running(*three(), auto_stop_timeout="1m").environment.wake_at is None


def test_the_end_of_all_basic_tasks_ends_the_run():
    agents = running(planned("a", "h1"), planned("x", "h1", launch=BASIC), planned("y", "h1", launch=BASIC))
    ended(agents, "x")
    assert agents.environment.model.active is None
    ended(agents, "y").accept_command()
    assert agents.environment.model.state is S.CONFIGURED


@pytest.mark.parametrize("critical", [True, False])
@pytest.mark.parametrize("recovery", list(RestartPolicy))
@pytest.mark.parametrize("code", [1, 7, 137, None])
def test_no_failure_of_a_program_is_reported_as_an_end_of_data(critical, recovery, code):
    program = planned("x", "h1", launch=BASIC, critical=critical, recovery=recovery)
    agents = running(planned("a", "h1"), program, recovery_restarts="1")
    ended(agents, "x", code)
    for _ in range(3):
        agents.accept_command()
        if agents.environment.model.state is S.RUNNING and agents.environment.wake_at is not None:
            agents.wait_out()
            ended(agents, "x", code)
    reasons = [effect.reason for effect in agents.effects if isinstance(effect, AnnounceState)]
    assert not any("end of data" in reason for reason in reasons)
    assert agents.environment.model.tasks.reports["a"].state is not TaskState.DONE


def test_an_end_without_a_known_exit_code_is_no_end_of_data():
    agents = running(planned("a", "h1"), planned("x", "h1", launch=BASIC))
    report = replace(
        agents.environment.model.tasks.reports["x"], status=TaskStatus.INACTIVE, state=TaskState.DONE
    )
    agents.take(TasksMoved(at=agents.at, host="h1", reports=(report,)))
    assert agents.environment.model.active is None


def test_one_end_of_stream_ends_the_run():
    agents = running(*three())
    report = TaskReport(
        task="a",
        environment="E",
        revision=agents.environment.model.revision,
        settled=True,
        status=TaskStatus.ACTIVE,
        state=TaskState.RUNNING,
        announced="END_OF_STREAM",
    )
    agents.take(TasksMoved(at=agents.at, host="h1", reports=(report,)))
    agents.accept_command()
    assert agents.environment.model.state is S.CONFIGURED


def test_an_automatic_environment_goes_through_one_run_and_ends():
    agents = agents_of(*three(), auto_stop_enabled="true", auto_stop_timeout="5s")
    agents.ask(
        E.DEPLOY, E.CONFIGURE, E.START_ACTIVITY, run_number=1, automatic=True, undo=True
    ).accept_command()
    assert agents.environment.model.state is S.RUNNING
    agents.wait_out()
    agents.accept_command()
    assert agents.environment.model.state is S.DONE
    assert any(isinstance(effect, ReleaseResources) for effect in agents.effects)


def test_an_automatic_environment_that_fails_ends_too():
    agents = agents_of(*three())
    agents.ask(
        E.DEPLOY, E.CONFIGURE, E.START_ACTIVITY, run_number=1, automatic=True, undo=True
    ).accept_command()
    lose(agents, "a").accept_command()
    assert agents.environment.model.state is S.DONE


@pytest.mark.parametrize(
    ("text", "value"), [("30s", 30), ("1m30s", 90), ("500ms", 0.5), ("2h", 7200), ("1.5s", 1.5)]
)
def test_durations_have_the_form_of_go(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "30", "s", "1m 30s", "soon"])
def test_an_invalid_duration_is_refused(text):
    with pytest.raises(InvalidRequestError, match="not a duration"):
        seconds(text)


def test_an_unreadable_stop_time_is_reported_and_stops_no_run():
    agents = agents_of(*three(), auto_stop_enabled="true", auto_stop_timeout="soon")
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command().ask(E.START_ACTIVITY, run_number=1).accept_command()
    assert (agents.environment.model.state, agents.environment.model.run.stop_at) == (S.RUNNING, None)
    assert "auto_stop_timeout" in agents.answers()[-1]
