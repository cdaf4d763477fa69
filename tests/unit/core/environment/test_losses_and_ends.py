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


def crew_of(*tasks, tolerate=0, **variables):
    return FakeAgents(Environment("E", plan_of(*tasks, tolerate=tolerate, **variables)))


def running(*tasks, tolerate=0, **variables):
    crew = crew_of(*tasks, tolerate=tolerate, **variables)
    crew.ask(E.DEPLOY, E.CONFIGURE).accept_command().ask(E.START_ACTIVITY, run_number=17).accept_command()
    assert crew.environment.model.state is S.RUNNING
    return crew


def ended(crew, task, code=0):
    state = TaskState.DONE if code == 0 else TaskState.ERROR
    report = TaskReport(
        task=task,
        environment="E",
        revision=crew.environment.model.revision,
        settled=True,
        status=TaskStatus.INACTIVE,
        state=state,
        exit=Exit(code=code),
        failure=Failure(asked="stay RUNNING", state="-", reason=f"exit code {code}") if code else None,
    )
    crew.take(TasksMoved(at=crew.at, host="h1", reports=(report,)))
    return crew


def lose(crew, task):
    crew.take(TasksMoved(at=crew.at, host="h1", reports=(crew.failed(task, reason="killed"),)))
    return crew


def three():
    return planned("a", "h1"), planned("b", "h1"), planned("c", "h1")


def test_a_tolerated_loss_does_not_end_the_run_and_is_remembered_with_its_reason():
    crew = lose(running(*three(), tolerate=1), "a")
    assert crew.environment.model.state is S.RUNNING
    assert crew.environment.model.tasks.lost == {"a": "killed"}


def test_one_loss_too_many_ends_it():
    crew = lose(lose(running(*three(), tolerate=1), "a"), "b")
    assert crew.environment.model.state is S.ERROR


def test_a_lost_task_is_asked_for_nothing_more_but_its_end():
    crew = lose(running(*three(), tolerate=1), "a")
    crew.ask(E.STOP_ACTIVITY)
    assert {o.task for c in crew.commands() for o in c.orders} == {"b", "c"}
    crew.accept_command().ask(E.EXIT)
    assert {o.task for c in crew.commands() for o in c.orders} == {"a", "b", "c"}


def test_a_loss_in_a_transition_is_tolerated_as_well():
    crew = crew_of(*three(), tolerate=1)
    crew.ask(E.DEPLOY)
    (command,) = crew.commands()
    crew.report(command, crew.failed("a"), crew.done(command, "b"), crew.done(command, "c"))
    assert crew.environment.model.state is S.DEPLOYED


def test_recover_brings_lost_tasks_back():
    crew = lose(lose(running(*three(), tolerate=1), "a"), "b")
    crew.accept_command().ask(E.RECOVER).accept_command()
    assert crew.environment.model.state is S.CONFIGURED
    assert crew.environment.model.tasks.lost == {}


def test_a_run_with_auto_stop_stops_at_its_time():
    crew = running(*three(), auto_stop_enabled="true", auto_stop_timeout="1m30s")
    started = crew.at
    assert crew.environment.wake_at == pytest.approx(started + 90, abs=1)
    crew.wait_out()
    crew.accept_command()
    assert crew.environment.model.state is S.CONFIGURED


def test_without_auto_stop_nothing_is_waited_for():
    assert running(*three(), auto_stop_timeout="1m").environment.wake_at is None


def test_the_end_of_all_basic_tasks_ends_the_run():
    crew = running(planned("a", "h1"), planned("x", "h1", launch=BASIC), planned("y", "h1", launch=BASIC))
    ended(crew, "x")
    assert crew.environment.model.active is None
    ended(crew, "y").accept_command()
    assert crew.environment.model.state is S.CONFIGURED


@pytest.mark.parametrize("critical", [True, False])
@pytest.mark.parametrize("recovery", list(RestartPolicy))
@pytest.mark.parametrize("code", [1, 7, 137, None])
def test_no_failure_of_a_program_is_told_as_an_end_of_data(critical, recovery, code):
    program = planned("x", "h1", launch=BASIC, critical=critical, recovery=recovery)
    crew = running(planned("a", "h1"), program, recovery_restarts="1")
    ended(crew, "x", code)
    for _ in range(3):
        crew.accept_command()
        if crew.environment.model.state is S.RUNNING and crew.environment.wake_at is not None:
            crew.wait_out()
            ended(crew, "x", code)
    told = [effect.reason for effect in crew.effects if isinstance(effect, AnnounceState)]
    assert not any("end of data" in reason for reason in told)
    assert crew.environment.model.tasks.reports["a"].state is not TaskState.DONE


def test_an_end_without_a_known_exit_code_is_no_end_of_data():
    crew = running(planned("a", "h1"), planned("x", "h1", launch=BASIC))
    report = replace(
        crew.environment.model.tasks.reports["x"], status=TaskStatus.INACTIVE, state=TaskState.DONE
    )
    crew.take(TasksMoved(at=crew.at, host="h1", reports=(report,)))
    assert crew.environment.model.active is None


def test_one_end_of_stream_ends_the_run():
    crew = running(*three())
    report = TaskReport(
        task="a",
        environment="E",
        revision=crew.environment.model.revision,
        settled=True,
        status=TaskStatus.ACTIVE,
        state=TaskState.RUNNING,
        announced="END_OF_STREAM",
    )
    crew.take(TasksMoved(at=crew.at, host="h1", reports=(report,)))
    crew.accept_command()
    assert crew.environment.model.state is S.CONFIGURED


def test_an_automatic_environment_goes_through_one_run_and_is_gone():
    crew = crew_of(*three(), auto_stop_enabled="true", auto_stop_timeout="5s")
    crew.ask(
        E.DEPLOY, E.CONFIGURE, E.START_ACTIVITY, run_number=1, automatic=True, undo=True
    ).accept_command()
    assert crew.environment.model.state is S.RUNNING
    crew.wait_out()
    crew.accept_command()
    assert crew.environment.model.state is S.DONE
    assert any(isinstance(effect, ReleaseResources) for effect in crew.effects)


def test_an_automatic_environment_that_fails_is_gone_too():
    crew = crew_of(*three())
    crew.ask(
        E.DEPLOY, E.CONFIGURE, E.START_ACTIVITY, run_number=1, automatic=True, undo=True
    ).accept_command()
    lose(crew, "a").accept_command()
    assert crew.environment.model.state is S.DONE


@pytest.mark.parametrize(
    ("text", "value"), [("30s", 30), ("1m30s", 90), ("500ms", 0.5), ("2h", 7200), ("1.5s", 1.5)]
)
def test_durations_are_go_s(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "30", "s", "1m 30s", "soon"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(InvalidRequestError, match="no duration"):
        seconds(text)


def test_a_stop_time_that_nobody_can_read_is_told_and_stops_nothing():
    crew = crew_of(*three(), auto_stop_enabled="true", auto_stop_timeout="soon")
    crew.ask(E.DEPLOY, E.CONFIGURE).accept_command().ask(E.START_ACTIVITY, run_number=1).accept_command()
    assert (crew.environment.model.state, crew.environment.model.run.stop_at) == (S.RUNNING, None)
    assert "auto_stop_timeout" in crew.answers()[-1]
