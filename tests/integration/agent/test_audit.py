"""The audit of a host: nothing where all is in order, and each thing by name where it is not."""

import asyncio
import os
import signal
import socket
import subprocess
import sys

import pytest

from salt_o2.agent.process import leftovers, orphan_audit
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.commands import Order
from salt_o2.core.states import TaskState
from salt_o2.linux import procfs
from tests.support.builders.properties import data_channel
from tests.support.free_ports import free_port
from tests.support.harness.agent import basic, device

pytestmark = pytest.mark.integration
RUNNING, DONE, ERROR = TaskState.RUNNING, TaskState.DONE, TaskState.ERROR
LISTENER = """
import socket, time
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
time.sleep(1000)
"""


def look(stage):
    """The audit without shared memory, where other programs of this machine may have something."""
    return {**orphan_audit.audit(stage.directory, stage.task_users), "segments": []}


def test_an_audit_is_clean_without_tasks_and_with_running_tasks(perform):
    async def scene(stage):
        assert look(stage) == {
            "clean": True, "agent": True, "tasks": 0, "processes": [], "sockets": [], "segments": [],
            "strangers": [],
        }  # fmt: skip
        await stage.launch(RUNNING, clock=basic("sleep 1000 & exec sleep 1000"))
        assert (look(stage)["processes"], look(stage)["tasks"]) == ([], 1)
        await stage.drive(DONE, "clock")
        assert look(stage)["processes"] == []

    perform(scene)


def test_an_audit_without_an_agent_reports_every_process(perform):
    async def scene(stage):
        (about,) = await stage.launch(RUNNING, clock=basic("exec sleep 1000"))
        await stage.down()
        found = look(stage)
        assert (found["clean"], found["agent"]) == (False, False)
        reported = {each["pid"]: each for each in found["processes"]}
        assert set(reported) == {about.pid, procfs.session_of(about.pid)}
        assert reported[about.pid]["task"] == "clock"
        assert "sleep 1000" in reported[about.pid]["command"]
        await stage.up()
        assert look(stage)["processes"] == []

    perform(scene)


def test_a_process_of_no_task_is_named_with_its_ports(perform):
    async def scene(stage):
        mark = {orphan_audit.MARK: f"{stage.directory.absolute()}/tasks/forgotten"}
        with subprocess.Popen(
            [sys.executable, "-c", LISTENER],
            env={**os.environ, **mark},
            stdout=subprocess.PIPE,
            start_new_session=True,
        ) as orphan:
            try:
                port = int(orphan.stdout.readline())
                (found,) = look(stage)["processes"]
                assert (found["pid"], found["task"], found["ports"]) == (
                    orphan.pid,
                    "forgotten",
                    [port],
                )
            finally:
                orphan.kill()

    perform(scene)


@pytest.mark.finding("4.3")
@pytest.mark.root("start a program as another user")
def test_the_mark_in_a_process_of_another_user_makes_no_audit_unclean(perform):
    async def scene(stage):
        mark = {orphan_audit.MARK: f"{stage.directory.absolute()}/tasks/forgotten"}
        stranger = ["setpriv", "--reuid=bin", "--regid=bin", "--clear-groups", "sleep", "1000"]
        with subprocess.Popen(stranger, env={**os.environ, **mark}, start_new_session=True) as process:
            try:
                async with asyncio.timeout(10):
                    while b"sleep" not in procfs.command_line(process.pid)[:1]:
                        await asyncio.sleep(0.01)
                assert look(stage)["processes"] == []
                assert look(stage)["clean"]
                assert [each["pid"] for each in look(stage)["strangers"]] == [process.pid]
            finally:
                process.kill()

    perform(scene)


def test_an_audit_ignores_tasks_of_another_directory(perform, tmp_path):
    async def scene(stage):
        await stage.launch(RUNNING, clock=basic("exec sleep 1000"))
        assert orphan_audit.audit(tmp_path / "other")["processes"] == []
        assert orphan_audit.audit(tmp_path / "agen")["processes"] == []

    perform(scene)


def test_a_killed_device_leaves_no_socket_and_no_shared_memory(perform, tmp_path):
    path = tmp_path / "data"
    segment = leftovers.SHM / f"fmq_{leftovers.shm_id('o2-test-of-traces', os.geteuid())}_m_0"

    async def scene(stage):
        launch = device(options=("--session", "o2-test-of-traces"))
        properties = {**data_channel(free_port()), "chans.data.0.address": f"ipc://{path}"}
        order = Order(task=TaskId("sink"), launch=launch, properties=properties)
        (about,) = await stage.drive(RUNNING, order)
        assert path.is_socket()
        segment.touch()  # what a C++ device would have made
        os.kill(about.pid, signal.SIGKILL)
        await stage.until(lambda: stage.latest["sink"].state is ERROR)
        await stage.until(lambda: not path.exists())
        assert not segment.exists()

    try:
        perform(scene)
    finally:
        segment.unlink(missing_ok=True)


def test_leftovers_of_a_time_without_agent_are_reported_and_then_removed(perform, tmp_path):
    path = tmp_path / "data"

    async def scene(stage):
        properties = {**data_channel(free_port()), "chans.data.0.address": f"ipc://{path}"}
        order = Order(task=TaskId("sink"), launch=device(), properties=properties)
        (about,) = await stage.drive(RUNNING, order)
        shim = procfs.session_of(about.pid)
        await stage.down()
        os.kill(about.pid, signal.SIGKILL)
        await ended(shim)
        assert look(stage)["sockets"] == [str(path)]
        await stage.up()
        await stage.until(lambda: not path.exists())
        assert look(stage)["sockets"] == []

    perform(scene)


async def ended(shim):
    async with asyncio.timeout(10):
        while procfs.start_ticks(shim) is not None:
            await asyncio.sleep(0.01)


def test_a_directory_that_was_never_used_is_clean(tmp_path):
    found = orphan_audit.audit(tmp_path / "nowhere")
    assert (found["processes"], found["sockets"], found["agent"]) == ([], [], False)
    assert not (tmp_path / "nowhere").exists()


def test_the_ports_of_a_process_are_its_listening_ports():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert server.getsockname()[1] in procfs.ports_of(os.getpid())
