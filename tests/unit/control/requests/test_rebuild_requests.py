"""Environments that the store does not know: each that can be rebuilt is, each other has its reason."""

import asyncio

import pytest

from salt_o2.core.errors import UnreachableError
from tests.support.builders.repositories import repository
from tests.support.fakes.hosts import FakeHostsWithRecords
from tests.support.harness.control import control_harness


class SomeSilent(FakeHostsWithRecords):
    """FakeHostsWithRecords of which those in ``silent`` do not say what they have on disk."""

    silent = frozenset()

    async def ask(self, host, verb, arguments, wait_s=0.0):
        if host in self.silent:
            raise UnreachableError(f"minion {host} has not answered {verb} within 5 s")
        return await super().ask(host, verb, arguments, wait_s)


def unknown_environments(folder, scene):
    """Have one environment on each of two hosts, and a control whose store knows neither."""

    async def whole():
        bus = SomeSilent("flp1", "flp2")
        async with control_harness(repository(folder, copies=1), bus=bus) as room:
            ids = {}
            for host in bus.names:
                env = await room.ask("env_create", workflow="farm", move={"root.leaf0": host})
                ids[host] = env["id"]
        async with control_harness(folder, bus=bus, database="another.sqlite") as room:
            assert set(room.control.orphans.unrecognised) == set(ids.values())
            await scene(room, bus, ids)

    asyncio.run(whole())


@pytest.mark.parametrize("silent", ["flp1", "flp2"])
def test_an_environment_that_cannot_be_rebuilt_does_not_prevent_the_rebuild_of_others(tmp_path, silent):
    async def scene(room, bus, ids):
        bus.silent = {silent}
        answer = await room.ask("rebuild")
        other = next(host for host in ids if host != silent)
        assert [env["id"] for env in answer["rebuilt"]] == [ids[other]] == list(room.control.active)
        assert list(answer["failed"]) == [ids[silent]] == answer["unknown"]
        assert f"minion {silent} has not answered" in answer["failed"][ids[silent]]
        bus.silent = set()
        assert (await room.ask("rebuild"))["failed"] == {}
        assert set(room.control.active) == set(ids.values())

    unknown_environments(tmp_path, scene)


def test_a_rebuild_fails_when_no_environment_can_be_rebuilt(tmp_path):
    async def scene(room, bus, ids):
        bus.silent = set(ids)
        with pytest.raises(UnreachableError):
            await room.ask("rebuild")
        assert room.control.active == {}

    unknown_environments(tmp_path, scene)
