"""All processes of a task end with it, also those that have left its session, its environment or its pids."""

import asyncio
import sys

import pytest

from salt_o2.core.ids import TaskId
from salt_o2.core.messages.commands import Order
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode, TaskState
from salt_o2.linux import cgroup, procfs
from tests.support.builders.properties import data_channel
from tests.support.free_ports import free_port
from tests.support.harness.agent import DEVICE, AgentHarness, basic, device

pytestmark = pytest.mark.integration
STANDBY, CONFIGURED, RUNNING = TaskState.STANDBY, TaskState.CONFIGURED, TaskState.RUNNING
ERROR, DONE = TaskState.ERROR, TaskState.DONE
needs_root = pytest.mark.root("start a namespace of pids")

POLITE = """
import os, pathlib, signal, sys, time
received = pathlib.Path(sys.argv[1])
def end(*_):
    received.write_text("SIGTERM")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
received.with_suffix(".up").write_text(str(os.getpid()))
time.sleep(1000)
"""
STUBBORN = POLITE.replace('received.write_text("SIGTERM")\n    sys.exit(0)', 'received.write_text("SIGTERM")')

ESCAPES = {
    "stays": "{program}",
    "leaves-its-session": "setsid -w {program}",
    "left-in-the-background": "setsid {program} & exec sleep 1000",
    "clears-its-environment": "env -i {program} & exec sleep 1000",
    "clears-its-environment-and-leaves": "env -i setsid {program} & exec sleep 1000",
    "is-an-orphan-of-all-that-knew-it": "env -i setsid sh -c '{program} &' & exec sleep 1000",
}
HOLDERS = ("version-2", "version-1", "no-group")


def place_of(holder):
    """Where control groups of this kind can be made on this machine."""
    if holder == "no-group":
        return None
    writable = [place for place in cgroup._places() if cgroup._takes_groups(place)]
    is_new = {place: (place / "cgroup.events").exists() or _is_root_of_version_2(place) for place in writable}
    found = [place for place in writable if is_new[place] is (holder == "version-2")]
    if not found:
        pytest.skip(f"this user can make no control group of {holder} on this machine: that is not tried")
    return found[0]


def _is_root_of_version_2(place):
    return (place / "cgroup.controllers").exists()


@pytest.fixture(params=HOLDERS)
def holder(request, perform_in):
    """Scenes where tasks are held together by a control group of one version or the other, or by none."""
    return lambda scene: perform_in(place_of(request.param), scene)


@pytest.fixture
def perform_in(tmp_path):
    async def play(place, scene):
        stage = AgentHarness(tmp_path / "agent")
        stage.groups = place
        await stage.up()
        try:
            await scene(stage)
        finally:
            await stage.clean()

    return lambda place, scene: asyncio.run(play(place, scene))


async def running_program(stage, received, escape, text=POLITE, grace_s=1.0):
    received.with_suffix(".py").write_text(text)
    script = escape.format(program=f"{sys.executable} {received.with_suffix('.py')} {received}")
    await stage.launch(RUNNING, escaper=basic(script, grace_s=grace_s))
    await stage.until(
        lambda: received.with_suffix(".up").exists() and received.with_suffix(".up").read_text()
    )


@pytest.mark.parametrize("escape", ESCAPES.values(), ids=ESCAPES)
def test_each_process_of_a_task_gets_sigterm_and_ends(holder, tmp_path, escape):
    received = tmp_path / "received"

    async def scene(stage):
        await running_program(stage, received, escape)
        pid = int(received.with_suffix(".up").read_text())
        (about,) = await stage.drive(DONE, "escaper")
        assert (about.state, about.failure, about.killed) == (DONE, None, False)
        assert received.read_text() == "SIGTERM"
        assert procfs.start_ticks(pid) is None

    holder(scene)


