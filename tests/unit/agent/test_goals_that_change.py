"""An order comes while a step waits for something: the step does not act on the new goal."""

import asyncio

import pytest

from salt_o2.agent import body, steps
from salt_o2.agent.body import Host
from salt_o2.agent.home import TaskHome
from salt_o2.agent.life import Life
from salt_o2.agent.members import Remains
from salt_o2.agent.record import Record
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.launch import Launch
from salt_o2.core.states import ControlMode, TaskState
from salt_o2.core.tasks.next_action import AgentAction

LAUNCH = Launch(mode=ControlMode.BASIC, value="exit 0", shell=True)


@pytest.fixture
def life(tmp_path):
    """A task without a process, of which an earlier agent may have left some."""
    record = Record(
        task=TaskId("clock"),
        environment=EnvironmentId("E"),
        state=TaskState.UNKNOWN,
        launch=LAUNCH,
        fresh=True,
    )
    host = Host(name=HostId("flp1"), groups=None)
    return Life(record=record, home=TaskHome(tmp_path / "clock"), host=host, on_end=lambda: None)


def change_goal_meanwhile(monkeypatch, life, goal):
    async def clear(*_arguments):
        life.record.goal = goal
        return Remains()

    monkeypatch.setattr(body, "clear_unled", clear)


def test_a_task_that_was_to_be_done_does_not_count_as_running_without_a_process(monkeypatch, life):
    life.record.goal = TaskState.DONE
    change_goal_meanwhile(monkeypatch, life, TaskState.RUNNING)
    asyncio.run(steps.carry_out(life, AgentAction.ASSUME_GOAL))
    assert (life.record.state, life.record.fresh) == (TaskState.UNKNOWN, True)


def test_a_task_that_is_to_be_done_meanwhile_is_not_started(monkeypatch, life):
    life.record.goal = TaskState.RUNNING
    change_goal_meanwhile(monkeypatch, life, TaskState.DONE)
    asyncio.run(steps.carry_out(life, AgentAction.LAUNCH))
    assert (life.body, life.record.keeper) == (None, None)
