"""Processes that the agent may not signal are looked at now and then, and the agent goes on meanwhile."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from salt_o2.agent.process import member_processes
from salt_o2.agent.process.member_processes import MemberProcesses
from salt_o2.agent.process.process_scan import ProcessScan
from salt_o2.linux import procfs

LOOKS = 10
"""More than this many looks in half a second are a busy loop: one each 0.1 s is wanted."""


class Group:
    """The control group of a task, which has a process that is not the agent's."""

    def __init__(self, pid):
        self.pid, self.looks = pid, 0

    def entries(self, besides=0):
        self.looks += 1
        assert self.looks <= LOOKS, "a busy loop"
        return [procfs.processes()[self.pid]]

    def kill(self):
        pass


@pytest.fixture
def child():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.communicate(b"\n")


@pytest.mark.parametrize("with_shim", [True, False])
def test_a_process_that_may_not_be_signalled_is_no_busy_loop(child, monkeypatch, with_shim):
    monkeypatch.setattr(member_processes, "KILLED_S", 0.5)
    monkeypatch.setattr(procfs, "send", lambda _process, _number: False)  # as for a process of another user
    group, ticks = Group(child.pid), []

    async def others():
        while True:
            ticks.append(0)
            await asyncio.sleep(0.01)

    async def scene():
        other = asyncio.create_task(others())
        await asyncio.sleep(0)
        before = len(ticks)
        members = MemberProcesses(
            directory=Path("/nowhere"), shim=Shim() if with_shim else None, group=group, scan=ProcessScan()
        )
        remains = await members.clear(0.0)
        other.cancel()
        return remains, len(ticks) - before

    remains, turns = asyncio.run(scene())
    assert [each.pid for each in remains.remaining] == [child.pid]
    assert turns > 1, "the agent did nothing else meanwhile"


class Shim:
    """A shim that has ended."""

    pid, name = 0, None
