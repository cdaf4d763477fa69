"""Requests that take long hold up neither other kinds of requests nor other users; plans are kept by user."""

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest

from salt_o2.concurrency.request_threads import RequestThreads, Threads
from salt_o2.control.planning.draft_cache import KEPT
from salt_o2.core.errors import InvalidRequestError, UnreachableError
from salt_o2.site.resources import MasterContext, open_resources
from salt_o2.site.settings import Site
from tests.support.builders.repositories import repository
from tests.support.harness.control import control_harness

SLOW = "slow/workflows/farm"
FAST = "templates/workflows/farm"
LOOKS = ("workflow_check", "workflow_expand", "workflow_graph", "env_plan")


class SlowServer:
    """A fileserver that does not answer before the test lets it."""

    def __init__(self):
        self.answers = threading.Event()
        self.asked = 0

    def __call__(self, _path, _saltenv):
        self.asked += 1
        self.answers.wait()
        return {"workflows/farm.yaml": b"name: farm\nroles: []\n"}


@asynccontextmanager
async def busy_room(tmp_path):
    """A control with two repositories, of which one does not answer; yields it and the one that does not."""
    folder = tmp_path / "templates"
    folder.mkdir()
    repository(folder)
    server = SlowServer()
    settings = Site(repositories=(str(folder), "salt://slow"), heartbeat_s=1e6)
    site = open_resources(settings, MasterContext(cache=tmp_path / "cache", fileserver=server))
    (tmp_path / "store").mkdir()
    async with control_harness(tmp_path / "store", site=site) as room:
        try:
            yield room, server
        finally:
            server.answers.set()


