"""Hosts that are silent for a long time, in virtual time: tasks are neither lost nor started twice.

``test_network_cuts_live.py`` and ``test_lost_hosts_live.py`` in ``tests/integration/environments`` prove with
real daemons and links that a silence is noticed. How long it lasts costs nothing here.
"""

import asyncio

import pytest

from salt_o2.simulation.injection import devices_of
from salt_o2.simulation.programs.cluster import HEARTBEAT_S
from tests.support.simulation.scene import play_in

LONG_S = 60 * HEARTBEAT_S


@pytest.fixture
def play(tmp_path):
    """Run a scene in a simulated cluster."""
    return lambda scene: play_in(tmp_path, scene)


def presence(acted, host):
    """Return what control knows about ``host``."""
    return str(acted.cluster.control.control.hosts.known[host].presence)


def processes(acted):
    """Return host and process of each task."""
    return {
        task: (name, device.process.pid)
        for name, host in acted.cluster.hosts.items()
        for task, device in devices_of(host).items()
    }


def state(acted):
    """Return the state of the environment and whether a transition is under way."""
    model = acted.cluster.control.environments[acted.id].environment.model
    return str(model.state), model.active


async def states_shown(acted, host):
    """Return the states that control shows for the tasks of ``host``."""
    shown = await acted.cluster.control.request("env_show", {"id": acted.id}, "teo")
    return {each["state"] for each in shown["tasks"] if each["host"] == host}


async def reached(acted, host, wanted, within_s=60):
    """Wait until control knows that ``host`` is as ``wanted``."""
    for _ in range(within_s):
        if presence(acted, host) == wanted:
            return
        await asyncio.sleep(1)
    raise AssertionError(f"{host} is {presence(acted, host)}, not {wanted}")


def test_a_host_whose_agent_is_away_for_a_long_time_keeps_its_tasks(play):
    async def scene(acted):
        before = processes(acted)
        acted.cluster.restart_agent(acted.cluster.hosts["flp1"], LONG_S)
        await reached(acted, "flp1", "SILENT")
        assert await states_shown(acted, "flp1") == {"UNKNOWN"}
        assert await states_shown(acted, "flp2") == {"RUNNING"}
        assert await acted.checked(LONG_S - 60) == ""
        assert presence(acted, "flp1") == "SILENT"
        await reached(acted, "flp1", "ACTIVE", 90)
        await asyncio.sleep(10)
        assert await states_shown(acted, "flp1") == {"RUNNING"}
        assert processes(acted) == before
        assert state(acted) == ("RUNNING", None)

    play(scene)


def test_a_host_whose_reports_are_cut_off_keeps_its_tasks_for_any_time(play):
    async def scene(acted):
        before, link = processes(acted), acted.cluster.network.links["flp1"]
        link.is_up_cut = True
        await reached(acted, "flp1", "SILENT")
        assert await acted.checked(LONG_S) == ""
        assert presence(acted, "flp1") == "SILENT"
        link.is_up_cut = False
        await reached(acted, "flp1", "ACTIVE")
        assert processes(acted) == before
        assert state(acted) == ("RUNNING", None)

    play(scene)


@pytest.mark.parametrize("fault", ["is_up_cut", "is_down_cut"])
def test_a_silence_shorter_than_the_bound_is_no_loss(play, fault):
    async def scene(acted):
        before, link = processes(acted), acted.cluster.network.links["flp1"]
        setattr(link, fault, True)
        await asyncio.sleep(1.5 * HEARTBEAT_S)
        assert presence(acted, "flp1") == "ACTIVE"
        setattr(link, fault, False)
        assert await acted.checked(30) == ""
        assert presence(acted, "flp1") == "ACTIVE"
        assert processes(acted) == before
        assert state(acted) == ("RUNNING", None)

    play(scene)


def cut_off(acted, hosts, *, cut=True):
    """Let nothing reach the hosts, not even a probe; or let all reach them again."""
    network = acted.cluster.network
    for host in hosts:
        network.links[host].is_up_cut = network.links[host].is_down_cut = cut
        address = acted.cluster.hosts[host].address
        (network.cut_addresses.add if cut else network.cut_addresses.discard)(address)


def test_an_isolated_master_declares_no_host_lost(play):
    async def scene(acted):
        before = processes(acted)
        cut_off(acted, acted.cluster.hosts)
        await asyncio.sleep(LONG_S)
        assert {presence(acted, host) for host in acted.cluster.hosts} == {"SILENT"}
        cut_off(acted, acted.cluster.hosts, cut=False)
        for host in acted.cluster.hosts:
            await reached(acted, host, "ACTIVE")
        await asyncio.sleep(30)
        assert processes(acted) == before
        assert state(acted) == ("RUNNING", None)

    play(scene)


def test_an_unreachable_host_is_lost_and_its_stale_tasks_end_when_it_returns(play):
    async def scene(acted):
        stayed = {task: where for task, where in processes(acted).items() if where[0] == "flp2"}
        cut_off(acted, ["flp1"])
        await reached(acted, "flp1", "LOST")
        await asyncio.sleep(60)
        stale = devices_of(acted.cluster.hosts["flp1"])
        assert stale, "the host itself goes on"
        cut_off(acted, ["flp1"], cut=False)
        await reached(acted, "flp1", "ACTIVE")
        await asyncio.sleep(30)
        left = devices_of(acted.cluster.hosts["flp1"])
        assert all(left.get(task) is not device for task, device in stale.items())
        now = processes(acted)
        assert {task: now.get(task) for task in stayed} == stayed

    play(scene)


def test_control_that_stood_still_receives_reports_again_and_loses_no_host(play):
    async def scene(acted):
        before, program = processes(acted), acted.cluster.control.program
        program.frozen = True
        await asyncio.sleep(LONG_S)
        acted.cluster.loop.thaw(program)
        assert await acted.checked(60) == ""
        assert {presence(acted, host) for host in acted.cluster.hosts} == {"ACTIVE"}
        assert processes(acted) == before
        stopped = await acted.cluster.control.request(
            "env_control", {"id": acted.id, "event": "STOP_ACTIVITY"}, "teo"
        )
        assert stopped["state"] == "CONFIGURED"

    play(scene)
