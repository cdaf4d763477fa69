"""What one host reports changes nothing of other hosts, and fills no journal."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from salt_o2.control.storage.schema import JOURNAL
from salt_o2.core.ids import EnvironmentId
from salt_o2.core.messages.commands import Command
from salt_o2.core.messages.reports import Failure
from salt_o2.core.states import TaskState
from salt_o2.site.journal_limits import JournalLimits
from salt_o2.site.settings import read_site
from tests.support.builders.reports import dead, done
from tests.support.builders.repositories import repository
from tests.support.fakes.hosts import FakeHostsWithRecords
from tests.support.harness.control import control_harness


def played(folder, scene, hosts=("flp1", "flp2"), **more):
    async def whole():
        bus = FakeHostsWithRecords(*hosts)
        async with control_harness(repository(folder, copies=4), bus=bus, **more) as room:
            await scene(room)

    asyncio.run(whole())


def task_on(room, made, host):
    return next(task for task in made["tasks"] if task["host"] == host)


async def row(room, host):
    return next(each for each in await room.ask("host_list") if each["id"] == host)


def written(room):
    room.control.store.flush()
    [(bytes_of,)] = room.control.store.read(select(func.sum(func.length(JOURNAL.c.body))))
    return bytes_of


@pytest.mark.finding("3.8")
def test_a_host_that_reports_without_end_fills_no_journal_and_loses_nothing(tmp_path):
    now = [1_000.0]

    async def scene(room):
        made = await room.ask("env_create", workflow="farm")
        task, before = task_on(room, made, "flp1"), written(room)
        loud = dead(task["id"], made["id"], _order(room, made).revision, "x" * 5_000)
        for number in range(400):
            room.hosts.report("flp1", done(_order(room, made), task["id"], output=("y" * 5_000, str(number))))
        assert written(room) - before < 3 * 200_000
        shown = await row(room, "flp1")
        assert shown["status"] == "ACTIVE"
        assert any("more than 0.2 MB in an hour" in fault for fault in shown["faults"])
        assert (await row(room, "flp2"))["faults"] == []
        room.hosts.report("flp1", loud)
        assert room.environment(made["id"]).model.tasks.reports[task["id"]].failure is None
        inquired = len(room.hosts.inquiries)
        now[0] += 3_600
        room.hosts.heartbeat("flp1")
        await asyncio.sleep(0)
        await until(lambda: len(room.hosts.inquiries) > inquired)
        room.hosts.survey("flp1")
        assert room.environment(made["id"]).model.tasks.reports[task["id"]].failure is not None

    played(tmp_path, scene, host_mb_per_hour=0.2, clock=lambda: now[0])


def test_the_quota_is_a_setting_of_the_site():
    assert read_site({"journal": {"host_mb_per_hour": 5}})[0].journal == JournalLimits(host_mb_per_hour=5.0)


@pytest.mark.finding("1.4")
def test_a_host_ends_no_wait_for_a_task_of_another_host(tmp_path):
    async def scene(room):
        made = await room.ask("env_create", workflow="farm")
        room.hosts.deaf = {"flp1"}
        starting = asyncio.ensure_future(room.ask("env_control", id=made["id"], event="START_ACTIVITY"))
        environment = room.environment(made["id"])
        tasks = environment.model.tasks.tasks

        def only_flp1_is_awaited():
            wait = environment.model.wait
            return wait and {tasks[task].host for task in wait.waiting} == {"flp1"}

        await until(only_flp1_is_awaited)
        command = next(c for c in reversed(room.hosts.commands) if c.host == "flp1")
        room.hosts.deaf = set()
        waiting = set(environment.model.wait.waiting)
        room.hosts.report("flp2", *(done(command, order.task) for order in command.orders))
        assert environment.model.wait is not None
        assert set(environment.model.wait.waiting) == waiting
        shown = await row(room, "flp2")
        assert any("planned on other hosts" in fault for fault in shown["faults"])
        room.hosts.report("flp1", *(done(command, order.task) for order in command.orders))
        assert (await starting)["state"] == "RUNNING"

    played(tmp_path, scene)


@pytest.mark.finding("1.4")
def test_no_host_withholds_a_port_of_another_host(tmp_path):
    async def scene(room):
        made = await room.ask("env_create", workflow="farm")
        task = task_on(room, made, "flp1")
        failure = Failure(asked="launch", state="-", reason="taken", taken_ports=(30000, 30001))
        lie = replace(dead(task["id"], made["id"], 1), failure=failure)
        room.hosts.report("flp2", lie)
        assert room.control.inventory.refused_ports("n2") == []

    played(tmp_path, scene)


def _order(room, made):
    return Command(
        host="flp1",
        environment=EnvironmentId(made["id"]),
        revision=room.environment(made["id"]).model.revision,
        goal=TaskState.CONFIGURED,
        orders=(),
    )


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)
