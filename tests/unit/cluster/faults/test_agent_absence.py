"""While no agent runs: it is kept away, and tasks and their records are harmed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from salt_o2.cluster import state_file
from salt_o2.cluster.faults.agent_absence import (
    agent_stopped,
    becomes_free,
    damage,
    end_session_of,
    folder_of,
    without_agent,
)
from salt_o2.cluster.faults.components import agent_pid
from salt_o2.cluster.faults.schedule import Action
from salt_o2.cluster.paths import MARKER, layout
from salt_o2.cluster.processes import Process, end, members, start_time
from salt_o2.cluster.state_file import Record
from tests.support.waiting import wait_until

MINION = """
import os, sys, time
from salt_o2.linux.supervisor import supervised

def work():
    held = open(sys.argv[1], "w")
    while True:
        time.sleep(60)

supervised(work)
"""
SHIM = "sleep 600 & sleep 601; exit 3"


@pytest.fixture
def minion(tmp_path):
    """A cluster of one minion that is a supervisor with an agent, as the engine is, and nothing else."""
    place = layout(tmp_path)
    lock = place.agent("flp1") / "lock"
    lock.parent.mkdir(parents=True)
    daemon = subprocess.Popen([sys.executable, "-c", MINION, str(lock)], start_new_session=True)
    leader = Process("flp1", daemon.pid, start_time(daemon.pid) or 0)
    state_file.write(place, Record(0, ("flp1",), 1, tmp_path, (leader,)))
    wait_until(lambda: agent_pid(tmp_path, "flp1"), "the agent has its lock")
    yield tmp_path
    end([leader, *members(leader)], 5)
    daemon.wait()


def start_task(directory):
    """Start a shim with two processes of a task, as an agent of the cluster in ``directory`` does."""
    folder = directory / "tasks" / "t1"
    folder.mkdir(parents=True)
    env = {MARKER: str(directory), "O2_TASK_HOME": str(folder), "PATH": "/usr/bin:/bin"}
    child = subprocess.Popen(["/bin/sh", "-c", SHIM], env=env, start_new_session=True)
    shim = Process("shim", child.pid, start_time(child.pid) or 0)
    wait_until(lambda: len(members(shim)) == 2, "the task has its processes")
    return child, shim, folder


def test_no_agent_runs_in_the_block_and_another_agent_runs_after_it(minion):
    before = agent_pid(minion, "flp1")
    with without_agent(minion, "flp1"):
        assert start_time(before) is None
        assert agent_pid(minion, "flp1") is None
    after = wait_until(lambda: agent_pid(minion, "flp1"), "the supervisor has started another agent")
    assert after != before


def test_a_minion_that_does_not_run_has_no_agent_to_keep_away(tmp_path):
    state_file.write(layout(tmp_path), Record(0, ("flp1",), 1, tmp_path))
    with without_agent(tmp_path, "flp1"):
        assert agent_pid(tmp_path, "flp1") is None


def test_a_stopped_agent_continues_behind_the_block(minion):
    pid = agent_pid(minion, "flp1")
    with agent_stopped(minion, "flp1"):
        wait_until(lambda: state_of(pid) == "T", "the agent is stopped")
    wait_until(lambda: state_of(pid) == "S", "the agent goes on")


def state_of(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_task_is_ended_with_its_shim(tmp_path):
    child, shim, folder = start_task(tmp_path)
    program = members(shim)[0].pid
    assert folder_of(program) == folder
    assert end_session_of(tmp_path, program) == shim.pid
    assert members(shim) == []
    child.wait()
    assert becomes_free(shim.pid)


def test_a_process_of_no_task_of_this_cluster_is_not_ended(tmp_path):
    child, shim, _ = start_task(tmp_path / "another")
    program = members(shim)[0].pid
    assert end_session_of(tmp_path, program) is None
    assert child.poll() is None
    assert end_session_of(tmp_path / "another", program) == shim.pid
    child.wait()


def test_a_pid_in_use_does_not_become_free(monkeypatch):
    monkeypatch.setattr("salt_o2.cluster.faults.agent_absence.GONE_S", 0.05)
    assert not becomes_free(os.getpid())


RECORD = {"task": "t1", "pid": 1234, "configured": {"chans.data.0.address": "tcp://10.0.0.1:9000"}}


@pytest.fixture
def folder(tmp_path):
    """The folder of a task, with two copies of its record."""
    for name in ("task.json", "task.json.before"):
        (tmp_path / name).write_text(json.dumps(RECORD))
    (tmp_path / "stdout").write_text("working\n")
    return tmp_path


@pytest.mark.parametrize("action", [Action.TRUNCATE, Action.GARBLE])
def test_a_damaged_record_cannot_be_read(folder, action):
    assert damage(folder, action)
    with pytest.raises(ValueError, match=r".*"):
        json.loads((folder / "task.json").read_bytes())
    assert json.loads((folder / "task.json.before").read_text()) == RECORD


def test_all_copies_of_a_record_are_removed_and_nothing_else(folder):
    assert damage(folder, Action.REMOVE)
    assert [path.name for path in folder.iterdir()] == ["stdout"]


@pytest.mark.parametrize("action", [Action.TRUNCATE, Action.GARBLE, Action.REMOVE])
def test_a_task_without_a_record_cannot_get_a_damaged_record(tmp_path, action):
    assert not damage(tmp_path, action)
    assert list(tmp_path.iterdir()) == []
