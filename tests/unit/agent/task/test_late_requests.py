"""The last request of a killed agent may reach a device after the next agent has polled the device."""

import asyncio
from types import SimpleNamespace

import pytest

from salt_o2.agent.process.host_resources import HostResources
from salt_o2.agent.storage.task_directory import TaskDirectory
from salt_o2.agent.storage.task_record import TaskRecord
from salt_o2.agent.task import task as task_module
from salt_o2.agent.task.task import Task
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode, TaskState
from salt_o2.core.tasks.next_action import AgentAction


@pytest.fixture
def task(tmp_path, monkeypatch):
    """A settled task whose device is CONFIGURED; the order was adopted from a killed agent."""
    launch = Launch(mode=ControlMode.FAIRMQ, value="device", control_port=30000)
    record = TaskRecord(
        task=TaskId("sink"), environment=EnvironmentId("E"), state=TaskState.CONFIGURED,
        goal=TaskState.CONFIGURED, launch=launch, launched=launch, settled=True, device_state="READY",
    )  # fmt: skip
    made = Task(
        record,
        TaskDirectory(tmp_path / "sink"),
        HostResources(name=HostId("flp1"), groups=None),
        lambda _: None,
    )
    made._runtime.process = SimpleNamespace(device=None, shim=SimpleNamespace(ended=asyncio.Event()))
    monkeypatch.setattr(made, "_next", lambda: next_of(made))
    monkeypatch.setattr(task_module.actions, "execute", execute)
    return made


async def next_of(task):
    known = task.record
    is_there = known.state is known.goal or known.failure is not None
    return AgentAction.WAIT if is_there else AgentAction.ASSUME_GOAL


async def execute(runtime, step):
    runtime.record.state, runtime.record.device_state = runtime.record.goal, "READY"


def see(task, state, word, adopted_s_ago=0.0, adopted=True):
    """Let the watcher of the device see ``state``, some time after the adoption; return the task's record."""

    async def scene():
        if adopted:
            task._runtime.adopt_unfinished_order()
            task._runtime.must_inspect = False
            task._runtime.adopted_at -= adopted_s_ago
        task._on_observed_state(state, word, f"it left READY without an order and is {word}")
        while task.is_busy:
            await asyncio.sleep(0)
        return task.record

    return asyncio.run(scene())


def test_a_device_that_obeys_a_late_request_is_moved_to_its_goal_again(task):
    record = see(task, TaskState.STANDBY, "IDLE")
    assert (record.state, record.failure, record.settled) == (TaskState.CONFIGURED, None, True)


def test_a_second_move_is_a_failure(task):
    see(task, TaskState.STANDBY, "IDLE")
    record = see(task, TaskState.STANDBY, "IDLE", adopted=False)
    assert record.failure.reason == "it left READY without an order and is IDLE"


@pytest.mark.parametrize(
    ("state", "word", "adopted", "adopted_s_ago"),
    [
        pytest.param(TaskState.STANDBY, "IDLE", False, 0.0, id="no order was adopted"),
        pytest.param(TaskState.STANDBY, "IDLE", True, 3600.0, id="an hour later"),
        pytest.param(TaskState.ERROR, "ERROR", True, 0.0, id="the device is in ERROR"),
    ],
)
def test_a_move_without_a_request_is_a_failure(task, state, word, adopted, adopted_s_ago):
    record = see(task, state, word, adopted_s_ago, adopted)
    assert (record.state, record.failure.reason) == (state, f"it left READY without an order and is {word}")
