"""What a new plan changes; it affects no other task."""

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
from salt_o2.core.recovery.snapshot import capture, restore, resume
from salt_o2.core.states import ControlMode, TaskState
from salt_o2.core.states import EnvironmentEvent as E
from salt_o2.core.states import EnvironmentState as S
from tests.support.builders.plans import plan_of, planned
from tests.support.fakes.agents import FakeAgents

A, B, C = planned("a", "h1"), planned("b", "h1"), planned("c", "h2")


@pytest.fixture
def running():
    """An environment of a, b and c in run 17."""
    agents = FakeAgents(Environment("E", plan_of(A, B, C)))
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command().ask(E.START_ACTIVITY, run_number=17).accept_command()
    agents.effects.clear()
    return agents


def modify(agents, plan, **details):
    agents.take(Modified(at=agents.at, request="m", plan=plan, user="teo", **details))
    return agents


def ordered_goals(agents):
    """Return the orders since the fixture."""
    commands = [effect.command for effect in agents.effects if type(effect).__name__ == "SendCommand"]
    return {order.task: command.goal for command in commands for order in command.orders}


def test_the_same_plan_changes_nothing(running):
    modify(running, plan_of(A, B, C))
    assert ordered_goals(running) == {}
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
    assert ordered_goals(running) == {"c": TaskState.DONE}
    assert running.environment.model.state is S.RUNNING
    running.ask(E.STOP_ACTIVITY)
    assert {order.task for command in running.commands() for order in command.orders} == {"a", "b"}


def test_joining_tasks_are_running_before_any_task_departs(running):
    modify(running, plan_of(A, B, planned("d", "h2")))
    assert set(ordered_goals(running)) == {"d"}
    running.accept_command()
    assert ordered_goals(running) == {"d": TaskState.RUNNING, "c": TaskState.DONE}


def test_an_excluded_task_waits_in_standby_and_the_run_continues(running):
    modify(running, plan_of(A, B, C), excluded={"c": "noisy"}).accept_command()
    assert ordered_goals(running) == {"c": TaskState.STANDBY}
    assert running.environment.model.state is S.RUNNING
    running.take(_moved(running, running.failed("c", reason="died while excluded")))
    assert running.environment.model.state is S.RUNNING


def test_an_included_task_comes_back_into_the_same_run(running):
    modify(running, plan_of(A, B, C), excluded={"c": "noisy"}).accept_command()
    modify(running, plan_of(A, B, C)).accept_command()
    assert ordered_goals(running) == {"c": TaskState.RUNNING}
    assert running.environment.model.run.number == 17


def test_an_excluded_task_skips_transitions_except_the_end(running):
    modify(running, plan_of(A, B, C), excluded={"c": "noisy"}).accept_command()
    running.effects.clear()
    running.ask(E.STOP_ACTIVITY).accept_command()
    assert "c" not in ordered_goals(running)
    running.ask(E.EXIT).accept_command()
    assert ordered_goals(running)["c"] is TaskState.DONE


def test_other_properties_reconfigure_exactly_the_task_that_has_them(running):
    other = replace(B, properties={"chans.data.0.address": "tcp://*:9001"})
    modify(running, plan_of(A, other, C)).accept_command()
    assert ordered_goals(running) == {"b": TaskState.RUNNING}


def test_departing_tasks_get_their_drain_time(running):
    modify(running, plan_of(A, B), drain_s=1.5)
    assert running.commands()[0].arguments["drain_ms"] == "1500"


def test_a_task_that_fails_to_join_is_excluded_and_the_run_continues(running):
    modify(running, plan_of(A, B, C, planned("d", "h2")))
    (command,) = running.commands()
    running.report(command, running.failed("d", reason="no such program"))
    assert running.environment.model.state is S.RUNNING
    assert "no such program" in running.answers()[-1]
    assert running.environment.model.tasks.excluded == {"d": "no such program"}
    assert ordered_goals(running)["d"] is TaskState.DONE


def test_a_silent_host_cannot_hold_up_a_modification_for_ever(running):
    modify(running, plan_of(A, B, C, planned("d", "h9")))
    running.take(Tick(at=running.environment.model.wait.deadline))
    running.accept_command()
    assert "no answer" in running.answers()[-1]
    assert running.environment.model.state is S.RUNNING


