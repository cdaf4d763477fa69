"""Orders that come faster than they can be carried out: the last one counts, and it is reached.

Each seed draws twelve commands, restarts of the agent, and times when control cannot be reached. One seed
takes two seconds; `make soak` runs two thousand.
"""

import asyncio
import random

import pytest

from salt_o2.core.ids import TaskId
from salt_o2.core.messages.commands import Order
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode, TaskState
from tests.support.builders.properties import data_channel
from tests.support.free_ports import free_port
from tests.support.harness.agent import basic, device
from tests.support.random_tests.seeds import seeds

pytestmark = pytest.mark.integration
GOALS = (TaskState.STANDBY, TaskState.CONFIGURED, TaskState.RUNNING, TaskState.DONE)


@pytest.mark.parametrize("seed", seeds("0-39"))
def test_the_last_of_many_hurried_orders_is_reached(perform, seed):
    chance = random.Random(seed)
    launches = {
        "clock": basic("exec sleep 1000"),
        "once": basic("exit 0"),
        "ghost": Launch(mode=ControlMode.BASIC, value="no-such-program"),
        "sink": device("sink", "OCClite"),
        "other": device("sink", "OCC"),
    }
    properties = {name: data_channel(free_port()) for name in ("sink", "other")}

    def orders():
        return [
            Order(task=TaskId(name), launch=launch, properties=properties.get(name))
            for name, launch in launches.items()
        ]

    async def scene(stage):
        for _ in range(12):
            stage.refusing = chance.random() < 0.2
            await stage.command(chance.choice(GOALS), *orders())
            if chance.random() < 0.15:
                await stage.down()
                stage.refusing = False
                await stage.up()
            await asyncio.sleep(chance.choice((0, 0, 0.01, 0.1, 0.4)))
        stage.refusing = False
        for goal in (TaskState.RUNNING, TaskState.STANDBY):
            reached = {about.task: about for about in await stage.drive(goal, *orders())}
            assert reached["ghost"].state is TaskState.ERROR, (
                "its program is missing, and is looked for first"
            )
            for name in ("clock", "sink", "other"):
                assert (name, reached[name].state, reached[name].failure) == (name, goal, None)
        await stage.drive(TaskState.DONE, *launches)
        await stage.until(lambda: stage.agent.tasks() == [])
        assert stage.left_behind() == []
        failed = [about for about in stage.told() if about.failure and about.task != "ghost"]
        assert failed == [], "each order had a launch, so none of them had to fail on its way"

    perform(scene)
