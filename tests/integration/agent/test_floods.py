"""Tasks that write and fail without end: the agent stays small, and its other tasks are served."""

import os
from pathlib import Path

import pytest

from salt_o2.agent.storage import output_files
from salt_o2.core.states import TaskState
from tests.support.harness.agent import basic, device

pytestmark = pytest.mark.integration
STANDBY, CONFIGURED, RUNNING, DONE = (
    TaskState.STANDBY,
    TaskState.CONFIGURED,
    TaskState.RUNNING,
    TaskState.DONE,
)
GIGABYTE = 1_000_000_000
ROOM = 64 * 1024 * 1024
"""Bytes that the agent may grow by meanwhile; it holds half of an output for a moment."""


def resident():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_a_gigabyte_on_stdout_is_bounded_and_disturbs_no_other_task(perform):
    async def scene(stage):
        await stage.launch(STANDBY, sink=device())
        before = resident()
        flood = f"head -c {GIGABYTE} /dev/zero | tr '\\0' x; exit 0"
        await stage.launch(RUNNING, flood=basic(flood))
        for _ in range(3):
            (about,) = await stage.drive(STANDBY, "sink")
            assert about.failure is None
        await stage.until(lambda: stage.latest["flood"].state is DONE, timeout_s=60)
        files = stage.agent.output_of("flood").files
        await stage.until(lambda: size_of(files.stdout) <= output_files.BOUND)
        assert resident() - before < ROOM
        assert len(output_files.tail(files.stdout, 5)[-1]) <= output_files.CLIP

    perform(scene)


def size_of(path):
    return sum(each.stat().st_size for each in (path, path.with_name("stdout.before")) if each.exists())


def test_reports_that_control_does_not_accept_wait_without_growing(perform):
    async def scene(stage):
        await stage.launch(STANDBY, sink=device())
        stage.refusing = True
        task = stage.agent.task("sink")
        for _ in range(10_000):
            stage.agent.reporter.changed(task.record.environment, task.id, True)
        assert len(stage.agent.reporter._unreported.tasks) == 1
        known = len(stage.reports)
        stage.refusing = False
        await stage.until(lambda: any("sink" in [t.task for t in r.tasks] for r in stage.reports[known:]))

    perform(scene)
