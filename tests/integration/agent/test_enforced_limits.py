"""A task that exceeds a limit is ended and named, and its neighbours are not touched."""

import os

import pytest

from salt_o2.core.plan.launch import Limits
from salt_o2.core.states import TaskState
from salt_o2.linux import cgroup, procfs
from tests.support.harness.agent import basic

pytestmark = pytest.mark.integration
RUNNING, ERROR, DONE = TaskState.RUNNING, TaskState.ERROR, TaskState.DONE
PYTHON = "exec python3 -c "
GREEDY = PYTHON + "'import time; kept = bytearray(200 << 20); time.sleep(1000)'"
FERTILE = "for n in 1 2 3 4 5 6 7 8; do sleep 1000 & done; wait"
STUBBORN = PYTHON + (
    '\'import subprocess, time\nwhile True:\n    try: subprocess.Popen(["sleep", "1000"])\n'
    "    except OSError: time.sleep(0.1)'"
)
"""Goes on although it may have no more processes."""
BUSY = PYTHON + "'while True: pass'"

needs_groups = pytest.mark.skipif(
    cgroup.base() is None, reason="no cgroup v2 that this user may write: groups are not tried"
)


@pytest.mark.parametrize(
    ("script", "limits", "said"),
    [
        (GREEDY, Limits(memory_mb=60), "memory"),
        (FERTILE, Limits(pids=4), "processes and threads, and its limit is 4"),
        (STUBBORN, Limits(pids=6), "processes and threads, and its limit is 6"),
    ],
    ids=["memory", "pids", "pids-and-it-goes-on"],
)
def test_a_task_that_exceeds_a_limit_is_stopped_and_named(perform, script, limits, said):
    async def scene(stage):
        modest = {"memory_mb": 150, "pids": 40}
        (before,) = await stage.launch(RUNNING, neighbour=basic("exec sleep 1000", limits=Limits(**modest)))
        await stage.launch(RUNNING, greedy=basic(script, limits=limits))
        await stage.until(lambda: stage.latest["greedy"].state is ERROR)
        failure = stage.latest["greedy"].failure
        assert said in failure.reason
        os.kill(before.pid, 0)
        assert stage.latest["neighbour"].state is RUNNING

    perform(scene)


def throttled(group):
    """How often the kernel has held it back."""
    pairs = [line.split() for line in (group.path / "cpu.stat").read_text().splitlines()]
    return int(dict(pairs).get("nr_throttled", 0))


@needs_groups
def test_a_task_that_needs_more_cores_than_its_limit_is_throttled_and_continues(perform):
    async def scene(stage):
        limits = Limits(cpu=0.1)
        await stage.launch(RUNNING, busy=basic(BUSY, limits=limits), free=basic(BUSY))
        busy, free = (
            cgroup.find(stage.directory / "tasks" / name, cgroup.base()) for name in ("busy", "free")
        )
        if not busy.holds("cpu"):
            pytest.skip("the controller of cpu is not for control groups of version 2 on this machine")
        await stage.until(lambda: throttled(busy))
        assert throttled(free) == 0
        assert {stage.latest[name].state for name in ("busy", "free")} == {RUNNING}

    perform(scene)


def test_the_next_agent_enforces_a_limit_too(perform):
    async def scene(stage):
        grows = PYTHON + (
            '\'import os, time, pathlib\nwhile not pathlib.Path("go").exists(): time.sleep(0.02)\n'
            "kept = bytearray(200 << 20); time.sleep(1000)'"
        )
        await stage.launch(RUNNING, greedy=basic(grows, limits=Limits(memory_mb=60)))
        await stage.down()
        await stage.up()
        (stage.directory / "tasks/greedy/work/go").touch()
        await stage.until(lambda: stage.latest["greedy"].state is ERROR)
        assert "memory" in stage.latest["greedy"].failure.reason

    perform(scene)


def fugitives(group, shim):
    return [pid for pid in group.processes if procfs.session_of(pid) != shim]


@needs_groups
def test_a_process_that_left_its_session_is_stopped_with_its_task(perform):
    async def scene(stage):
        await stage.launch(RUNNING, parent=basic("setsid sleep 1000 & exec sleep 1000"))
        group = cgroup.find(stage.directory / "tasks/parent", cgroup.base())
        shim = stage.agent.task("parent").record.shim
        await stage.until(lambda: fugitives(group, shim))
        fled = fugitives(group, shim)
        await stage.drive(DONE, "parent")
        assert all(procfs.start_ticks(pid) is None for pid in fled)
        assert not group.path.exists()

    perform(scene)


@needs_groups
def test_a_group_is_gone_with_a_task_that_died_while_no_agent_ran(perform):
    async def scene(stage):
        await stage.launch(RUNNING, victim=basic("exec sleep 1000"))
        group = cgroup.find(stage.directory / "tasks/victim", cgroup.base())
        await stage.down()
        group.kill()
        await stage.up()
        await stage.until(lambda: stage.latest["victim"].state is ERROR)
        assert not group.path.exists()

    perform(scene)
