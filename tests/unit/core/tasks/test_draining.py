"""Which tasks leave a drained host now, and why the others stay."""

import pytest

from salt_o2.core.states import EnvironmentState as S
from salt_o2.core.tasks.draining import (
    BEING_CREATED,
    DEPARTING,
    IN_ERROR,
    IN_TRANSITION,
    RUN_LASTS,
    drain_step,
)
from salt_o2.core.tasks.registry import TaskRegistry
from tests.support.builders.plans import plan_of, planned


@pytest.fixture
def tasks():
    """Three tasks on flp1, of which only ``epn`` permits a restart in a run; one on flp2."""
    return TaskRegistry(
        "ENV",
        plan_of(
            planned("epn", "flp1", recovery="restart"),
            planned("readout", "flp1", recovery="fail"),
            planned("hook", "flp1", recovery="restart", trigger="after_STOP_ACTIVITY"),
            planned("elsewhere", "flp2", recovery="restart"),
        ),
    )


def step(tasks, state, *, hosts=("flp1",), in_transition=False, after_runs=False):
    return drain_step(tasks, state, hosts, in_transition=in_transition, after_runs=after_runs)


@pytest.mark.parametrize("state", [S.DEPLOYED, S.CONFIGURED])
def test_without_a_run_all_tasks_leave_the_host(tasks, state):
    assert step(tasks, state).leaving == ("epn", "readout", "hook")
    assert step(tasks, state).staying == {}


def test_in_a_run_only_tasks_that_permit_a_restart_leave(tasks):
    found = step(tasks, S.RUNNING)
    assert found.leaving == ("epn",)
    assert found.staying == {"readout": RUN_LASTS, "hook": RUN_LASTS}


def test_a_drain_after_runs_moves_no_task_of_a_run(tasks):
    found = step(tasks, S.RUNNING, after_runs=True)
    assert found.leaving == ()
    assert set(found.staying) == {"epn", "readout", "hook"}
    assert step(tasks, S.CONFIGURED, after_runs=True).leaving == ("epn", "readout", "hook")


def test_during_a_transition_no_task_leaves(tasks):
    found = step(tasks, S.CONFIGURED, in_transition=True)
    assert found.leaving == ()
    assert set(found.staying.values()) == {IN_TRANSITION}


@pytest.mark.parametrize(
    ("state", "why"), [(S.ERROR, IN_ERROR), (S.PENDING, BEING_CREATED), (S.STANDBY, BEING_CREATED)]
)
def test_in_a_state_that_permits_no_modification_no_task_leaves(tasks, state, why):
    found = step(tasks, state)
    assert found.leaving == ()
    assert set(found.staying.values()) == {why}


def test_a_departing_task_is_not_moved(tasks):
    left = [task for task in tasks.plan.tasks if task.id != "readout"]
    tasks.install_plan(plan_of(*left), {}, departing=[tasks.tasks["readout"]])
    found = step(tasks, S.CONFIGURED)
    assert found.leaving == ("epn", "hook")
    assert found.staying == {"readout": DEPARTING}


def test_several_hosts_are_drained_together(tasks):
    assert step(tasks, S.CONFIGURED, hosts=("flp1", "flp2")).leaving == (
        "epn",
        "readout",
        "hook",
        "elsewhere",
    )
    assert step(tasks, S.CONFIGURED, hosts=()).leaving == ()
