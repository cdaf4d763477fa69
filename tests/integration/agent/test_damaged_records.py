"""Task files that were damaged or removed while the agent was away: no process of ours is lost from sight."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from salt_o2.agent.process import member_processes, orphan_audit
from salt_o2.agent.storage.task_directory import MARK
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.commands import Notice, Order
from salt_o2.core.states import TaskState, TaskStatus
from salt_o2.linux import procfs
from tests.support.builders.properties import data_channel
from tests.support.free_ports import free_port
from tests.support.harness.agent import HOST, basic, device

pytestmark = pytest.mark.integration
STANDBY, CONFIGURED, RUNNING = TaskState.STANDBY, TaskState.CONFIGURED, TaskState.RUNNING
ERROR, DONE = TaskState.ERROR, TaskState.DONE
HEARTBEAT_S = 0.5
"""Of the agents of these scenes."""
LISTENER = """
import socket, sys, time
server = socket.create_server(("0.0.0.0", int(sys.argv[1])))
print("up", flush=True)
time.sleep(1000)
"""


def damage(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_bytes(b"")


def remove(path):
    path.unlink()


FAULTS = [damage, empty, remove]


def orphaned(pid):
    """Whether a process still runs."""
    return procfs.start_ticks(pid) is not None


@pytest.mark.parametrize("fault", FAULTS)
def test_a_task_whose_file_is_damaged_is_adopted_by_its_last_good_copy(perform, fault):
    async def scene(stage):
        order = Order(task=TaskId("sink"), launch=device(), properties=data_channel(free_port()))
        clock = Order(task=TaskId("clock"), launch=basic("exec sleep 1000"))
        before = {about.task: about for about in await stage.drive(RUNNING, order, clock)}
        await stage.down()
        for task in before:
            fault(stage.directory / "tasks" / task / "task.json")
        stage.latest.clear()
        await stage.up()
        await stage.until(lambda: stage.latest.keys() == before.keys())
        for task, about in stage.latest.items():
            assert (about.state, about.pid, about.failure) == (RUNNING, before[task].pid, None)
            assert about.status is TaskStatus.ACTIVE
        for about in await stage.drive(CONFIGURED, "sink", "clock"):
            assert (about.state, about.failure) == (CONFIGURED, None)

    perform(scene)


def test_a_device_in_a_run_whose_file_is_damaged_is_not_moved_by_an_older_copy(perform):
    async def scene(stage):
        sink = TaskId("sink")
        await stage.drive(CONFIGURED, Order(task=sink, launch=device(), properties=data_channel(free_port())))
        (before,) = await stage.drive(RUNNING, "sink")
        await stage.down()
        path = stage.directory / "tasks/sink/task.json"
        older = path.with_name("task.json.last").read_text()
        damage(path)
        path.with_name("task.json.last").write_text(older.replace('"goal":"RUNNING"', '"goal":"STANDBY"'))
        moves = (stage.directory / "tasks/sink/stdout").read_text().count("--->")
        stage.latest.clear()
        await stage.up()
        await stage.until(lambda: "sink" in stage.latest)
        about = stage.latest["sink"]
        assert (about.state, about.pid, about.settled) == (RUNNING, before.pid, True)
        assert (stage.directory / "tasks/sink/stdout").read_text().count("--->") == moves

    perform(scene)


def without_record(stage, task):
    """Take away all that tells of a task, except what its processes carry."""
    folder = stage.directory / "tasks" / task
    for path in folder.glob("task.*"):
        path.unlink()


LOSSES = {
    "the-files": without_record,
    "the-folder": lambda stage, task: shutil.rmtree(stage.directory / "tasks" / task),
    "the-directory": lambda stage, _task: shutil.rmtree(stage.directory),
}


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES)
def test_a_process_without_a_record_is_ended_at_adoption(perform, lose):
    async def scene(stage):
        (about,) = await stage.launch(RUNNING, lost=basic("setsid sleep 1000 & exec sleep 1000"))
        shim = stage.agent.task("lost").record.shim
        await stage.down()
        lose(stage, "lost")
        stage.latest.clear()
        await stage.up()
        assert stage.agent.tasks() == []
        await stage.until(lambda: not orphaned(about.pid) and not orphaned(shim))
        assert orphan_audit.audit(stage.directory, stage.task_users)["processes"] == []

    perform(scene)


@pytest.mark.finding("X12")
def test_an_agent_that_no_control_has_heard_ends_no_process_without_a_record(perform):
    """Its directory may be an older copy, or one of another machine."""

    async def scene(stage):
        (about,) = await stage.launch(RUNNING, lost=basic("exec sleep 1000"))
        await stage.down()
        without_record(stage, "lost")
        stage.refusing = True
        agent = asyncio.create_task(stage.up())
        await asyncio.sleep(0)
        await stage.agent._ready.wait()
        # Longer than control takes to refuse an agent.
        await asyncio.sleep(4 * HEARTBEAT_S)
        assert orphaned(about.pid)
        stage.refusing = False
        await agent
        await stage.until(lambda: not orphaned(about.pid))

    perform(scene)


def test_a_task_is_not_started_beside_its_process_without_a_record_that_is_not_ended_yet(perform):
    """The search for processes without a record waits until control has accepted the agent."""

    async def scene(stage):
        (about,) = await stage.launch(RUNNING, lost=basic("exec sleep 1000"))
        await stage.down()
        without_record(stage, "lost")
        stage.latest.clear()
        await stage.up()
        assert orphaned(about.pid), "otherwise this test shows nothing"
        (again,) = await stage.launch(RUNNING, lost=basic("exec sleep 1001"))
        assert again.pid != about.pid
        assert not orphaned(about.pid)
        assert orphaned(again.pid), "the new process runs"

    perform(scene)


@pytest.mark.finding("X12")
def test_an_agent_that_control_refuses_ends_no_process_without_a_record(perform):
    """The machine is a copy of another one, which runs the tasks."""

    async def scene(stage):
        (about,) = await stage.launch(RUNNING, lost=basic("exec sleep 1000"))
        await stage.down()
        without_record(stage, "lost")
        await stage.up()
        notice = Notice(host=HOST, incarnation=stage.agent.reporter.incarnation, refused="two agents")
        await stage.agent.accept_message(notice)
        await asyncio.sleep(4 * HEARTBEAT_S)
        assert orphaned(about.pid)
        await stage.agent.accept_message(replace(notice, refused=""))
        await stage.until(lambda: not orphaned(about.pid))

    perform(scene)


def test_a_process_without_a_record_does_not_keep_the_port_of_a_task(perform):
    """It was found while the agent ran: a user removed its task, or an end went unnoticed."""

    async def scene(stage):
        port = free_port()
        lost = {**os.environ, MARK: str(stage.directory.absolute() / "tasks" / "lost")}
        with subprocess.Popen(
            [sys.executable, "-c", LISTENER, str(port)],
            env=lost, stdout=subprocess.PIPE, start_new_session=True,
        ) as process:  # fmt: skip
            try:
                assert process.stdout.readline() == b"up\n"
                (about,) = await stage.launch(RUNNING, next=basic("exec sleep 1000", ports=(port,)))
                assert (about.state, about.failure) == (RUNNING, None)
                assert process.wait(timeout=10) == -signal.SIGTERM
            finally:
                process.kill()

    perform(scene)


def test_a_port_of_an_unrelated_process_is_refused_and_the_process_continues(perform):
    async def scene(stage):
        port = free_port()
        with subprocess.Popen(
            [sys.executable, "-c", LISTENER, str(port)], stdout=subprocess.PIPE, start_new_session=True
        ) as stranger:
            try:
                assert stranger.stdout.readline() == b"up\n"
                (about,) = await stage.launch(RUNNING, next=basic("exec sleep 1000", ports=(port,)))
                assert f"port {port} is in use by process {stranger.pid}" in about.failure.reason
                assert stranger.poll() is None
            finally:
                stranger.kill()

    perform(scene)


def test_an_order_to_end_an_unknown_task_ends_its_processes_first(perform):
    async def scene(stage):
        lost = {**os.environ, MARK: str(stage.directory.absolute() / "tasks" / "lost")}
        with subprocess.Popen(["sleep", "1000"], env=lost, start_new_session=True) as process:
            try:
                (about,) = await stage.drive(DONE, "lost")
                assert (about.state, about.status) == (DONE, TaskStatus.INACTIVE)
                assert process.wait(timeout=10) == -signal.SIGTERM
            finally:
                process.kill()

    perform(scene)


def test_an_order_to_end_a_known_task_ends_processes_that_its_record_does_not_name(perform):
    async def scene(stage):
        await stage.launch(STANDBY, clock=basic("exec sleep 1000"))
        await stage.drive(RUNNING, "clock")
        await stage.drive(CONFIGURED, "clock")
        await stage.down()
        await stage.up()
        lost = {**os.environ, MARK: str(stage.directory.absolute() / "tasks" / "clock")}
        with subprocess.Popen(["sleep", "1000"], env=lost, start_new_session=True) as process:
            try:
                (about,) = await stage.drive(DONE, "clock")
                assert about.state is DONE
                assert process.wait(timeout=10) == -signal.SIGTERM
            finally:
                process.kill()

    perform(scene)


def test_a_process_of_another_directory_is_not_stopped(perform, tmp_path):
    async def scene(stage):
        other = {**os.environ, MARK: str(tmp_path / "agent2" / "tasks" / "clock")}
        with subprocess.Popen(["sleep", "1000"], env=other, start_new_session=True) as process:
            try:
                await stage.down()
                await stage.up()
                await stage.drive(DONE, "clock")
                assert process.poll() is None
            finally:
                process.kill()

    perform(scene)


class Lost:
    """A process that carries the folder of task ``clock``, which has no record; SIGTERM does not end it."""

    def __init__(self, stage):
        mark = {**os.environ, MARK: str(stage.directory.absolute() / "tasks" / "clock")}
        script = "trap '' TERM; echo up; while :; do read line; done"
        self.process = subprocess.Popen(
            ["sh", "-c", script],
            env=mark,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self.process.stdout.readline() == b"up\n"

    def __enter__(self):
        return self.process

    def __exit__(self, *_error):
        self.process.kill()
        self.process.communicate()


def ends_under_way():
    """The coroutines that end processes of tasks without a record."""
    return {each for each in asyncio.all_tasks() if "end" in each.get_name() and "clock" in each.get_name()}


def hold_looks(stage, seconds):
    """The agent looks at all processes only after this time, as on a host that has much to do."""
    stage.agent._host.process_scan._not_before = asyncio.get_running_loop().time() + seconds


def test_a_task_starts_after_the_processes_of_an_unknown_task_of_its_name_have_ended(perform):
    async def scene(stage):
        with Lost(stage) as process:
            await stage.command(DONE, "clock")
            (about,) = await stage.launch(RUNNING, clock=basic("exec sleep 1000"))
            assert (about.state, about.failure) == (RUNNING, None)
            assert process.poll() == -signal.SIGKILL

    perform(scene)


def test_the_end_of_an_unknown_task_harms_no_task_of_the_next_agent(perform):
    async def scene(stage):
        hold_looks(stage, 1.0)
        await stage.command(DONE, "clock")
        left = ends_under_way()
        assert left
        await stage.down()
        await stage.up()
        (before,) = await stage.launch(RUNNING, clock=basic("exec sleep 1000"))
        await asyncio.wait(left)
        (about,) = await stage.drive(RUNNING, "clock")
        assert (about.state, about.failure, about.pid) == (RUNNING, None, before.pid)

    perform(scene)


def test_an_unknown_task_that_was_ordered_to_run_is_not_reported_done(perform):
    async def scene(stage):
        hold_looks(stage, 0.5)
        await stage.command(DONE, "clock")
        left = ends_under_way()
        assert left
        await stage.launch(RUNNING, clock=basic("exec sleep 1000"))
        await asyncio.wait(left)
        seen = len(stage.reports)
        await stage.agent.survey()
        await stage.until(lambda: any(each.facts for each in stage.reports[seen:]))
        told = [about for about in stage.told() if about.task == "clock"]
        assert [about.revision for about in told] == sorted(about.revision for about in told)
        assert (stage.latest["clock"].state, stage.latest["clock"].failure) == (RUNNING, None)

    perform(scene)


def test_a_task_is_not_started_beside_processes_of_its_name_that_do_not_end(perform, monkeypatch):
    """SIGKILL cannot reach what waits in the kernel: here the agent does not send it."""

    async def scene(stage):
        send = procfs.send
        monkeypatch.setattr(
            procfs, "send", lambda each, number: number != signal.SIGKILL and send(each, number)
        )
        monkeypatch.setattr(member_processes, "KILLED_S", 0.3)
        with Lost(stage) as process:
            await stage.command(DONE, "clock")
            (about,) = await stage.launch(RUNNING, clock=basic("exec sleep 1000"))
            assert about.state is ERROR
            assert f"{process.pid} (" in about.failure.reason
        monkeypatch.undo()

    perform(scene)