def test_the_death_of_an_unmodified_task_during_a_modification_is_an_error(running):
    modify(running, plan_of(A, B, C, planned("d", "h2")))
    running.take(_moved(running, running.failed("a", revision=3, reason="killed"), host="h1"))
    assert running.environment.model.state is S.ERROR
    assert "killed" in running.answers()[-1]
    assert [effect.run_number for effect in running.effects if isinstance(effect, EndRun)] == [17]


def test_a_modification_announces_no_new_state(running):
    modify(running, plan_of(A, B)).accept_command()
    assert not any(isinstance(effect, AnnounceState) for effect in running.effects)


def test_an_environment_in_error_cannot_be_modified(running):
    running.ask(E.GO_ERROR).accept_command()
    with pytest.raises(IllegalTransitionError):
        modify(running, plan_of(A))


@pytest.mark.parametrize("policy", ["restart", "fail", "stop"])
def test_a_departing_task_that_dies_causes_no_failure(policy):
    leaver = planned("b", "h2", recovery=policy)
    agents = FakeAgents(Environment("E", plan_of(A, leaver)))
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command().ask(E.START_ACTIVITY, run_number=17).accept_command()
    modify(agents, plan_of(A, C))
    joining = agents.commands()
    agents.take(_moved(agents, agents.failed("b", revision=3)))
    assert agents.environment.model.restarts.pending == {}
    agents.report(joining[0], agents.done(joining[0], "c"))
    agents.accept_command()
    assert agents.environment.model.state is S.RUNNING
    assert agents.environment.wake_at is None


def test_a_user_cannot_restart_a_departing_task(running):
    modify(running, plan_of(A, B))
    running.take(_moved(running, running.failed("c", revision=3)))
    with pytest.raises(InvalidRequestError, match="c is departing"):
        running.take(RecoverTask(at=running.at, task="c", user="ada"))


def test_two_modifications_do_not_overlap(running):
    modify(running, plan_of(A, B, C, planned("d", "h2")))
    with pytest.raises(InvalidRequestError, match="in transition MODIFY"):
        modify(running, plan_of(A))


def test_a_task_that_joins_in_configured_is_configured_and_not_started():
    agents = FakeAgents(Environment("E", plan_of(A)))
    agents.ask(E.DEPLOY, E.CONFIGURE).accept_command()
    modify(agents, plan_of(A, B))
    assert [command.goal for command in agents.commands()] == [TaskState.CONFIGURED]


def test_after_a_restart_of_control_an_interrupted_modification_orders_all_tasks_to_their_goals(
    running,
):
    modify(running, plan_of(A, B, C, planned("d", "h2")))
    environment = restore("E", running.environment.model.plan, capture(running.environment))
    again = FakeAgents(environment)
    again.take(resume(capture(running.environment), environment.model.plan, at=2000.0))
    assert set(ordered_goals(again)) == {"a", "b", "c", "d"}
    assert set(ordered_goals(again).values()) == {TaskState.RUNNING}


def taken_up(agents):
    """The same environment after kill -9 of control, in the modification that it was in."""
    known = capture(agents.environment)
    again = FakeAgents(restore("E", agents.environment.model.plan, known))
    again.at = agents.at
    again.take(resume(known, agents.environment.model.plan, again.at))
    return again


def test_departing_task_that_misses_standby_is_stopped_even_if_control_restarts(
    running,
):
    modify(running, plan_of(A, B), keep=True)
    agents = taken_up(running)
    for command in agents.commands():
        if command.host == "h1":
            agents.report(command, *(agents.done(command, order.task) for order in command.orders))
    while "c" not in ordered_goals(agents) or ordered_goals(agents)["c"] is not TaskState.DONE:
        agents.wait_out()  # c is silent
    agents = taken_up(agents).accept_command()
    assert set(agents.environment.model.tasks.tasks) == {"a", "b"}
    assert agents.environment.model.state is S.RUNNING


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
def test_each_change_of_a_task_has_a_reason(change, reason, new):
    changes = diff_plans(plan_of(A), plan_of(A, new) if new.id == "x" else plan_of(new), {}, {})
    assert changes.joining == {new.id: change}
    assert reason in changes.reasons[new.id]


def test_a_new_hook_is_no_change_of_tasks():

    hook = planned(
        "hook", "h1", trigger=parse("before_CONFIGURE"), launch=Launch(mode=ControlMode.HOOK, value="x")
    )
    assert diff_plans(plan_of(A), plan_of(A, hook), {}, {}).touched == set()


def _moved(agents, *reports, host="h2"):
    return TasksMoved(at=agents.at, host=host, reports=reports)
