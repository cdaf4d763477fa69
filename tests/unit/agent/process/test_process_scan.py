"""A process that was started just now is in its exec, where it shows no mark: it is known all the same."""

import asyncio
import os
import pwd
import signal
import subprocess
from contextlib import contextmanager

import pytest

from salt_o2.agent.launch.accounts import Accounts
from salt_o2.agent.process import launcher
from salt_o2.agent.process.host_resources import HostResources
from salt_o2.agent.process.process_scan import ProcessScan
from salt_o2.agent.storage.task_directory import MARK, TaskDirectory
from salt_o2.agent.storage.task_record import TaskRecord
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode
from salt_o2.linux import exec_wait, procfs

TIMES = 100
AT_MOST = 3000
"""Often every second process is in its exec when posix_spawn(3) returns; on some machines one in hundreds."""
ENOUGH = 20
"""Processes to see in their exec."""
SLEEP = Launch(mode=ControlMode.BASIC, value="exec sleep 1000", shell=True)


def a_host():
    """A host whose tasks run as the account of this test."""
    own = Accounts((pwd.getpwuid(os.geteuid()).pw_name,))
    return HostResources(name=HostId("flp1"), groups=None, accounts=own)


def end(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


@contextmanager
def started(mark):
    pid = os.posix_spawn("/bin/sleep", ["sleep", "1000"], {MARK: mark})
    try:
        yield pid
    finally:
        end(pid)


def test_a_process_in_its_exec_shows_its_mark_when_that_is_over():
    in_exec = 0

    async def see(pid):
        variables = await exec_wait.shown(pid, lambda pid: list(filter(None, procfs.environ(pid))), 10.0)
        assert variables == [f"{MARK}=/agent/tasks/one".encode()]

    for _ in range(AT_MOST):
        with started("/agent/tasks/one") as pid:
            in_exec += procfs.is_in_exec(pid)
            asyncio.run(see(pid))
        if in_exec >= ENOUGH:
            break
    assert in_exec, "otherwise this test says nothing"


def test_a_scan_finds_the_mark_of_a_process_that_has_just_started(monkeypatch):
    monkeypatch.setattr("salt_o2.agent.process.process_scan.LOOK_AFTER_S", 0.0)

    async def seen(pid):
        monkeypatch.setattr(procfs, "processes", lambda: {pid: procfs.entry(pid)})
        return (await ProcessScan().scan()).marks

    with asyncio.Runner() as runner:
        for _ in range(TIMES):
            with started("/agent/tasks/one") as pid:
                assert runner.run(seen(pid)) == {pid: "/agent/tasks/one"}


def test_a_scan_does_not_wait_for_a_process_without_arguments_or_a_kernel_thread():
    assert not procfs.is_in_exec(2), "kthreadd never has a program"
    assert not procfs.is_in_exec(os.getpid())
    assert not procfs.is_in_exec(2**22 + 1), "no such process"


def test_a_process_is_found_by_an_argument_that_is_its_own():
    argument = f"mark-{os.getpid()}"
    assert asyncio.run(exec_wait.find_by_argument(argument)) == []
    with subprocess.Popen(["sh", "-c", "read line", argument], stdin=subprocess.PIPE) as child:
        assert asyncio.run(exec_wait.find_by_argument(argument)) == [child.pid]
        child.kill()


@pytest.mark.parametrize(("times", "is_known"), [(TIMES, True), (10, False)], ids=["known", "to-be-found"])
def test_a_shim_that_was_started_just_now_is_adopted(tmp_path, times, is_known):
    async def adopted(folder):
        home = TaskDirectory(folder)
        record = TaskRecord(task=TaskId("clock"), environment=EnvironmentId("E"), launch=SLEEP)
        launcher.start_process(record, home, a_host(), lambda: None)
        shim = record.shim
        if not is_known:
            record.shim = record.shim_started = None
            record.launching = True
        try:
            living = await launcher.adopt_process(record, home, a_host(), lambda: None)
            assert living is not None
            assert record.shim == shim
            await living.release()
        finally:
            os.killpg(shim, signal.SIGKILL)
            os.waitpid(shim, 0)

    with asyncio.Runner() as runner:
        for number in range(times):
            runner.run(adopted(tmp_path / str(number)))
