"""Control answers other requests while a plan is computed, and gives no resource to two plans."""

import asyncio
import threading

import pytest

from salt_o2.core.errors import PlanError, UnknownNameError
from salt_o2.site.configuration import tree_backends
from salt_o2.site.resources import MasterContext, open_resources
from salt_o2.site.settings import Site
from tests.support.builders.repositories import repository
from tests.support.fakes.hosts import FakeHosts
from tests.support.harness.control import control_harness

RESTART = 'defaults: {recovery: restart, recovery_restarts: "5", recovery_grace_s: "0"}'


@pytest.fixture(autouse=True)
def pillar_that_is_compiled_for_each_question(monkeypatch):
    """Control remembers a pillar for some seconds; here each computation of a template must wait for it."""
    monkeypatch.setattr(tree_backends, "FRESH_S", 0.0)


class Gate:
    """Pillar that templates of tasks read; the test decides when it is compiled."""

    def __init__(self):
        self.asked, self.opened = threading.Event(), threading.Event()
        self.opened.set()
        self.waiting = 0
        self._lock = threading.Lock()

    def close(self):
        self.asked.clear()
        self.opened.clear()

    def __call__(self):
        with self._lock:
            self.waiting += 1
        self.asked.set()
        if not self.opened.wait(20):
            raise TimeoutError("control does not go on while a plan waits for the pillar")
        with self._lock:
            self.waiting -= 1
        return {"components": {"qc": {"ANY": {"any": {"rate": "5"}}}}}


def gated_site(folder, gate, copies=2):
    """Write templates of tasks that read the pillar behind ``gate``, and return the site that has them."""
    repository(folder, copies=copies, policy=RESTART)
    leaf = folder / "tasks/leaf.yaml"
    leaf.write_text(leaf.read_text().replace("--rate={{ rate }}", "{{ config.Get('qc/ANY/any/rate') }}"))
    settings = Site(repositories=(str(folder),), heartbeat_s=1e6)
    return open_resources(settings, MasterContext(cache=folder / "cache", pillar=gate))


async def until(condition):
    """Let control go on until it is so."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def create(room):
    return await room.ask("env_create", workflow="farm")


async def create_from_a_plan(room):
    plan = await room.ask("env_plan", workflow="farm")
    room.gate.close()
    return await room.ask("env_create", plan=plan["token"])


async def repeat(room):
    return await room.ask("env_repeat", id=room.made["id"])


async def modify(room):
    return await room.ask("env_modify", id=room.made["id"], scale={"leaf": 3})


async def lose_a_host(room):
    host = room.made["tasks"][0]["host"]
    room.control.monitor.declare_lost(host, "a test says so")
    environment = room.environment(room.made["id"])
    others = set(room.hosts.names) - {host}
    await until(lambda: {task.host for task in environment.model.tasks.plan.tasks} <= others)
    return room.made


@pytest.mark.parametrize("request_of", [create, create_from_a_plan, repeat, modify, lose_a_host])
def test_control_answers_requests_while_templates_of_tasks_are_computed(tmp_path, request_of):
    async def scene():
        gate = Gate()
        site = gated_site(tmp_path, gate)
        async with control_harness(tmp_path, bus=FakeHosts("flp1", "flp2"), site=site) as room:
            room.gate, room.made = gate, await room.ask("env_create", workflow="farm")
            if request_of is not create_from_a_plan:
                gate.close()
            asked = asyncio.ensure_future(request_of(room))
            await until(lambda: gate.asked.is_set() and not gate.opened.is_set())
            assert await room.ask("env_list", user="other")
            assert not asked.done()
            gate.opened.set()
            assert (await asked)["id"]

    asyncio.run(scene())


def test_creations_that_are_planned_at_the_same_time_share_no_port(tmp_path):
    async def scene():
        gate = Gate()
        async with control_harness(tmp_path, site=gated_site(tmp_path, gate)) as room:
            gate.close()
            users = [f"user{n}" for n in range(4)]
            asked = [
                asyncio.ensure_future(room.ask("env_create", user=user, workflow="farm")) for user in users
            ]
            await until(lambda: gate.waiting == 4)
            gate.opened.set()
            made = await asyncio.gather(*asked)
            assert [each["state"] for each in made] == ["CONFIGURED"] * 4
            ports = [task["control_port"] for each in made for task in each["tasks"]]
            assert len(set(ports)) == len(ports) == 8

    asyncio.run(scene())


def test_a_host_that_was_lost_while_a_creation_was_planned_gets_no_task(tmp_path):
    async def scene():
        gate = Gate()
        async with control_harness(
            tmp_path, bus=FakeHosts("flp1", "flp2"), site=gated_site(tmp_path, gate)
        ) as room:
            gate.close()
            asked = asyncio.ensure_future(create(room))
            await until(gate.asked.is_set)
            room.control.monitor.declare_lost("flp1", "a test says so")
            gate.opened.set()
            assert {task["host"] for task in (await asked)["tasks"]} == {"flp2"}

    asyncio.run(scene())


def test_a_change_of_an_environment_that_another_request_has_changed_meanwhile_is_refused(tmp_path):
    async def scene():
        gate = Gate()
        async with control_harness(tmp_path, site=gated_site(tmp_path, gate)) as room:
            made = await create(room)
            gate.close()
            first = asyncio.ensure_future(room.ask("env_modify", id=made["id"], exclude=["root.leaf0"]))
            second = asyncio.ensure_future(room.ask("env_modify", id=made["id"], exclude=["root.leaf1"]))
            await until(lambda: gate.waiting == 2)
            gate.opened.set()
            results = await asyncio.gather(first, second, return_exceptions=True)
            refused = [each for each in results if isinstance(each, PlanError)]
            assert [str(each) for each in refused] == [
                f"environment {made['id']} was changed by another request while this change was planned. "
                "Nothing was done; its tasks are not affected. Repeat the request"
            ]
            shown = await room.ask("env_show", id=made["id"])
            assert sum(1 for task in shown["tasks"] if task["excluded"]) == 1

    asyncio.run(scene())


def test_a_change_of_an_environment_that_has_ended_meanwhile_is_refused_and_holds_nothing(tmp_path):
    async def scene():
        gate = Gate()
        async with control_harness(tmp_path, site=gated_site(tmp_path, gate)) as room:
            made = await create(room)
            gate.close()
            asked = asyncio.ensure_future(room.ask("env_modify", id=made["id"], scale={"leaf": 3}))
            await until(gate.asked.is_set)
            await room.ask("env_destroy", id=made["id"], force=True)
            gate.opened.set()
            with pytest.raises(UnknownNameError, match="not an active environment"):
                await asked
            assert room.control.inventory.use_of("flp1").tasks == 0

    asyncio.run(scene())
