"""Faults have the effect that they are named after, and end."""

import asyncio
from random import Random

import pytest

from salt_o2.core.errors import StorageError
from salt_o2.simulation.injection import changed
from salt_o2.simulation.scenario import Fault, FaultKind
from tests.support.simulation.scene import play_in


@pytest.fixture
def play(tmp_path):
    """Run a scene in a simulated cluster."""
    return lambda scene: play_in(tmp_path, scene)


def inject(acted, kind, lasts_s=20.0):
    """Let a fault of ``flp1`` happen now."""
    acted.injection.inject(Fault(acted.cluster.loop.time(), kind, "flp1", lasts_s, 7))


async def create(acted):
    """Create an environment, and return its ID."""
    made = await acted.cluster.control.request("env_create", {"workflow": "farm", "vars": {}}, "teo")
    return made["id"]


async def create_some(acted):
    """Create as many environments as certainly need a new page of the file."""
    for _ in range(30):
        await create(acted)


def test_a_full_store_refuses_new_environments_until_it_has_room_again(play):
    async def scene(acted):
        inject(acted, FaultKind.STORE_FULL)
        with pytest.raises(StorageError, match="full"):
            await create_some(acted)
        assert await acted.checked(30) == ""
        await create(acted)

    play(scene)


def test_a_copy_of_a_minion_is_refused_and_the_run_continues(play):
    async def scene(acted):
        inject(acted, FaultKind.MINION_COPIED)
        host = acted.cluster.hosts["flp1"]
        await asyncio.sleep(15)
        assert "two agents report as flp1" in host.copy.agent.refused
        assert host.agent.refused == ""
        assert await acted.checked(20) == ""
        assert host.copy is None
        acted.invariants.check_quiet()
        assert acted.invariants.broken == []

    play(scene)


def test_a_copy_of_a_host_has_processes_of_its_own(play):
    async def scene(acted):
        inject(acted, FaultKind.MINION_COPIED)
        host = acted.cluster.hosts["flp1"]
        assert host.machines == (host, host.copy)
        assert host.copy.kernel is not host.kernel
        assert host.copy.address != host.address
        assert host.copy.kernel.task_processes() == []

    play(scene)


def test_messages_that_were_changed_or_sent_under_another_name_have_no_effect(play):
    async def scene(acted):
        before = acted.cluster.control.environments[acted.id].environment.model.revision
        for _ in range(20):
            inject(acted, FaultKind.HOSTILE_MESSAGE)
            await asyncio.sleep(1)
        assert await acted.checked(10) == ""
        assert acted.cluster.control.environments[acted.id].environment.model.revision == before

    play(scene)


@pytest.mark.parametrize("message", [b"abc", "abc", {"a": b"b", "c": {"d": "e"}}, ["a", {"b": 1}], 1, None])
def test_a_changed_message_differs_from_the_message(message):
    rng = Random(1)
    assert sum(changed(message, rng) != message for _ in range(50)) > 30


def test_a_message_of_an_attacker_leaves_the_recorded_message_as_it_is():
    message = {"a": b"b", "c": {"d": ["e"]}}
    rng = Random(1)
    for _ in range(50):
        changed(message, rng)
    assert message == {"a": b"b", "c": {"d": ["e"]}}
