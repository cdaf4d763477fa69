"""Salt reads for agent and control in tasks of its own: when one of them ends, so does the loop "bus"."""

import asyncio

import pytest
import salt.config

from salt_o2.background import LoopEnded
from salt_o2.bus.master import MasterBus
from salt_o2.bus.minion import MinionBus
from salt_o2.bus.reading import tasks_of

pytestmark = pytest.mark.integration


async def kill_reading(find, listening):
    """Cancel the task in which Salt reads, once there is one; return how ``listening`` ends."""
    running = asyncio.ensure_future(listening)
    async with asyncio.timeout(60):
        while not (reading := find()):
            await asyncio.sleep(0.05)
        reading[0].cancel()
        with pytest.raises(LoopEnded) as ended:
            await running
    return str(ended.value)


def test_an_agent_that_can_read_no_publication_any_more_ends(cluster):
    async def scene():
        opts = salt.config.minion_config(str(cluster.directory / "flp1" / "minion"))
        bus = MinionBus(opts)

        async def ignore(_anything):
            pass

        try:
            return await kill_reading(
                lambda: tasks_of(getattr(bus._down, "transport", None)), bus.run(ignore, ignore)
            )
        finally:
            bus.close()

    assert "publications of the master" in asyncio.run(scene())


def test_a_control_that_can_read_no_event_any_more_ends(cluster):
    async def scene():
        bus = MasterBus(salt.config.master_config(str(cluster.config_dir / "master")))
        try:
            return await kill_reading(
                lambda: tasks_of(getattr(bus._events, "subscriber", None)), bus.listen(lambda _report: None)
            )
        finally:
            bus.close()

    assert "events of the master" in asyncio.run(scene())