async def until(condition):
    """Let control go on until it is so."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


def busy(room, user, verbs, workflow=SLOW, count=20):
    """Let ``user`` ask for a workflow that does not come, many times."""
    return [
        asyncio.ensure_future(
            room.dispatcher.serve(verb, {"workflow": workflow}, user, lambda _progress: None)
        )
        for verb in verbs
        for _ in range(count)
    ]


async def ended(server, waiting):
    server.answers.set()
    await asyncio.gather(*waiting, return_exceptions=True)


@pytest.mark.finding("3.4")
def test_slow_read_requests_of_many_users_delay_no_list_and_no_creation(tmp_path):
    async def scene():
        async with busy_room(tmp_path) as (room, server):
            waiting = [task for n in range(6) for task in busy(room, f"viewer{n}", LOOKS, count=3)]
            await until(lambda: server.asked >= 6)
            made = await room.ask("env_create", user="operator", workflow=FAST)
            assert made["state"] == "CONFIGURED"
            await room.ask("env_repeat", user="operator", id=made["id"])
            for verb, arguments in (
                ("env_list", {"all": True}),
                ("run_list", {}),
                ("config_list", {}),
                ("env_history", {"id": made["id"]}),
                ("task_list", {}),
                ("info", {}),
            ):
                await room.ask(verb, user="viewer0", **arguments)
            await ended(server, waiting)

    asyncio.run(scene())


@pytest.mark.finding("3.4")
def test_slow_read_requests_of_one_user_delay_no_request_of_another(tmp_path):
    async def scene():
        async with busy_room(tmp_path) as (room, server):
            waiting = busy(room, "viewer", LOOKS)
            await until(lambda: server.asked >= 2)
            checked = await room.ask("workflow_check", user="other", workflow=FAST)
            assert checked["problems"] == []
            assert (await room.ask("env_plan", user="other", workflow=FAST))["token"]
            assert server.asked == 2
            await ended(server, waiting)

    asyncio.run(scene())


@pytest.mark.finding("3.4")
def test_a_hanging_list_of_workflows_delays_no_other_request(tmp_path):
    async def scene():
        async with busy_room(tmp_path) as (room, server):
            asked = (
                room.dispatcher.serve("workflow_list", {}, f"viewer{n}", lambda _: None) for n in range(10)
            )
            waiting = [asyncio.ensure_future(each) for each in asked]
            await until(lambda: server.asked >= 4)
            assert (await room.ask("workflow_check", user="viewer1", workflow=FAST))["problems"] == []
            assert (await room.ask("env_create", user="operator", workflow=FAST))["state"] == "CONFIGURED"
            await ended(server, waiting)

    asyncio.run(scene())


@pytest.mark.finding("3.4")
def test_a_user_with_too_many_requests_is_refused_at_once(tmp_path):
    async def scene():
        async with busy_room(tmp_path) as (room, server):
            waiting = busy(room, "viewer", ("workflow_check",), count=50)
            await until(lambda: server.asked >= 2)
            with pytest.raises(
                UnreachableError, match="has 50 unfinished requests of user 'viewer' to look at workflows"
            ):
                await room.ask("workflow_check", user="viewer", workflow=FAST)
            assert (await room.ask("workflow_check", user="other", workflow=FAST))["problems"] == []
            await ended(server, waiting)
            assert (await room.ask("workflow_check", user="viewer", workflow=FAST))["problems"] == []

    asyncio.run(scene())


@pytest.mark.finding("3.4")
def test_no_kind_of_request_shares_its_threads_with_another():
    kinds = [getattr(RequestThreads(), name) for name in RequestThreads.__slots__]
    assert len({id(kind) for kind in kinds}) == len(kinds)


def test_slots_of_a_user_are_removed_after_the_last_request_and_errors_are_raised():
    async def scene():
        threads = Threads("test", 2, 1)

        def fails():
            raise InvalidRequestError("no")

        assert await threads.run("a", lambda: threading.current_thread() is threading.main_thread()) is False
        with pytest.raises(InvalidRequestError, match="no"):
            await threads.run("a", fails)
        assert threads._users == {}

    asyncio.run(scene())


class SlowPillar:
    """Pillar that is compiled when the test says so; ``TimeoutError`` if it waits for nothing."""

    def __init__(self):
        self.asked, self.answers = threading.Event(), threading.Event()

    def __call__(self):
        self.asked.set()
        if not self.answers.wait(20):
            raise TimeoutError("control does not go on while it waits for the pillar")
        return {"components": {"qc": {"ANY": {"any": {"rate": "5"}}}}}


@pytest.mark.finding("3.4")
def test_control_works_while_the_templates_of_a_plan_are_computed(tmp_path):
    async def scene():
        pillar = SlowPillar()
        repository(tmp_path)
        text = (tmp_path / "tasks/leaf.yaml").read_text()
        asks = text.replace("--rate={{ rate }}", "{{ config.Get('qc/ANY/any/rate') }}")
        (tmp_path / "tasks/leaf.yaml").write_text(asks)
        settings = Site(repositories=(str(tmp_path),), heartbeat_s=1e6)
        site = open_resources(settings, MasterContext(cache=tmp_path / "cache", pillar=pillar))
        async with control_harness(tmp_path, site=site) as room:
            planning = asyncio.ensure_future(room.ask("env_plan", user="viewer", workflow="farm"))
            await until(pillar.asked.is_set)
            await room.ask("env_list", user="operator")
            pillar.answers.set()
            assert (await planning)["changes"][0]["command"].startswith("leaf 5 ")

    asyncio.run(scene())


@pytest.mark.finding("3.9")
def test_plans_of_one_user_evict_no_plan_of_another(tmp_path):
    async def scene():
        async with busy_room(tmp_path) as (room, server):
            mine = await room.ask("env_plan", user="operator", workflow=FAST)
            theirs = [await room.ask("env_plan", user="viewer", workflow=FAST) for _ in range(KEPT + 1)]
            with pytest.raises(InvalidRequestError, match="is known"):
                await room.ask("env_create", user="viewer", plan=theirs[0]["token"])
            made = await room.ask("env_create", user="operator", plan=mine["token"])
            assert made["state"] == "CONFIGURED"
            server.answers.set()

    asyncio.run(scene())
