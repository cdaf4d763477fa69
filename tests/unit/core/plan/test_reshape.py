"""What a new plan changes, and that it touches nobody else."""

from dataclasses import replace

import pytest

from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import IllegalTransitionError, InvalidRequestError
from salt_o2.core.messages.announcements import AnnounceState
from salt_o2.core.messages.effects import EndRun
from salt_o2.core.messages.inputs import Modified, RecoverTask, TasksMoved, Tick
from salt_o2.core.plan.launch import Launch
from salt_o2.core.plan.moments import parse
from salt_o2.core.plan.plan_diff import TaskChange, diff_plans
from salt_o2.core.recovery.snapshot import restore, resume, take
from salt_o2.core.states import ControlMode, TaskState
from salt_o2.core.states import EnvironmentEvent as E
from salt_o2.core.states import EnvironmentState as S
from tests.support.builders.plans import plan_of, planned
from tests.support.fakes.agents import FakeAgents

A, B, C = planned("a", "h1"), planned("b", "h1"), planned("c", "h2")


@pytest.fixture
def running():
    """An environment of a, b and c in run 17."""
    crew = FakeAgents(Environment("E", plan_of(A, B, C)))
    crew.ask(E.DEPLOY, E.CONFIGURE).accept_command().ask(E.START_ACTIVITY, run_number=17).accept_command()
    crew.effects.clear()
    return crew


def modify(crew, plan, **details):
    crew.take(Modified(at=crew.at, request="m", plan=plan, user="crew", **details))
    return crew


def told(crew):
    """Who was told what, since the fixture."""
    commands = [effect.command for effect in crew.effects if type(effect).__name__ == "SendCommand"]
    return {order.task: command.goal for command in commands for order in command.orders}


def test_the_same_plan_changes_nothing(running):
    modify(running, plan_of(A, B, C))
    assert told(running) == {}
    assert running.answers() == [""]


def test_a_new_task_is_started_configured_and_started_with_the_run_s_arguments(running):
    modify(running, plan_of(A, B, C, planned("d", "h2")))
    (command,) = running.commands()
    assert (command.goal, [order.task for order in command.orders]) == (TaskState.RUNNING, ["d"])
    assert command.orders[0].launch
    assert command.orders[0].properties
    assert command.arguments["run_number"] == "17"
    running.accept_command()
    assert (running.environment.model.state, running.environment.model.run.number) == (S.RUNNING, 17)


def test_a_task_that_is_not_in_the_plan_any_more_is_ended_and_forgotten(running):
    modify(running, plan_of(A, B)).accept_command()
    assert told(running) == {"c": TaskState.DONE}
    assert running.environment.model.state is S.RUNNING
    running.ask(E.STOP_ACTIVITY)
    assert {order.task for command in running.commands() for order in command.orders} == {"a", "b"}


def test_who_joins_is_there_before_anybody_leaves(running):
    modify(running, plan_of(A, B, planned("d", "h2")))
    assert set(told(running)) == {"d"}
    running.accept_command()
    assert told(running) == {"d": TaskState.RUNNING, "c": TaskState.DONE}


def test_an_excluded_task_waits_in_standby_and_the_run_goes_on_without_it(running):
    modify(running, plan_of(A, B, C), excluded={"c": "noisy"}).accept_command()
    assert told(running) == {"c": TaskState.STANDBY}
    assert running.environment.model.state is S.RUNNING
    running.take(_moved(running, running.failed("c", reason="died while excluded")))
    assert running.environment.model.state is S.RUNNING


def test_an_included_task_comes_back_into_the_same_run(running):
    modify(running, plan_of(A, B, C), excluded={"c": "noisy"}).accept_command()
    modify(running, plan_of(A, B, C)).accept_command()
    assert told(running) == {"c": TaskState.RUNNING}
    assert running.environment.model.run.number == 17


def test_excluded_tasks_stay_out_of_later_transitions_but_not_of_the_end(running):
    modify(running, plan_of(A, B, C), excluded={"c": "noisy"}).accept_command()
    running.effects.clear()
    running.ask(E.STOP_ACTIVITY).accept_command()
    assert "c" not in told(running)
    running.ask(E.EXIT).accept_command()
    assert told(running)["c"] is TaskState.DONE


def test_other_properties_reconfigure_exactly_the_task_that_has_them(running):
    other = replace(B, properties={"chans.data.0.address": "tcp://*:9001"})
    modify(running, plan_of(A, other, C)).accept_command()
    assert told(running) == {"b": TaskState.RUNNING}


def test_leaving_tasks_are_told_how_long_they_may_drain(running):
    modify(running, plan_of(A, B), drain_s=1.5)
    assert running.commands()[0].arguments["drain_ms"] == "1500"


def test_a_task_that_cannot_join_is_left_out_and_the_run_goes_on(running):
    modify(running, plan_of(A, B, C, planned("d", "h2")))
    (command,) = running.commands()
    running.report(command, running.failed("d", reason="no such program"))
    assert running.environment.model.state is S.RUNNING
    assert "no such program" in running.answers()[-1]
    assert running.environment.model.tasks.excluded == {"d": "no such program"}
    assert told(running)["d"] is TaskState.DONE


def test_a_silent_host_cannot_hold_up_a_modification_for_ever(running):
    modify(running, plan_of(A, B, C, planned("d", "h9")))
    running.take(Tick(at=running.environment.model.wait.deadline))
    running.accept_command()
    assert "no answer" in running.answers()[-1]
    assert running.environment.model.state is S.RUNNING


