"""How long the work for one process may go on once its process has ended, or once the task is to end."""

import asyncio

import pytest

from salt_o2.agent.process.host_resources import HostResources
from salt_o2.agent.process.member_processes import MemberProcesses
from salt_o2.agent.process.process_group import ProcessGroup
from salt_o2.agent.process.task_process import TaskProcess
from salt_o2.agent.storage.task_record import TaskRecord
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode

PATIENCE_S = 1000.0


@pytest.fixture
def play(tmp_path):
    """Play a scene with the processes of a task, in an event loop; no process is there yet to be watched."""

    async def played(scene):
        record = TaskRecord(task=TaskId("sink"), environment=EnvironmentId("E"))
        process = ProcessGroup(2**22, 0, tmp_path / "status")
        launch = Launch(mode=ControlMode.BASIC, value="true")
        async with asyncio.timeout(10):
            host = HostResources(name=HostId("flp1"), groups=None)
            members = MemberProcesses(directory=tmp_path, shim=process, group=None, scan=host.process_scan)
            await scene(TaskProcess(record, members, process, launch, host))

    return lambda scene: asyncio.run(played(scene))


def begin(living):
    """Begin work that never ends by itself."""
    never = asyncio.get_running_loop().create_future()

    async def work():
        await never

    return asyncio.create_task(living.run_while_alive(work(), PATIENCE_S, hurried=False))


def end(living):
    living.shim.ended.set()
    living.record_exit(lambda: None)


def test_an_order_that_comes_while_work_is_being_broken_off_raises_nothing(play):
    async def scene(living):
        working = begin(living)
        await asyncio.sleep(0)
        end(living)
        raised = asyncio.get_running_loop().create_future()

        def order():  # runs after the time-out has expired, and before the work has noticed that
            try:
                living.shorten_deadline()
                living.restore_deadline()
                end(living)
            except Exception as error:
                raised.set_exception(error)
            else:
                raised.set_result(None)

        asyncio.get_running_loop().call_soon(order)
        assert await working is None
        await raised

    play(scene)


def test_work_for_a_process_that_has_ended_gets_no_more_time(play):
    async def scene(living):
        working = begin(living)
        await asyncio.sleep(0)
        end(living)
        living.shorten_deadline()
        living.restore_deadline()
        assert await working is None

    play(scene)


def test_work_gets_its_time_back_when_the_task_is_to_stay_after_all(play):
    async def scene(living):
        working = begin(living)
        await asyncio.sleep(0)
        living.shorten_deadline()
        assert living.is_urgent
        living.restore_deadline()
        assert not living.is_urgent
        end(living)
        assert await working is None

    play(scene)
