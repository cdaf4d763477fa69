"""The loops that read from Salt, and the tasks in which Salt reads: when one ends, so does the bus."""

import asyncio
from functools import partial

import pytest
import salt.config

from salt_o2.bus.master import MasterBus
from salt_o2.bus.minion import Listener, MinionBus
from salt_o2.bus.salt_reader import tasks_of
from salt_o2.concurrency.background_loops import LOOP, LoopEnded

pytestmark = pytest.mark.integration
LOOPS = {"agent": {"sign-in", "publications"}, "control": {"events", "invitations"}}


async def ignore(*_anything):
    pass


def bus_of(side, cluster):
    """A bus on the real master, how to run it, and how to find the tasks in which Salt reads for it."""
    if side == "agent":
        bus = MinionBus(salt.config.minion_config(str(cluster.directory / "flp1" / "minion")))
        listener = Listener(
            incarnation="a test", on_message=ignore, on_question=ignore, signed_in=ignore, established=ignore
        )
        return bus, partial(bus.run, listener), lambda: tasks_of(getattr(bus._down, "transport", None))
    bus = MasterBus(salt.config.master_config(str(cluster.config_dir / "master")))
    run = partial(bus.listen, lambda _report: None)
    return bus, run, lambda: tasks_of(getattr(bus._events, "subscriber", None))


def loops():
    named = {task.get_name(): task for task in asyncio.all_tasks()}
    return {name.removeprefix(LOOP): task for name, task in named.items() if name.startswith(LOOP)}


def end_of(side, cluster, kill):
    """Run a bus until all of it is up, ``kill`` one task of it, and return what the bus raises."""

    async def scene():
        bus, run, reading = bus_of(side, cluster)
        running = asyncio.ensure_future(run())
        try:
            async with asyncio.timeout(60):
                while not (set(loops()) == LOOPS[side] and reading()):
                    assert not running.done()
                    await asyncio.sleep(0.05)
                kill(reading()).cancel()
                with pytest.raises(LoopEnded) as ended:
                    await running
            return str(ended.value)
        finally:
            bus.close()

    return asyncio.run(scene())


@pytest.mark.parametrize(("side", "what"), [("agent", "publications"), ("control", "events")])
def test_a_bus_for_which_salt_reads_no_more_ends(cluster, side, what):
    assert f"{what} of the master" in end_of(side, cluster, lambda reading: reading[0])


@pytest.mark.parametrize(("side", "name"), [(side, name) for side in LOOPS for name in sorted(LOOPS[side])])
def test_a_bus_ends_when_any_of_its_loops_is_killed(cluster, side, name):
    assert repr(name) in end_of(side, cluster, lambda _reading: loops()[name])
