"""A disk that takes nothing more."""

import errno

import pytest

from salt_o2.core.states import TaskState
from salt_o2.linux import atomic_file
from tests.support.harness.agent import basic, device

pytestmark = pytest.mark.integration
STANDBY, RUNNING, ERROR, DONE = TaskState.STANDBY, TaskState.RUNNING, TaskState.ERROR, TaskState.DONE


@pytest.fixture
def disk(monkeypatch):
    """A disk that can be filled: then nothing can be written."""

    class Disk:
        full = False

    put = atomic_file.put

    def put_if_there_is_room(path, content, **how):
        if Disk.full:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        put(path, content, **how)

    monkeypatch.setattr(atomic_file, "put", put_if_there_is_room)
    return Disk


def test_an_order_that_cannot_be_persisted_is_refused_with_the_reason(perform, disk):
    async def scene(stage):
        await stage.launch(STANDBY, clock=basic("exec sleep 1000"))
        disk.full = True
        (about,) = await stage.drive(RUNNING, "clock")
        assert (about.state, about.pid) == (STANDBY, None)
        assert "No space left" in about.failure.reason
        assert "free disk space" in about.failure.advice
        disk.full = False
        (about,) = await stage.drive(RUNNING, "clock")
        assert (about.state, about.failure) == (RUNNING, None)

    perform(scene)


def test_tasks_can_be_ended_while_the_disk_is_full(perform, disk):
    async def scene(stage):
        await stage.launch(STANDBY, sink=device(), clock=basic("exec sleep 1000"))
        disk.full = True
        for about in await stage.drive(DONE, "sink", "clock"):
            assert about.state is DONE
        assert stage.left_behind() == []

    perform(scene)


def test_the_end_of_a_task_is_noticed_while_the_disk_is_full(perform, disk):
    async def scene(stage):
        await stage.launch(RUNNING, bad=basic("read line </dev/null; sleep 0.2; exit 3"))
        disk.full = True
        await stage.until(lambda: stage.latest["bad"].state is ERROR)
        assert stage.latest["bad"].exit.code == 3

    perform(scene)


def test_a_host_reports_its_highest_run_even_after_its_tasks_and_its_agent_have_ended(perform):
    async def scene(stage):
        await stage.launch(STANDBY, clock=basic("exec sleep 1000"))
        assert stage.reports[0].facts.last_run == 0
        await stage.drive(RUNNING, "clock", arguments={"run_number": "17"})
        await stage.drive(DONE, "clock")
        await stage.down()
        await stage.up()
        assert [each.facts.last_run for each in stage.reports if each.facts][-1] == 17

    perform(scene)
