"""A task is transferred between owners: its process stays, and orders of the former owner are ignored."""

import os

import pytest

from salt_o2.core.ids import POOL, EnvironmentId, TaskId
from salt_o2.core.messages.commands import Order
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode, TaskState, TaskStatus
from tests.support.builders.properties import data_channel
from tests.support.free_ports import free_port
from tests.support.harness.agent import ENVIRONMENT, device

pytestmark = pytest.mark.integration
STANDBY, CONFIGURED, RUNNING, DONE = (
    TaskState.STANDBY,
    TaskState.CONFIGURED,
    TaskState.RUNNING,
    TaskState.DONE,
)
NEXT = EnvironmentId("3xEwjGsUJ5b")


def order(launch=None, port=None):
    return Order(task=TaskId("sink"), launch=launch, properties=data_channel(port) if port else None)


def test_a_task_is_transferred_to_the_pool_and_claimed_with_its_process(perform):
    async def scene(stage):
        launch = device()
        (first,) = await stage.drive(RUNNING, order(launch, free_port()))
        (resting,) = await stage.drive(STANDBY, "sink")
        (pooled,) = await stage.drive(STANDBY, "sink", environment=POOL)
        assert (pooled.environment, pooled.state, pooled.pid) == (POOL, STANDBY, resting.pid)
        (claimed,) = await stage.drive(STANDBY, order(launch), environment=NEXT)
        (running,) = await stage.drive(RUNNING, order(port=free_port()), environment=NEXT)
        assert (claimed.environment, running.environment) == (NEXT, NEXT)
        assert {first.pid, claimed.pid, running.pid} == {first.pid}

    perform(scene)


def test_a_late_order_of_the_last_owner_changes_nothing(perform):
    async def scene(stage):
        await stage.launch(STANDBY, sink=device())
        await stage.drive(STANDBY, "sink", environment=POOL)
        await stage.command(DONE, "sink", revision=1)
        await stage.until(lambda: ENVIRONMENT in stage.reports[-1].accepted)
        (about,) = stage.agent.tasks()
        assert (about.environment, about.state, about.status) == (POOL, STANDBY, TaskStatus.ACTIVE)
        stage.revision = 2

    perform(scene)


def test_the_last_owner_s_command_is_over_when_its_task_has_another_owner(perform):
    """Otherwise every report would go on saying that it is being carried out."""

    async def scene(stage):
        mute = Launch(mode=ControlMode.FAIRMQ, value="exec sleep 1000", shell=True, control_port=free_port())
        await stage.command(RUNNING, order(mute))
        await stage.until(lambda: ENVIRONMENT in stage.reports[-1].accepted)
        await stage.command(STANDBY, "sink", environment=POOL)
        seen = len(stage.reports)
        await stage.until(lambda: any(ENVIRONMENT not in each.accepted for each in stage.reports[seen:]), 10)

    perform(scene)


def test_the_next_agent_knows_the_owner(perform):
    async def scene(stage):
        (before,) = await stage.launch(STANDBY, sink=device())
        await stage.drive(STANDBY, "sink", environment=POOL)
        await stage.down()
        os.kill(before.pid, 0)
        stage.latest.clear()
        await stage.up()
        after = stage.latest["sink"]
        assert (after.environment, after.pid, after.state) == (POOL, before.pid, STANDBY)

    perform(scene)


def test_a_task_that_died_before_it_was_claimed_is_restarted(perform):
    async def scene(stage):
        launch = device()
        (before,) = await stage.launch(STANDBY, sink=launch)
        await stage.drive(STANDBY, "sink", environment=POOL)
        os.kill(before.pid, 9)
        await stage.until(lambda: stage.latest["sink"].state is TaskState.ERROR)
        (after,) = await stage.drive(STANDBY, order(launch), environment=NEXT)
        assert (after.state, after.environment, after.failure) == (STANDBY, NEXT, None)
        assert after.pid != before.pid

    perform(scene)
