"""What a survey tells beyond the tasks that it lists."""

from dataclasses import replace

import pytest

from salt_o2.core.environment.environment import Environment
from salt_o2.core.messages.inputs import Requested
from salt_o2.core.messages.reports import HostFacts, Report, TaskReport
from salt_o2.core.plan.launch import Launch
from salt_o2.core.plan.plan import Plan, PlannedRole, PlannedTask
from salt_o2.core.recovery.survey_reconciler import (
    lost_tasks,
    split_by_environment,
    stop_commands_for_orphans,
)
from salt_o2.core.states import ControlMode, EnvironmentEvent, EnvironmentState, TaskState, TaskStatus
from salt_o2.core.tasks.restarts import RestartPolicy

FACTS = HostFacts(address="127.0.0.11", network="n", cpus=2, memory_mb=1000)


def planned(name, host):
    return PlannedTask(
        id=name,
        path=name,
        class_name="k",
        host=host,
        critical=True,
        launch=Launch(mode=ControlMode.FAIRMQ, value="x"),
        properties={},
        recovery=RestartPolicy.RESTART,
    )


def report(task, environment="E", status=TaskStatus.ACTIVE, revision=3):
    return TaskReport(
        task=task,
        environment=environment,
        revision=revision,
        settled=True,
        status=status,
        state=TaskState.RUNNING,
    )


def environment(*known):
    tasks = (planned("a", "flp1"), planned("b", "flp1"), planned("c", "flp2"))
    leaves = tuple(PlannedRole(name=task.id, path=task.path, task=task.id) for task in tasks)
    root = PlannedRole(name="root", path="root", roles=leaves)
    result = Environment("E", Plan(workflow="w", revision="r", root=root, tasks=tasks))
    result.model.tasks.reports = {task: report(task) for task in known}
    return result


def survey(*tasks):
    return Report(host="flp1", incarnation="i", sequence=1, facts=FACTS, tasks=tasks)


def test_a_task_that_ran_there_and_is_not_in_the_survey_is_lost():
    (missing,) = lost_tasks(environment("a", "b", "c"), survey(report("a")))
    assert (missing.task, missing.state, missing.status) == ("b", TaskState.ERROR, TaskStatus.INACTIVE)
    assert "no longer knows it" in missing.failure.reason


def test_a_task_that_was_never_started_is_not_lost():
    assert lost_tasks(environment("a"), survey(report("a"))) == []


def running():
    """An environment in a run, as a control that was restarted has it: no task has reported to it yet."""
    result = environment()
    result.model.state = EnvironmentState.RUNNING
    return result


def test_a_task_that_must_be_there_is_lost_also_for_a_control_that_was_restarted():
    (missing,) = lost_tasks(running(), survey(report("a")))
    assert (missing.task, missing.environment, missing.status) == ("b", "E", TaskStatus.INACTIVE)
    assert "no longer knows it" in missing.failure.reason


def test_control_repairs_a_task_that_was_lost_while_control_was_away():
    restarted = running()
    moved = split_by_environment({"E": restarted}, survey(report("a")), 10.0)["E"]
    restarted.step(moved)
    assert set(restarted.model.restarts.pending) == {"b"}
    assert restarted.model.state is EnvironmentState.RUNNING


def excluded(restarted):
    restarted.model.tasks.exclude_task("b", "left out")


def forgone(restarted):
    restarted.model.tasks.mark_lost("b", "its loss is tolerated")


def repaired(restarted):
    restarted.model.restarts.schedule("b", "it failed", 1.0)


def in_transition(restarted):
    restarted.step(Requested(at=1.0, request="r", events=(EnvironmentEvent.STOP_ACTIVITY,)))


def in_error(restarted):
    restarted.model.state = EnvironmentState.ERROR


@pytest.mark.parametrize("reason", [excluded, forgone, repaired, in_transition, in_error])
def test_a_task_that_need_not_be_there_is_not_lost_for_a_control_that_was_restarted(reason):
    restarted = running()
    reason(restarted)
    assert lost_tasks(restarted, survey(report("a"))) == []


def test_a_hook_that_was_not_begun_is_not_lost():
    tasks = (planned("a", "flp1"), replace(planned("h", "flp1"), trigger="before_START_ACTIVITY"))
    leaves = tuple(PlannedRole(name=task.id, path=task.path, task=task.id) for task in tasks)
    root = PlannedRole(name="root", path="root", roles=leaves)
    restarted = Environment("E", Plan(workflow="w", revision="r", root=root, tasks=tasks))
    restarted.model.state = EnvironmentState.RUNNING
    assert lost_tasks(restarted, survey(report("a"))) == []


def test_tasks_of_an_environment_that_has_ended_are_ended():
    (command,) = stop_commands_for_orphans(
        {"E": environment()}, survey(report("a"), report("x", "gone", revision=8))
    )
    assert (command.environment, command.goal, command.revision) == ("gone", TaskState.DONE, 9)
    assert [order.task for order in command.orders] == ["x"]


def test_a_task_that_its_environment_does_not_know_is_ended():
    (command,) = stop_commands_for_orphans({"E": environment()}, survey(report("y", "E")))
    assert [order.task for order in command.orders] == ["y"]


def test_a_survey_with_known_tasks_only_stops_no_task():
    assert stop_commands_for_orphans({"E": environment()}, survey(report("a"), report("b"))) == []
