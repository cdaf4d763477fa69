"""Processes that only inherited the mark of a task, or descend from it as services of the host: they stay.

Tasks of these scenes run as account ``daemon`` or as root, and without control groups: a group proves by
itself which processes are the task's.
"""

import asyncio
import contextlib
import os
import subprocess
from dataclasses import replace

import pytest

from salt_o2.agent.process import orphan_audit
from salt_o2.agent.storage.task_directory import MARK
from salt_o2.core.states import TaskState
from salt_o2.linux import procfs
from tests.support.harness.agent import AgentHarness, basic

pytestmark = [pytest.mark.integration, pytest.mark.root("act as several accounts")]
RUNNING, DONE = TaskState.RUNNING, TaskState.DONE
SERVICE = "setpriv --reuid=bin --regid=bin --clear-groups"


@pytest.fixture
def perform(tmp_path, request):
    """Play a scene on a host whose tasks may have the accounts of the test."""

    async def play(scene, accounts):
        stage = AgentHarness(tmp_path / "agent")
        stage.groups, stage.task_users = None, accounts
        await stage.up()
        try:
            await scene(stage)
        finally:
            await stage.clean()

    return lambda scene, *accounts: asyncio.run(play(scene, accounts))


@contextlib.contextmanager
def marked(stage, task, *words, **options):
    """A process that carries the mark of a task and does not descend from it."""
    mark = {MARK: f"{stage.directory.absolute()}/tasks/{task}"}
    with subprocess.Popen(words, env={**os.environ, **mark}, start_new_session=True, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def audit(stage):
    return orphan_audit.audit(stage.directory, stage.task_users)


@pytest.mark.finding("X25")
@pytest.mark.parametrize("record", ["running", "lost"])
def test_a_shell_of_root_with_the_mark_of_a_task_stays_with_all_that_it_starts(perform, record):
    """An administrator has sourced the variables of the task, and has restarted a service."""

    async def scene(stage):
        await stage.launch(RUNNING, clock=replace(basic("exec sleep 1000"), user="daemon"))
        clock = "clock" if record == "running" else "forgotten"
        with marked(stage, clock, "sh", "-c", f"{SERVICE} setsid sleep 1000 & exec sleep 1000") as shell:
            await stage.until(lambda: len(procfs.children(shell.pid)) == 1)
            (service,) = procfs.children(shell.pid)
            await stage.until(lambda: b"sleep" in procfs.command_line(service)[:1])
            await stage.down()
            await stage.up()
            (about,) = await stage.drive(DONE, "clock")
            assert (about.state, about.failure) == (DONE, None)
            assert shell.poll() is None
            assert procfs.start_ticks(service) is not None
            assert {each["pid"] for each in audit(stage)["strangers"]} == {shell.pid, service}
            assert audit(stage)["clean"]
            os.kill(service, 9)

    perform(scene, "daemon")


@pytest.mark.finding("X25")
@pytest.mark.parametrize("ends", ["by-order", "by-itself"])
def test_a_service_that_was_started_within_a_task_stays_and_is_reported(perform, tmp_path, ends):
    """It has an account and a session of its own."""
    told, stop = tmp_path / "pid", tmp_path / "stop"
    script = (
        f"(exec {SERVICE} setsid sh -c 'sleep 1000 & sleep 1000') & echo $! >{told}; "
        f"while [ ! -e {stop} ]; do sleep 0.05; done"
    )

    async def scene(stage):
        await stage.launch(RUNNING, clock=basic(script))
        await stage.until(lambda: told.exists() and told.read_text().strip())
        service = int(told.read_text())
        await stage.until(lambda: len(procfs.children(service)) == 2)
        below = procfs.children(service)
        if ends == "by-itself":
            stop.touch()
            await stage.until(lambda: stage.latest["clock"].status == "INACTIVE")
        (about,) = await stage.drive(DONE, "clock")
        assert (about.state, about.failure) == (DONE, None)
        stays = [service, *below]
        assert [procfs.start_ticks(pid) is not None for pid in stays] == [True] * 3
        output = (stage.directory / "old/clock/stderr").read_text()
        assert f"have an account and a session of their own, and stay: {service}" in output
        for pid in stays:
            os.kill(pid, 9)

    perform(scene, "root")


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(f"{SERVICE} sleep 1000", id="other-account-in-the-session-of-the-task"),
        pytest.param("setsid sleep 1000", id="own-session-with-the-account-of-the-task"),
        pytest.param("setpriv --euid=bin setsid sleep 1000", id="only-the-effective-account-is-another"),
    ],
)
def test_a_process_that_differs_in_one_way_only_ends_with_the_task(perform, tmp_path, command):
    told = tmp_path / "pid"

    async def scene(stage):
        await stage.launch(RUNNING, clock=basic(f"(exec {command}) & echo $! >{told}; exec sleep 1000"))
        await stage.until(lambda: told.exists() and told.read_text().strip())
        pid = int(told.read_text())
        await stage.until(lambda: b"sleep" in procfs.command_line(pid)[:1])
        (about,) = await stage.drive(DONE, "clock")
        assert about.state is DONE
        assert procfs.start_ticks(pid) is None

    perform(scene, "root")


def test_a_container_of_a_task_is_in_another_user_namespace():
    """So its accounts say nothing: they are accounts of the task."""
    with subprocess.Popen(["unshare", "--user", "sleep", "1000"]) as process:
        try:
            while b"sleep" not in procfs.command_line(process.pid)[:1]:
                assert process.poll() is None
            assert not procfs.shares_user_namespace(process.pid)
            assert procfs.shares_user_namespace(os.getppid())
        finally:
            process.kill()


def test_a_shim_without_a_record_is_still_found_and_ended(perform):
    """The shim has root's account, which no task of this host may have."""

    async def scene(stage):
        await stage.launch(RUNNING, clock=replace(basic("exec sleep 1000"), user="daemon"))
        shim = stage.agent.task("clock").record.shim
        await stage.down()
        for path in (stage.directory / "tasks/clock").glob("task.json*"):
            path.unlink()
        assert [each["pid"] for each in audit(stage)["processes"] if each["pid"] == shim] == [shim]
        await stage.up()
        await stage.until(lambda: procfs.start_ticks(shim) is None)

    perform(scene, "daemon")
