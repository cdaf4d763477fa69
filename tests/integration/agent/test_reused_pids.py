"""A number of a process names it no longer once the process has ended: no stranger is ever signalled."""

import asyncio
import json
import os
import signal
import sys

import pytest

from salt_o2.agent.process import orphan_audit
from salt_o2.agent.storage.task_directory import TaskDirectory
from salt_o2.core.states import TaskState, TaskStatus
from salt_o2.linux import exec_wait, procfs
from tests.support.harness.agent import basic
from tests.support.machines.pid_reuse import needs_pid_choice, stranger_as

pytestmark = [pytest.mark.integration, needs_pid_choice]
RUNNING, ERROR, DONE = TaskState.RUNNING, TaskState.ERROR, TaskState.DONE


def end_and_collect(shim, program):
    """End a task while no agent runs; its shim, a child of this test, is collected: its number is free."""
    os.kill(program, signal.SIGKILL)
    os.waitpid(shim, 0)


def change_record(stage, task, **fields):
    """Write other values into a task's file, as an earlier agent could have left them."""
    path = stage.directory / "tasks" / task / "task.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def shim_of(stage, task):
    return stage.agent.task(task).record.shim


@pytest.mark.parametrize("boot", ["", "another"], ids=["same-boot", "another-boot"])
@pytest.mark.parametrize("next_order", [None, RUNNING, DONE], ids=["nothing", "running", "done"])
def test_an_unrelated_process_with_the_pid_of_an_ended_task_continues(perform, boot, next_order):
    async def scene(stage):
        (about,) = await stage.launch(RUNNING, victim=basic("exec sleep 1000"))
        shim = shim_of(stage, "victim")
        await stage.down()
        end_and_collect(shim, about.pid)
        if boot:
            change_record(stage, "victim", boot=boot)
        stranger = stranger_as(shim)
        try:
            await stage.up()
            await stage.until(lambda: stage.latest["victim"].state is ERROR)
            if next_order is not None:
                await stage.drive(next_order, "victim")
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()

    perform(scene)


def test_after_a_reboot_a_process_with_pid_and_start_time_of_a_task_is_not_adopted(perform):
    async def scene(stage):
        (about,) = await stage.launch(RUNNING, victim=basic("exec sleep 1000"))
        shim = shim_of(stage, "victim")
        await stage.down()
        end_and_collect(shim, about.pid)
        stranger = stranger_as(shim)
        try:
            started = procfs.start_ticks(stranger.pid)
            change_record(stage, "victim", boot="another", shim_started=started)
            await stage.up()
            await stage.until(lambda: stage.latest["victim"].state is ERROR)
            await stage.drive(DONE, "victim")
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()

    perform(scene)


def test_a_process_with_pid_and_start_time_and_without_the_mark_is_not_adopted(perform):
    """Two machines that share a directory, or a container that was started anew, have such numbers."""

    async def scene(stage):
        (about,) = await stage.launch(RUNNING, victim=basic("exec sleep 1000"))
        shim = shim_of(stage, "victim")
        await stage.down()
        end_and_collect(shim, about.pid)
        stranger = stranger_as(shim)
        try:
            change_record(stage, "victim", shim_started=procfs.start_ticks(stranger.pid))
            await stage.up()
            await stage.until(lambda: stage.latest["victim"].state is ERROR)
            assert stage.latest["victim"].status is TaskStatus.INACTIVE
            await stage.drive(DONE, "victim")
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()

    perform(scene)


def test_a_process_with_only_the_arguments_of_a_shim_is_not_adopted(perform):
    async def scene(stage):
        (about,) = await stage.launch(RUNNING, victim=basic("exec sleep 1000"))
        shim = shim_of(stage, "victim")
        marker = TaskDirectory(stage.directory.absolute() / "tasks" / "victim").files.marker
        await stage.down()
        end_and_collect(shim, about.pid)
        stranger = stranger_as(shim, (sys.executable, "-c", "import time; time.sleep(1000)", marker))
        assert await exec_wait.find_by_argument(marker) == [stranger.pid]
        try:
            change_record(stage, "victim", launching=True, shim=None, shim_started=None)
            await stage.up()
            await stage.drive(DONE, "victim")
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()

    perform(scene)


def test_the_audit_reports_a_marked_process_in_a_session_with_the_pid_of_a_dead_task(perform):
    async def scene(stage):
        (about,) = await stage.launch(RUNNING, victim=basic("exec sleep 1000"))
        shim = shim_of(stage, "victim")
        os.kill(about.pid, signal.SIGKILL)
        await stage.until(lambda: stage.latest["victim"].state is ERROR)
        async with asyncio.timeout(10):
            while procfs.exists(shim):
                await asyncio.sleep(0.01)
        home = stage.directory.absolute() / "tasks" / "forgotten"
        stranger = stranger_as(shim, env={**os.environ, orphan_audit.MARK: str(home)})
        try:
            (told,) = orphan_audit.audit(stage.directory, stage.task_users)["processes"]
            assert (told["pid"], told["task"]) == (stranger.pid, "forgotten")
        finally:
            stranger.kill()
            stranger.wait()

    perform(scene)