@pytest.mark.parametrize("escape", ESCAPES.values(), ids=ESCAPES)
def test_each_process_that_stays_after_sigterm_gets_sigkill_and_is_reported(holder, tmp_path, escape):
    received = tmp_path / "received"

    async def scene(stage):
        await running_program(stage, received, escape, STUBBORN, grace_s=0.2)
        pid = int(received.with_suffix(".up").read_text())
        (about,) = await stage.drive(DONE, "escaper")
        assert (about.state, about.failure, about.killed) == (DONE, None, True)
        assert received.read_text() == "SIGTERM"
        assert procfs.start_ticks(pid) is None

    holder(scene)


@pytest.mark.parametrize("escape", ESCAPES.values(), ids=ESCAPES)
def test_each_process_ends_by_an_agent_that_adopted_the_task(holder, tmp_path, escape):
    received = tmp_path / "received"

    async def scene(stage):
        await running_program(stage, received, escape)
        pid = int(received.with_suffix(".up").read_text())
        await stage.down()
        await stage.up()
        (about,) = await stage.drive(DONE, "escaper")
        assert about.state is DONE
        assert received.read_text() == "SIGTERM"
        assert procfs.start_ticks(pid) is None

    holder(scene)


BACKGROUND = {name: escape for name, escape in ESCAPES.items() if " & exec sleep 1000" in escape}


@pytest.mark.parametrize("escape", BACKGROUND.values(), ids=BACKGROUND)
@pytest.mark.parametrize("away", [False, True], ids=["watched", "while-no-agent-runs"])
def test_processes_that_an_ended_program_leaves_get_sigterm_and_end(holder, tmp_path, escape, away):
    received, go = tmp_path / "received", tmp_path / "go"
    script = escape.replace("exec sleep 1000", f"until [ -e {go} ]; do sleep 0.02; done")

    async def scene(stage):
        await running_program(stage, received, script)
        pid = int(received.with_suffix(".up").read_text())
        if away:
            await stage.down()
        go.touch()
        if away:
            (shim,) = stage.sessions
            await has_ended(shim)
            await stage.up()
        await stage.until(lambda: stage.latest["escaper"].state is DONE)
        assert received.read_text() == "SIGTERM"
        assert procfs.start_ticks(pid) is None

    holder(scene)


async def has_ended(pid):
    async with asyncio.timeout(20):
        while procfs.start_ticks(pid) is not None:
            await asyncio.sleep(0.01)


WRAPS = {
    "leaves-its-session": ("setsid", "-w"),
    "in-a-namespace-of-pids": ("unshare", "--pid", "--fork", "--kill-child"),
    "in-two-namespaces-of-pids": ("unshare", "--pid", "--fork", "unshare", "--pid", "--fork"),
}


@pytest.mark.parametrize(
    "wrap",
    [pytest.param(wrap, id=name, marks=needs_root if "pids" in name else ()) for name, wrap in WRAPS.items()],
)
def test_a_device_is_driven_and_adopted_wherever_it_runs(holder, wrap):
    async def scene(stage):
        plain = device()
        program, *options = wrap
        launch = Launch(
            mode=ControlMode.FAIRMQ,
            value=program,
            arguments=(*options, DEVICE, *plain.arguments),
            control_port=plain.control_port,
            codec=plain.codec,
        )
        order = Order(task=TaskId("sink"), launch=launch, properties=data_channel(free_port()))
        (first,) = await stage.drive(RUNNING, order)
        assert (first.state, first.failure) == (RUNNING, None)
        assert DEVICE.encode() in procfs.command_line(first.pid)
        await stage.down()
        await stage.up()
        (about,) = await stage.drive(CONFIGURED, "sink")
        assert (about.state, about.failure, about.pid) == (CONFIGURED, None, first.pid)
        (about,) = await stage.drive(DONE, "sink")
        assert (about.state, about.failure) == (DONE, None)
        assert procfs.start_ticks(first.pid) is None

    holder(scene)
