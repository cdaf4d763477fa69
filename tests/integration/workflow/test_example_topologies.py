"""The examples, as planned, with real processes: every sink receives."""

import asyncio
import os
import re
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from salt_o2.core.messages.commands import Order
from salt_o2.core.states import TaskState
from salt_o2.workflow import Directory, load
from tests.support.builders.templates import facts, inventory, plan
from tests.support.harness.agent import HOST, AgentHarness

pytestmark = pytest.mark.integration
EXAMPLES = Path(__file__).parents[3] / "examples"
PREFIX = os.environ.get("O2_FAIRMQ_PREFIX", "")
RECEIVED = re.compile(r"total: [1-9]|Received message|Received: \"Hello|Received [1-9]\d* messages")
"""What the sinks say: the Python one, FairMQ's examples, FairMQ's fairmq-sink."""
SINKS = {"fairmq-ex-1-n-1": 1, "fairmq-ex-copypush": 4, "qc-advanced-root": 4}

needs_fairmq = pytest.mark.skipif(
    not PREFIX, reason="O2_FAIRMQ_PREFIX does not name an installation of FairMQ"
)


def free_block(size: int) -> tuple[int, int]:
    """Return the first and last of ``size`` free ports, beside those of private clusters."""
    blocks = [range(first, first + size) for first in range(31_000, 31_900 - size, size)]
    at = os.getpid() % len(blocks)  # tests that run beside this one should not meet here
    for block in blocks[at:] + blocks[:at]:
        if all(map(is_free, block)):
            return block[0], block[-1]
    raise AssertionError("no free ports")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def planned(name: str, **variables: str):
    """Plan an example on this machine, on ports that are free now."""
    first, last = free_block(120)
    host = facts("127.0.0.1", cpus=64.0, control_ports=(first, first + 49), channel_ports=(first + 50, last))
    tasks = plan(load(Directory(EXAMPLES), name, variables=variables), inventory(**{HOST: host})).tasks
    return [replace(task, id=f"{name}-{task.id}") for task in tasks]


async def run(stage: AgentHarness, tasks) -> None:
    """Start, configure and run the tasks until every sink has received; then end them."""
    await drive(stage, TaskState.STANDBY, [Order(task=task.id, launch=task.launch) for task in tasks])
    await drive(
        stage, TaskState.CONFIGURED, [Order(task=task.id, properties=task.properties) for task in tasks]
    )
    await drive(stage, TaskState.RUNNING, [Order(task=task.id) for task in tasks])
    sinks = [task for task in tasks if "sink" in task.path]
    if "fairmq-sink" in sinks[0].launch.value:
        await run_until_said(stage, tasks, sinks)
    await stage.until(lambda: all(has_received(stage, sink) for sink in sinks))
    await drive(stage, TaskState.DONE, [Order(task=task.id) for task in tasks])


async def run_until_said(stage: AgentHarness, tasks, sinks, runs=50) -> None:
    """Stop and run again until every sink has received: fairmq-sink says what it got only when it stops."""
    orders = [Order(task=task.id) for task in tasks]
    for _ in range(runs):
        await drive(stage, TaskState.CONFIGURED, orders)
        if all(has_received(stage, sink) for sink in sinks):
            return
        await drive(stage, TaskState.RUNNING, orders)


async def drive(stage: AgentHarness, goal: TaskState, orders) -> None:
    for about in await stage.drive(goal, *orders, arguments={"runNumber": "1"}):
        assert about.failure is None, about.failure
        assert about.state is goal


def output(stage: AgentHarness, task) -> str:
    found = [path for path in stage.directory.rglob("stdout") if task.id in path.parts]
    return found[0].read_text(errors="replace") if found else ""


def has_received(stage: AgentHarness, task) -> bool:
    return RECEIVED.search(output(stage, task)) is not None


@pytest.fixture
def perform(tmp_path):
    """Run tasks under a real agent, and clean up behind them."""

    async def play(tasks):
        stage = AgentHarness(tmp_path / "agent")
        await stage.up()
        try:
            await run(stage, tasks)
        finally:
            await stage.clean()

    return lambda tasks: asyncio.run(play(tasks))


@pytest.mark.parametrize("name", SINKS)
def test_data_reaches_every_sink_of_an_example(perform, name):
    tasks = planned(name)
    assert sum("sink" in task.path for task in tasks) == SINKS[name]
    perform(tasks)


@needs_fairmq
@pytest.mark.parametrize("plugin", ["OCClite", "OCC"])
@pytest.mark.parametrize("name", SINKS)
def test_data_reaches_every_sink_of_an_example_on_fairmqs_own_devices(perform, name, plugin):
    perform(planned(name, fairmq_prefix=PREFIX, fmq_plugin=plugin))
