"""Commands that an agent has on disk before it acts, and tasks' own files that follow."""

import asyncio
import errno
import json

import msgspec
import pytest

from salt_o2.agent.storage import task_record
from salt_o2.core.messages.commands import Order
from salt_o2.core.states import TaskState
from tests.support.harness.agent import ENVIRONMENT, basic, device

pytestmark = pytest.mark.integration
STANDBY, CONFIGURED = TaskState.STANDBY, TaskState.CONFIGURED
RUNNING, DONE = TaskState.RUNNING, TaskState.DONE


def kept(stage):
    """The names of the commands that are on disk."""
    return sorted(path.name for path in (stage.directory / "orders").iterdir())


def command_of(stage, goal):
    """A command for all tasks that no control has sent."""
    return stage.next_command(goal, *(Order(task=task, properties={}) for task in stage.latest))


def test_a_command_is_on_disk_until_the_files_of_its_tasks_show_its_revision(perform):
    async def scene(stage):
        await stage.launch(STANDBY, sink=device(), clock=basic("exec sleep 1000"))
        command = command_of(stage, CONFIGURED)
        await stage.agent.accept_command(command)
        assert f"{ENVIRONMENT}@{command.revision}.json" in kept(stage)
        await stage.until(lambda: kept(stage) == [])
        written = json.loads((stage.directory / "tasks" / "sink" / "task.json").read_text())
        assert (written["revision"], written["settled"]) == (command.revision, True)

    perform(scene)


def test_an_agent_that_is_killed_right_after_a_command_continues_the_command_when_it_restarts(perform):
    async def scene(stage):
        await stage.launch(STANDBY, sink=device(), clock=basic("exec sleep 1000"))
        await stage.down()
        stage.leave(command_of(stage, RUNNING))
        await stage.up()
        await stage.until(lambda: all(about.state is RUNNING for about in stage.latest.values()))
        await stage.until(lambda: kept(stage) == [])

    perform(scene)


def test_a_task_whose_end_was_ordered_before_the_agent_was_killed_ends(perform):
    async def scene(stage):
        await stage.launch(RUNNING, sink=device(), clock=basic("exec sleep 1000"))
        await stage.down()
        stage.leave(command_of(stage, DONE))
        await stage.up()
        await stage.until(lambda: all(about.state is DONE for about in stage.latest.values()))
        await asyncio.sleep(0)
        assert stage.left_behind() == []
        assert kept(stage) == []

    perform(scene)


def test_an_agent_continues_after_a_command_that_cannot_be_read(perform):
    async def scene(stage):
        await stage.launch(RUNNING, clock=basic("exec sleep 1000"))
        await stage.down()
        (stage.directory / "orders" / "E@99.json").write_bytes(msgspec.json.encode({"host": "flp1"})[:-3])
        await stage.up()
        assert stage.latest["clock"].state is RUNNING
        (about,) = await stage.drive(DONE, "clock")
        assert about.state is DONE

    perform(scene)


def test_a_command_that_cannot_be_read_is_removed(perform):
    async def scene(stage):
        await stage.down()
        orders = stage.directory / "orders"
        (orders / f"{ENVIRONMENT}@7.json").write_bytes(b"\xff\x00damaged")
        (orders / f"{ENVIRONMENT}@8.json.new").write_bytes(b"{")
        await stage.up()
        assert kept(stage) == []

    perform(scene)


def test_a_task_that_ends_while_the_disk_is_full_leaves_no_command(perform, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    async def scene(stage):
        await stage.launch(RUNNING, clock=basic("exec sleep 1000"))
        with monkeypatch.context() as patch:
            patch.setattr(task_record, "save", full)
            await stage.drive(DONE, "clock")
            await stage.until(lambda: stage.agent.tasks() == [])
        assert kept(stage) == []

    perform(scene)