def test_somebody_else_s_death_during_a_modification_is_an_error_as_ever(running):
    modify(running, plan_of(A, B, C, planned("d", "h2")))
    running.take(_moved(running, running.failed("a", revision=3, reason="killed"), host="h1"))
    assert running.environment.model.state is S.ERROR
    assert "killed" in running.answers()[-1]
    assert EndRun(run_number=17) in running.effects


def test_a_modification_announces_no_new_state(running):
    modify(running, plan_of(A, B)).accept_command()
    assert not any(isinstance(effect, AnnounceState) for effect in running.effects)


def test_an_environment_in_error_cannot_be_modified(running):
    running.ask(E.GO_ERROR).accept_command()
    with pytest.raises(IllegalTransitionError):
        modify(running, plan_of(A))


@pytest.mark.parametrize("policy", ["restart", "fail", "stop"])
def test_a_task_that_dies_while_it_leaves_is_missed_by_nobody(policy):
    leaver = planned("b", "h2", recovery=policy)
    crew = FakeAgents(Environment("E", plan_of(A, leaver)))
    crew.ask(E.DEPLOY, E.CONFIGURE).accept_command().ask(E.START_ACTIVITY, run_number=17).accept_command()
    modify(crew, plan_of(A, C))
    joining = crew.commands()
    crew.take(_moved(crew, crew.failed("b", revision=3)))
    assert crew.environment.model.restarts.pending == {}
    crew.report(joining[0], crew.done(joining[0], "c"))
    crew.accept_command()
    assert crew.environment.model.state is S.RUNNING
    assert crew.environment.wake_at is None


def test_nobody_can_ask_for_a_task_that_leaves(running):
    modify(running, plan_of(A, B))
    running.take(_moved(running, running.failed("c", revision=3)))
    with pytest.raises(InvalidRequestError, match="c is leaving"):
        running.take(RecoverTask(at=running.at, task="c", user="ada"))


def test_two_modifications_do_not_overlap(running):
    modify(running, plan_of(A, B, C, planned("d", "h2")))
    with pytest.raises(InvalidRequestError, match="in the middle of MODIFY"):
        modify(running, plan_of(A))


def test_in_configured_newcomers_are_only_configured():
    crew = FakeAgents(Environment("E", plan_of(A)))
    crew.ask(E.DEPLOY, E.CONFIGURE).accept_command()
    modify(crew, plan_of(A, B))
    assert [command.goal for command in crew.commands()] == [TaskState.CONFIGURED]


def test_after_a_restart_of_control_an_interrupted_modification_orders_everybody_where_they_should_be(
    running,
):
    modify(running, plan_of(A, B, C, planned("d", "h2")))
    environment = restore("E", running.environment.model.plan, take(running.environment))
    again = FakeAgents(environment)
    again.take(resume(take(running.environment), environment.model.plan, at=2000.0))
    assert set(told(again)) == {"a", "b", "c", "d"}
    assert set(told(again).values()) == {TaskState.RUNNING}


def taken_up(crew):
    """The same environment after kill -9 of control, in the modification that it was in."""
    known = take(crew.environment)
    again = FakeAgents(restore("E", crew.environment.model.plan, known))
    again.at = crew.at
    again.take(resume(known, crew.environment.model.plan, again.at))
    return again


def test_one_that_does_not_come_to_rest_for_the_pool_leaves_though_control_is_killed_before_and_after(
    running,
):
    modify(running, plan_of(A, B), keep=True)
    crew = taken_up(running)
    for command in crew.commands():
        if command.host == "h1":
            crew.report(command, *(crew.done(command, order.task) for order in command.orders))
    while "c" not in told(crew) or told(crew)["c"] is not TaskState.DONE:
        crew.wait_out()  # c is silent
    crew = taken_up(crew).accept_command()
    assert set(crew.environment.model.tasks.tasks) == {"a", "b"}
    assert crew.environment.model.state is S.RUNNING


@pytest.mark.parametrize(
    ("change", "reason", "new"),
    [
        (TaskChange.START, "new in the plan", planned("x", "h1")),
        (
            TaskChange.RESTART,
            "arguments",
            replace(A, launch=replace(A.launch, arguments=("--rate=2",))),
        ),
        (
            TaskChange.RECONFIGURE,
            "properties changed: text",
            replace(A, properties={**A.properties, "text": "x"}),
        ),
        (TaskChange.RESTART, "control_port", replace(A, launch=replace(A.launch, control_port=1))),
    ],
    ids=["a new one", "other arguments", "another property", "another port"],
)
def test_the_reason_of_a_change_is_said(change, reason, new):
    changes = diff_plans(plan_of(A), plan_of(A, new) if new.id == "x" else plan_of(new), {}, {})
    assert changes.joining == {new.id: change}
    assert reason in changes.reasons[new.id]


def test_hooks_are_never_part_of_a_change():

    hook = planned(
        "hook", "h1", trigger=parse("before_CONFIGURE"), launch=Launch(mode=ControlMode.HOOK, value="x")
    )
    assert diff_plans(plan_of(A), plan_of(A, hook), {}, {}).touched == set()


def _moved(crew, *reports, host="h2"):
    return TasksMoved(at=crew.at, host=host, reports=reports)
