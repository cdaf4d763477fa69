"""Control places tasks by what the master says of a host, and not by what the host says of itself."""

import asyncio
import threading

import pytest

from salt_o2.core.errors import InvalidRequestError, PlanError
from salt_o2.core.messages.reports import HostFacts
from tests.support.builders.repositories import repository
from tests.support.fakes.hosts import FakeHostsWithRecords
from tests.support.harness.control import control_harness

TPC = """
name: tpc
defaults: {rate: "1"}
constraints: [{attribute: detector, value: TPC}]
roles:
  - name: leaf
    task: {load: leaf}
"""


class Claimants(FakeHostsWithRecords):
    """FakeHosts that claim what the test says."""

    def __init__(self, *names):
        super().__init__(*names)
        self.claims = {name: {} for name in names}

    def survey(self, host):
        number = self.names.index(host) + 1
        usual = {"address": f"10.0.0.{number}", "network": f"n{number}", "cpus": 64, "memory_mb": 64_000}
        self.report(host, facts=HostFacts(**{**usual, **self.claims[host]}))


class Master:
    """The pillar of each host; it may fail, or be slow."""

    def __init__(self, **blocks):
        self.blocks = blocks
        self.opened = threading.Event()
        self.opened.set()
        self.compiled = []

    def __call__(self, host):
        assert self.opened.wait(20)
        self.compiled.append(host)
        block = self.blocks.get(host, {})
        if isinstance(block, Exception):
            raise block
        return block


def templates(folder):
    repository(folder)
    (folder / "workflows" / "tpc.yaml").write_text(TPC)
    return folder


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def row(room, host):
    return next(each for each in await room.ask("host_list") if each["id"] == host)


def played(folder, scene, hosts, master, **more):
    async def play():
        async with control_harness(templates(folder), bus=hosts, pillar_of=master, **more) as room:
            await scene(room)

    asyncio.run(play())


@pytest.mark.finding("2.2")
def test_a_host_that_claims_the_attributes_of_another_gets_none_of_its_tasks(tmp_path):
    hosts = Claimants("flp1", "flp2")
    hosts.claims["flp2"] = {"attributes": {"detector": "TPC", "machine_id": "flp1"}, "cpus": 900}

    async def scene(room):
        made = await room.ask("env_create", workflow="tpc")
        assert {task["host"] for task in made["tasks"]} == {"flp1"}
        shown = await row(room, "flp2")
        assert shown["attributes"] == {}
        assert len([fault for fault in shown["faults"] if "only pillar may declare this" in fault]) == 2

    played(tmp_path, scene, hosts, Master(flp1={"attributes": {"detector": "TPC"}}))


@pytest.mark.finding("2.2")
def test_a_host_that_claims_the_address_of_another_is_not_placed_on_and_the_other_is(tmp_path):
    hosts = Claimants("flp1", "flp2")
    hosts.claims["flp2"] = {"address": "10.0.0.1"}

    async def scene(room):
        made = await room.ask("env_create", workflow="farm")
        assert {task["host"] for task in made["tasks"]} == {"flp1"}
        assert "is the address of host flp1" in " ".join((await row(room, "flp2"))["faults"])

    played(tmp_path, scene, hosts, Master())


@pytest.mark.finding("2.2")
def test_a_declared_address_is_used_whatever_the_host_says(tmp_path):
    hosts = Claimants("flp1", "flp2")
    hosts.claims["flp2"] = {"address": "10.0.0.1", "control_ports": (1, 5)}

    async def scene(room):
        await room.ask("env_create", workflow="farm")
        facts = room.control.inventory.hosts["flp2"]
        assert (facts.address, facts.control_ports) == ("10.0.0.2", (31000, 31999))

    played(tmp_path, scene, hosts, Master(flp2={"address": "10.0.0.2", "control_ports": [31000, 31999]}))


def test_a_plan_waits_for_the_pillar_of_a_host_that_has_just_signed_in(tmp_path):
    master = Master()
    master.opened.clear()

    async def scene(room):
        creating = asyncio.ensure_future(room.ask("env_create", workflow="farm"))
        await room.ask("env_list")
        assert room.control.inventory.hosts == {}
        master.opened.set()
        assert (await creating)["state"] == "CONFIGURED"

    played(tmp_path, scene, Claimants("flp1"), master)


def test_a_host_whose_pillar_cannot_be_compiled_gets_no_task_and_says_why(tmp_path):
    hosts = Claimants("flp1", "flp2")

    async def scene(room):
        made = await room.ask("env_create", workflow="farm")
        assert {task["host"] for task in made["tasks"]} == {"flp1"}
        assert "no new task is placed on this host" in " ".join((await row(room, "flp2"))["faults"])

    played(
        tmp_path, scene, hosts, Master(flp2=InvalidRequestError("the pillar of flp2 cannot be compiled: no"))
    )


def test_a_control_that_is_started_again_remembers_what_was_declared(tmp_path):
    hosts = Claimants("flp1")
    hosts.claims["flp1"] = {"attributes": {"detector": "TPC"}}
    first, second = Master(flp1={"attributes": {"detector": "TOF"}}), Master()

    async def learn(room):
        await room.ask("env_create", workflow="farm")

    async def use(room):
        assert room.control.inventory.hosts["flp1"].attributes == {"detector": "TOF"}
        with pytest.raises(PlanError, match="none has detector"):
            await room.ask("env_create", workflow="tpc")
        second.opened.set()

    played(tmp_path, learn, hosts, first)
    second.opened.clear()
    second.blocks = first.blocks
    played(tmp_path, use, hosts, second)


def test_an_attribute_that_pillar_declares_later_is_taken_from_the_claiming_host(tmp_path):
    hosts = Claimants("flp1", "flp2")
    hosts.claims["flp1"] = {"attributes": {"detector": "TPC"}}

    async def scene(room):
        await until(lambda: "flp2" in room.control.inventory.hosts)
        assert room.control.inventory.hosts["flp1"].attributes == {}

    played(tmp_path, scene, hosts, Master(flp2={"attributes": {"detector": "TOF"}}))
