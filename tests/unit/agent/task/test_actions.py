"""An order comes while a step waits for something: the step does not act on the new goal."""

import asyncio

import pytest

from salt_o2.agent.process import task_process
from salt_o2.agent.process.host_resources import HostResources
from salt_o2.agent.process.member_processes import Survivors
from salt_o2.agent.storage.task_directory import TaskDirectory
from salt_o2.agent.storage.task_record import TaskRecord
from salt_o2.agent.task import actions
from salt_o2.agent.task.runtime import TaskRuntime
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode, TaskState
from salt_o2.core.tasks.next_action import AgentAction

LAUNCH = Launch(mode=ControlMode.BASIC, value="exit 0", shell=True)


@pytest.fixture
def runtime(tmp_path):
    """A task without a process, of which an earlier agent may have left some."""
    record = TaskRecord(
        task=TaskId("clock"),
        environment=EnvironmentId("E"),
        state=TaskState.UNKNOWN,
        launch=LAUNCH,
        fresh=True,
    )
    host = HostResources(name=HostId("flp1"), groups=None)
    return TaskRuntime(
        record=record, directory=TaskDirectory(tmp_path / "clock"), host=host, on_end=lambda: None
    )


def change_goal_meanwhile(monkeypatch, runtime, goal):
    async def clear(*_arguments):
        runtime.record.goal = goal
        return Survivors()

    monkeypatch.setattr(task_process, "stop_leaderless_members", clear)


def test_a_task_that_was_to_be_done_does_not_count_as_running_without_a_process(monkeypatch, runtime):
    runtime.record.goal = TaskState.DONE
    change_goal_meanwhile(monkeypatch, runtime, TaskState.RUNNING)
    asyncio.run(actions.execute(runtime, AgentAction.ASSUME_GOAL))
    assert (runtime.record.state, runtime.record.fresh) == (TaskState.UNKNOWN, True)


def test_a_task_that_is_to_be_done_meanwhile_is_not_started(monkeypatch, runtime):
    runtime.record.goal = TaskState.RUNNING
    change_goal_meanwhile(monkeypatch, runtime, TaskState.DONE)
    asyncio.run(actions.execute(runtime, AgentAction.LAUNCH))
    assert (runtime.process, runtime.record.shim) == (None, None)
