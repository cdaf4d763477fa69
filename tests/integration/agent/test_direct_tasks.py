"""Direct tasks: libOCC's states, and what they signal of their own accord."""

import os
import signal
import sys
from pathlib import Path

import pytest

from salt_o2.core.ids import TaskId
from salt_o2.core.messages.commands import Order
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode, TaskState, TaskStatus
from tests.support.free_ports import free_port

pytestmark = pytest.mark.integration
STANDBY, CONFIGURED, RUNNING = TaskState.STANDBY, TaskState.CONFIGURED, TaskState.RUNNING
ERROR, DONE = TaskState.ERROR, TaskState.DONE
PROGRAM = Path(__file__).parents[2] / "support" / "programs" / "libocc_process.py"
RUN = {"runNumber": "42"}


def readout():
    port = free_port()
    launch = Launch(
        mode=ControlMode.DIRECT, value=sys.executable, arguments=(str(PROGRAM), str(port)), control_port=port
    )
    return Order(task=TaskId("readout"), launch=launch, properties={"rate": "1"})


def test_a_direct_task_goes_through_a_whole_cycle(perform):
    async def scene(stage):
        (about,) = await stage.drive(RUNNING, readout(), arguments=RUN)
        assert (about.state, about.device_state, about.failure) == (RUNNING, "RUNNING", None)
        for goal in (CONFIGURED, STANDBY):
            (about,) = await stage.drive(goal, "readout")
            assert (about.state, about.failure) == (goal, None)
        (about,) = await stage.drive(DONE, "readout")
        assert (about.state, about.exit.code) == (DONE, 0)

    perform(scene)


def test_the_end_of_data_is_announced_and_the_task_runs_on(perform):
    async def scene(stage):
        (about,) = await stage.drive(RUNNING, readout(), arguments=RUN)
        os.kill(about.pid, signal.SIGUSR1)
        await stage.until(lambda: stage.latest["readout"].announced == "END_OF_STREAM")
        assert stage.latest["readout"].state is RUNNING
        assert stage.latest["readout"].failure is None
        (about,) = await stage.drive(CONFIGURED, "readout")
        assert (about.state, about.announced) == (CONFIGURED, "")

    perform(scene)


def test_a_direct_task_with_an_internal_error_keeps_its_process(perform):
    async def scene(stage):
        (about,) = await stage.drive(RUNNING, readout(), arguments=RUN)
        os.kill(about.pid, signal.SIGUSR2)
        await stage.until(lambda: stage.latest["readout"].state is ERROR)
        after = stage.latest["readout"]
        assert (after.status, after.pid, after.announced) == (
            TaskStatus.ACTIVE,
            about.pid,
            "TASK_INTERNAL_ERROR",
        )
        assert "TASK_INTERNAL_ERROR" in after.failure.reason
        (about,) = await stage.drive(DONE, "readout")
        assert about.state is DONE

    perform(scene)


def test_a_refused_start_keeps_the_task_configured_with_the_reason(perform):
    async def scene(stage):
        (about,) = await stage.drive(RUNNING, readout())
        assert (about.state, about.status, about.settled) == (CONFIGURED, TaskStatus.ACTIVE, True)
        assert about.failure.asked == "START"
        (about,) = await stage.drive(RUNNING, "readout", arguments=RUN)
        assert (about.state, about.failure) == (RUNNING, None)

    perform(scene)


def test_the_next_agent_receives_signals_too(perform):
    async def scene(stage):
        (about,) = await stage.drive(RUNNING, readout(), arguments=RUN)
        await stage.down()
        await stage.up()
        assert stage.latest["readout"].state is RUNNING
        await stage.until(lambda: _announced_after(stage, about.pid))

    perform(scene)


def _announced_after(stage, pid):
    os.kill(pid, signal.SIGUSR1)
    return stage.latest["readout"].announced == "END_OF_STREAM"
