"""Every background loop ends its engine when it ends, in any way, and work is started in no other way."""

import ast
import asyncio
import logging
import os
import signal
from pathlib import Path

import pytest

from salt_o2.agent import server
from salt_o2.agent.agent import Agent
from salt_o2.agent.device.polling_budget import PollingBudget
from salt_o2.agent.device.session import DeviceSession
from salt_o2.agent.host_facts import host_facts
from salt_o2.concurrency.background_loops import (
    LOOP,
    LoopEnded,
    keep_running,
    run_engine,
    run_together,
    spawn,
)
from salt_o2.control.main import serve
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode
from salt_o2.site.settings import Site
from tests.support.builders.repositories import repository
from tests.support.fakes.hosts import FakeHosts
from tests.support.harness.agent import HOST

ROOT = Path(__file__).resolve().parents[3]


async def forever():
    await asyncio.Event().wait()


async def returns():
    await asyncio.sleep(0)


async def raises():
    await asyncio.sleep(0)
    raise ValueError("no such thing")


async def waits_for_what_is_cancelled():
    shared = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(shared.cancel)
    await shared


ENDS = [returns, raises, waits_for_what_is_cancelled]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("start", [run_together, lambda loops: run_engine("agent", loops)])
def test_the_end_of_one_loop_ends_all_loops_and_is_named(start, end):
    async def scene():
        with pytest.raises(LoopEnded, match="'short'"):
            await start({"short": end(), "long": forever()})
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scene())


@pytest.mark.parametrize("end", ENDS)
def test_the_end_of_a_later_loop_ends_the_engine(end, caplog):
    async def work():
        keep_running("late", end())
        await forever()

    async def scene():
        with pytest.raises(LoopEnded, match="'late'"):
            await run_engine("agent", {"work": work()})

    with caplog.at_level(logging.CRITICAL):
        asyncio.run(scene())
    assert "agent ends: the loop 'late' ended" in caplog.text


def test_a_loop_that_its_owner_cancels_ends_nothing():
    async def work():
        late = keep_running("late", forever())
        await asyncio.sleep(0)
        late.cancel()
        await asyncio.wait({late})
        os.kill(os.getpid(), signal.SIGTERM)
        await forever()

    asyncio.run(run_engine("agent", {"work": work()}))


@pytest.mark.parametrize("end", [raises, waits_for_what_is_cancelled])
def test_work_that_is_no_loop_and_fails_is_logged_with_its_name(end, caplog):
    async def scene():
        held = set()
        await asyncio.wait({spawn("the question to flp1", end(), held)})
        await asyncio.sleep(0)
        assert not held

    asyncio.run(scene())
    assert "the question to flp1" in caplog.text


# --- all loops of the engines ---------------------------------------------------------------------


async def run_agent(folder):
    """The loops of the engine o2_agent but the one to the master, see tests/integration/engines."""

    async def send(_report):
        pass

    agent = Agent(HOST, folder / "tasks", host_facts(address="127.0.0.1"), send)
    await run_engine("agent", {"agent": agent.run(), "requests": server.serve(agent, folder)})


async def run_control(folder):
    async def listen(_heard, _kept_incarnation):
        await forever()

    site = Site(repositories=(str(repository(folder)),), database=f"sqlite:///{folder / 'o2.sqlite'}")
    await serve(site, FakeHosts("flp1"), listen, folder)


LOOPS = {
    run_agent: {"agent", "requests", "the socket's file", "reports", "outputs", "limits", "trash", "orphans"},
    run_control: {
        *("bus", "control", "reports", "requests", "the socket's file"),
        *("outbox", "commands", "jobs", "news", "pool", "hosts", "journal", "declarations of hosts"),
        "rescheduler",
        "drainer",
    },
}


def running_loops():
    tasks = {task.get_name(): task for task in asyncio.all_tasks()}
    return {name.removeprefix(LOOP): task for name, task in tasks.items() if name.startswith(LOOP)}


async def all_loops_of(engine):
    """Let ``engine`` come up; return its loops once no more of them appear."""
    async with asyncio.timeout(20):
        while len(found := running_loops()) < len(LOOPS[engine]):
            await asyncio.sleep(0.01)
    return found


@pytest.mark.parametrize("engine", LOOPS)
def test_every_loop_of_an_engine_is_tested(engine, tmp_path):
    async def scene():
        running = asyncio.create_task(engine(tmp_path))
        assert set(await all_loops_of(engine)) == LOOPS[engine]
        running.cancel()
        await asyncio.wait({running})

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("engine", "name"), [(engine, name) for engine, names in LOOPS.items() for name in sorted(names)]
)
def test_an_engine_ends_when_any_of_its_loops_is_killed_and_says_which(engine, name, tmp_path, caplog):
    async def scene():
        running = asyncio.create_task(engine(tmp_path))
        (await all_loops_of(engine))[name].cancel()
        with pytest.raises(LoopEnded, match=repr(name)):
            await running

    asyncio.run(scene())
    assert f"ends: the loop {name!r} ended" in caplog.text or f"the loop {name!r} ended" in caplog.text
    assert not list(tmp_path.glob("*.ipc")), "the sockets are gone with it"


@pytest.mark.parametrize("codec", ["OCC", "OCClite"])
def test_the_loops_that_watch_a_device_end_the_agent_too(codec):
    launch = Launch(mode=ControlMode.FAIRMQ, value="o2-device", control_port=1, codec=codec)

    def defect():
        raise ValueError("a defect")

    async def work():
        device = DeviceSession(launch, PollingBudget())
        device.watch(defect, lambda _word: None, defect)
        try:
            await forever()
        finally:
            await device.close()

    with pytest.raises(LoopEnded, match="a defect"):
        asyncio.run(run_engine("agent", {"work": work()}))


# --- no other way ---------------------------------------------------------------------------------

STARTERS = {
    "create_task",
    "ensure_future",
    "TaskGroup",
    "gather",
    "Thread",
    "ThreadPoolExecutor",
    "start_soon",
}
FOLDERS = ("agent", "control", "bus", "cluster", "engines", "occ", "integration", "doctor")
BOUNDED = {
    "agent/process/process_scan.py": {"create_task": "one look at all processes; each caller waits for it"},
    "agent/task/task.py": {
        "create_task": "a runner of one order; it catches all exceptions and settles the task"
    },
    "agent/device/watcher.py": {"create_task": "one look at a device; end waits for it"},
    "bus/minion.py": {"ensure_future": "one send, or listening to one of several masters; the caller waits"},
    "control/environments/integration_calls.py": {
        "create_task": "one call of an integration; its end is reported in any case"
    },
    "control/hosts/port_probe.py": {"ensure_future": "one question with a deadline; the caller waits for it"},
    "occ/server.py": {"ThreadPoolExecutor": "a device's own server: it ends with the device's process"},
}
"""What may start work beside the helpers, and why its end is noticed."""


def starters_in(path):
    """Names of what starts work in a file; an awaited gather is none."""
    tree = ast.parse(path.read_text())
    awaited = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Await)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in STARTERS and not (name == "gather" and id(node) in awaited):
                yield name


@pytest.mark.parametrize("folder", FOLDERS)
def test_only_listed_modules_start_tasks_beside_the_background_loops(folder):
    library = ROOT / "salt_o2"
    for path in sorted((library / folder).rglob("*.py")):
        name = str(path.relative_to(library))
        assert set(starters_in(path)) == set(BOUNDED.get(name, {})), (
            f"{name}: use salt_o2/concurrency/background_loops.py"
        )
