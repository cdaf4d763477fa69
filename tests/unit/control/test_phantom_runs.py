"""A run is in the store from the moment at which START begins to its end, and at no other time."""

import asyncio
import itertools
import sqlite3
from contextlib import closing

import pytest

from salt_o2.core.errors import O2Error, TaskError
from salt_o2.core.messages.commands import Command
from tests.support.builders.reports import dead
from tests.support.builders.repositories import repository
from tests.support.fakes.hosts import FakeHosts, FakeHostsWithRecords
from tests.support.harness.control import control_harness, until


def on_disk(folder):
    """Return the runs that go on, and those of environments, as another process reads them from the disk."""
    with closing(sqlite3.connect(folder / "o2.sqlite", isolation_level=None)) as database:
        open_runs = {number for (number,) in database.execute("SELECT number FROM runs WHERE ended IS NULL")}
        stated = "SELECT json_extract(snapshot, '$.run_number') FROM environments WHERE ended IS NULL"
        return open_runs, {number for (number,) in database.execute(stated)} - {None}


class Onlookers(FakeHostsWithRecords):
    """FakeHostsWithRecords that look at the disk of control whenever commands reach them."""

    def __init__(self, folder, *names):
        super().__init__(*names)
        self.folder, self.seen = folder, []

    async def send(self, messages):
        if any(isinstance(message, Command) for message in messages):
            self.seen.append(on_disk(self.folder))
        await super().send(messages)


class Failing(FakeHosts):
    """FakeHosts on which every task dies as soon as it is started."""

    async def send(self, messages):
        for message in messages:
            if isinstance(message, Command):
                self.commands.append(message)
                orders = [order for order in message.orders if message.goal != "DONE"]
                self.report(
                    message.host, *(dead(each.task, message.environment, message.revision) for each in orders)
                )


def test_a_creation_that_fails_leaves_no_run(tmp_path):
    async def scene():
        async with control_harness(repository(tmp_path), bus=Failing("flp1")) as room:
            with pytest.raises(TaskError):
                await room.ask("env_create", workflow="farm", auto=True)
            assert await room.ask("run_list") == []
        async with control_harness(tmp_path, "flp1") as room:  # integrations may have the number
            env = await room.ask("env_create", workflow="farm")
            started = await room.ask("env_control", id=env["id"], event="START_ACTIVITY")
            assert [run["run_number"] for run in await room.ask("run_list")] == [started["run_number"]]
            assert started["run_number"] > 1

    asyncio.run(scene())


def test_a_run_is_shown_from_the_beginning_of_its_start(tmp_path):
    ticks = itertools.count(1000)

    async def scene():
        async with control_harness(repository(tmp_path), "flp1", clock=lambda: float(next(ticks))) as room:
            room.hosts.deaf.add("flp1")
            creating = asyncio.create_task(room.ask("env_create", workflow="farm", auto=True))
            await until(lambda: room.hosts.commands)
            assert await room.ask("run_list") == [], "nothing was started yet"
            asked_at = room.control.clock()
            room.hosts.deaf.clear()
            await room.hosts.send(room.hosts.commands[:])
            await creating
            (run,) = await room.ask("run_list")
            shown = await room.ask("run_show", number=run["run_number"])
            assert shown["user"] == "teo"
            assert int(shown["start_arguments"]["run_start_time_ms"]) > asked_at * 1000
            (line,) = [
                each
                for each in await room.ask("env_history", id=run["environment"])
                if each["kind"] == "OpenRun"
            ]
            assert line["text"] == "run 1 begins"

    asyncio.run(scene())


SEQUENCES = {
    "one step after the other": ["START_ACTIVITY", "STOP_ACTIVITY", "START_ACTIVITY", "GO_ERROR", "RECOVER"],
    "ended in its run": ["START_ACTIVITY", "destroy"],
    "ended in its run by force": ["START_ACTIVITY", "force"],
    "a task dies": ["START_ACTIVITY", "die"],
    "automatic": ["auto", "STOP_ACTIVITY"],
    "automatic, and a task dies": ["auto", "die"],
}


@pytest.mark.parametrize("steps", SEQUENCES)
def test_no_stored_run_is_open_without_an_environment(tmp_path, steps):
    async def scene():
        bus = Onlookers(tmp_path, "flp1", "flp2")
        async with control_harness(repository(tmp_path), bus=bus) as room:
            auto = SEQUENCES[steps][0] == "auto"
            env = await room.ask("env_create", workflow="farm", auto=auto)
            for step in SEQUENCES[steps][auto:]:
                await do(room, env["id"], step)
            room.control.store.flush()
            assert len(bus.seen) > 2
            for open_runs, stated in [*bus.seen, on_disk(tmp_path)]:
                assert open_runs == stated
            assert await room.ask("run_list") != []

    asyncio.run(scene())


async def do(room, id, step):
    if step in ("destroy", "force"):
        await room.ask("env_destroy", id=id, allow_in_running_state=True, force=step == "force")
    elif step == "die":
        victim = next(iter(room.environment(id).model.tasks.reports.values()))
        host = room.environment(id).model.tasks.tasks[victim.task].host
        room.hosts.report(host, dead(victim.task, victim.environment, victim.revision))
    else:
        await room.ask("env_control", id=id, event=step)


@pytest.mark.parametrize("goal", ["STANDBY", "CONFIGURED", "RUNNING"])
def test_a_restart_of_control_before_or_in_the_start_keeps_the_number(tmp_path, goal):
    """Control is killed while hosts are on their way to ``goal``, and the next one leads them on."""

    async def scene():
        bus = FakeHostsWithRecords("flp1", "flp2")
        async with control_harness(repository(tmp_path), bus=bus) as room:
            deafen(bus, goal)
            creating = asyncio.create_task(room.ask("env_create", workflow="farm", auto=True))
            await until(lambda: any(command.goal == goal for command in bus.commands))
            creating.cancel()
        del bus.send
        bus.deaf = set()
        async with control_harness(tmp_path, bus=bus) as room:
            (held,) = room.control.active.values()
            await until(lambda: held.environment.model.state == "RUNNING")
            assert held.environment.model.run.number == 1
            assert {c.arguments["run_number"] for c in bus.commands if c.goal == "RUNNING"} == {"1"}
            assert [run["run_number"] for run in await room.ask("run_list")] == [1]
            await room.ask("env_destroy", id=held.stored.id, allow_in_running_state=True)
            (run,) = await room.ask("run_list")
            assert run["ended"]

    asyncio.run(scene())


def deafen(bus, goal):
    """Let hosts take in no command that leads to ``goal``."""
    send = bus.send

    async def chosen(messages):
        bus.deaf = set(bus.names) if any(getattr(each, "goal", "") == goal for each in messages) else set()
        await send(messages)

    bus.send = chosen


def test_a_start_that_control_cannot_write_begins_no_run(tmp_path):
    async def scene():
        async with control_harness(repository(tmp_path), "flp1") as room:
            env = await room.ask("env_create", workflow="farm")
            with closing(sqlite3.connect(tmp_path / "o2.sqlite", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                with pytest.raises(O2Error, match="another process holds"):
                    await room.ask("env_control", id=env["id"], event="START_ACTIVITY")
                other.execute("ROLLBACK")
            assert await room.ask("run_list") == []

    asyncio.run(scene())
