"""The agent goes and another one comes: tasks run on, and what happened meanwhile is known."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from salt_o2.agent.device import manual_control
from salt_o2.agent.device.session import DeviceSession
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.commands import Order
from salt_o2.core.states import TaskState, TaskStatus
from salt_o2.linux import procfs
from salt_o2.occ.channel import OccChannel
from tests.support.builders.properties import data_channel
from tests.support.free_ports import free_port
from tests.support.harness.agent import basic, device

pytestmark = pytest.mark.integration
STANDBY, CONFIGURED, RUNNING = TaskState.STANDBY, TaskState.CONFIGURED, TaskState.RUNNING
ERROR, DONE = TaskState.ERROR, TaskState.DONE
TRAPS_USR1 = "trap 'exit 7' USR1; touch up; while :; do sleep 0.01; done"


def moves_of(task, stage):
    """The moves that a device tells of in its output."""
    lines = (stage.directory / "tasks" / task / "stdout").read_text().splitlines()
    return [line for line in lines if "--->" in line]


async def transition_by_user(stage, launch, step, properties=None):
    """Take a device through one step at its control socket, without an agent."""
    private = manual_control.private_socket(stage.directory, launch.control_port)
    await manual_control.transition(
        launch.control_port, step, properties or {}, "OCClite", "127.0.0.1", 10.0, private=private
    )


async def ended(pid):
    """Wait until a process is gone."""
    async with asyncio.timeout(10):
        while procfs.start_ticks(pid) is not None:
            await asyncio.sleep(0.01)


def test_tasks_run_on_and_are_adopted_with_their_pids(perform):
    async def scene(stage):
        order = Order(task=TaskId("sink"), launch=device(), properties=data_channel(free_port()))
        clock = Order(task=TaskId("clock"), launch=basic("exec sleep 1000"))
        before = {about.task: about for about in await stage.drive(RUNNING, order, clock)}
        await stage.down()
        for about in before.values():
            os.kill(about.pid, 0)
        stage.latest.clear()
        await stage.up()
        assert stage.latest == before
        (about,) = await stage.drive(CONFIGURED, "sink")
        assert (about.state, about.pid, about.failure) == (CONFIGURED, before["sink"].pid, None)

    perform(scene)


def test_a_new_agent_starts_with_a_survey_under_a_new_incarnation(perform):
    async def scene(stage):
        await stage.launch(STANDBY, clock=basic("exec sleep 1000"))
        await stage.down()
        known = len(stage.reports)
        await stage.up()
        first = stage.reports[known]
        assert first.facts is not None
        assert [about.task for about in first.tasks] == ["clock"]
        assert first.incarnation != stage.reports[0].incarnation

    perform(scene)


@pytest.mark.parametrize(
    ("script", "number", "code"),
    [
        pytest.param("touch up; exec sleep 1000", signal.SIGKILL, None, id="killed"),
        pytest.param("touch up; exec sleep 1000", signal.SIGTERM, None, id="terminated"),
        pytest.param(TRAPS_USR1, signal.SIGUSR1, 7, id="code-7"),
    ],
)
def test_an_end_while_no_agent_ran_is_reported_with_its_status(perform, script, number, code):
    async def scene(stage):
        (about,) = await stage.launch(RUNNING, victim=basic(script))
        await stage.until(lambda: (stage.directory / "tasks" / "victim" / "work" / "up").exists())
        await stage.down()
        shim = procfs.session_of(about.pid)
        os.kill(about.pid, number)
        await ended(shim)
        await stage.up()
        await stage.until(lambda: stage.latest["victim"].state is ERROR)
        after = stage.latest["victim"]
        assert (after.state, after.status, after.pid) == (ERROR, TaskStatus.INACTIVE, None)
        assert after.exit.code == code
        assert after.exit.signal == (None if code else number)
        assert "while no agent ran" in after.failure.reason

    perform(scene)


def test_a_device_that_died_while_no_agent_ran_is_in_error(perform):
    async def scene(stage):
        (about,) = await stage.launch(STANDBY, sink=device())
        await stage.down()
        os.kill(about.pid, signal.SIGKILL)
        await ended(about.pid)
        await stage.up()
        await stage.until(lambda: stage.latest["sink"].state is ERROR)
        assert stage.latest["sink"].exit.signal == signal.SIGKILL

    perform(scene)


def test_an_adopted_task_that_dies_is_seen_to_die(perform):
    async def scene(stage):
        (about,) = await stage.launch(RUNNING, victim=basic("exec sleep 1000"))
        await stage.down()
        await stage.up()
        os.kill(about.pid, signal.SIGTERM)
        await stage.until(lambda: stage.latest["victim"].state is ERROR)
        assert stage.latest["victim"].exit.signal == signal.SIGTERM

    perform(scene)


@pytest.mark.parametrize("goal", [STANDBY, CONFIGURED, RUNNING])
def test_the_next_agent_waits_for_a_device_whose_agent_ended_during_its_start(perform, goal):
    async def scene(stage):
        order = Order(task=TaskId("sink"), launch=device(), properties=data_channel(free_port()))
        (former,) = await stage.drive(STANDBY, order)
        stage.refusing = True  # so that the task that is done stays known
        await stage.command(DONE, order)
        await stage.until(lambda: stage.agent.task("sink").is_over)
        former = stage.agent.task("sink").record.shim
        await stage.command(goal, order)
        await stage.until(lambda: stage.agent.task("sink").record.shim not in (None, former))
        await stage.down()
        assert stage.agent.task("sink").record.pid is None, "it was ready before the agent was down"
        stage.refusing = False
        await stage.up()
        await stage.until(lambda: stage.is_settled("sink", stage.revision))
        about = stage.latest["sink"]
        assert (about.state, about.status, about.failure) == (goal, TaskStatus.ACTIVE, None)

    perform(scene)


@pytest.mark.parametrize("before", [STANDBY, CONFIGURED])
def test_a_program_whose_agent_ended_during_its_start_is_running_for_the_next(perform, before):
    async def scene(stage):
        order = Order(task=TaskId("clock"), launch=basic("exec sleep 1000"))
        await stage.drive(before, order)
        await stage.command(RUNNING, order)
        while stage.agent.task("clock").record.shim is None:
            await asyncio.sleep(0)
        await stage.down()  # in the middle of the start, unless the host has just made a long pause
        await stage.up()
        await stage.until(lambda: stage.is_settled("clock", stage.revision))
        about = stage.latest["clock"]
        assert (about.state, about.status, about.failure) == (RUNNING, TaskStatus.ACTIVE, None)
        assert procfs.session_of(about.pid) == stage.agent.task("clock").record.shim != about.pid

    perform(scene)


@pytest.mark.parametrize(
    ("asked", "launched"),
    [
        pytest.param("INIT DEVICE", True, id="half-configured"),
        pytest.param("INIT DEVICE", False, id="half-configured-and-no-launch"),
        pytest.param("END", True, id="ended"),
    ],
)
def test_a_late_request_of_an_earlier_agent_does_not_prevent_the_goal(perform, monkeypatch, asked, launched):
    """The earlier agent is killed after it has sent a request, which the device reads a moment later."""
    sound, late = DeviceSession.wait_for_state, []

    async def find(self, timeout_s):
        seen = await sound(self, timeout_s)
        if not late:
            channel = OccChannel(self.channel.port, "OCClite", private=self.channel.private)
            late.append(await channel.transition("IDLE", asked, {}, 10.0))
            await channel.close()
        return seen

    async def scene(stage):
        launch, properties = device(), data_channel(free_port())
        await stage.launch(STANDBY, sink=launch)
        await stage.down()
        order = Order(task=TaskId("sink"), launch=launch if launched else None, properties=properties)
        stage.leave(stage.next_command(RUNNING, order))
        monkeypatch.setattr(DeviceSession, "wait_for_state", find)
        await stage.up()
        await stage.until(lambda: stage.is_settled("sink", stage.revision))
        about = stage.latest["sink"]
        assert late[0].ok
        assert (about.state, about.status, about.failure) == (RUNNING, TaskStatus.ACTIVE, None)

    perform(scene)


@pytest.mark.parametrize("goal", [STANDBY, DONE])
def test_a_program_that_an_earlier_agent_was_stopping_does_not_count_as_running(perform, goal):
    """The program has got SIGTERM and takes its time; the next agent's order is to run it."""
    script = "trap 'touch got; while :; do sleep 0.01; done' TERM; touch up; while :; do sleep 0.01; done"

    async def scene(stage):
        order = Order(task=TaskId("clock"), launch=basic(script))
        await stage.drive(RUNNING, order)
        work = stage.directory / "tasks" / "clock" / "work"
        await stage.until((work / "up").exists)
        former = stage.agent.task("clock").record.shim
        await stage.command(goal, order)
        await stage.until((work / "got").exists)
        await stage.down()
        stage.leave(stage.next_command(RUNNING, order))
        await stage.up()
        await stage.until(lambda: stage.is_settled("clock", stage.revision))
        assert stage.latest["clock"].state is RUNNING
        assert stage.agent.task("clock").record.shim != former
        assert [about.failure for about in stage.told() if about.failure] == []

    perform(scene)


def test_an_order_that_was_interrupted_is_carried_out_by_the_next_agent(perform):
    async def scene(stage):
        orders = [
            Order(task=TaskId(f"sink-{n}"), launch=device(), properties=data_channel(free_port()))
            for n in range(3)
        ]
        await stage.command(RUNNING, *orders)
        await stage.until(lambda: stage.latest.keys() >= {"sink-0", "sink-1", "sink-2"})
        await stage.down()
        await stage.up()
        await stage.until(lambda: all(stage.is_settled(order.task, 1) for order in orders))
        for order in orders:
            about = stage.latest[order.task]
            assert (about.state, about.failure) == (RUNNING, None)

    perform(scene)


def test_a_step_that_was_done_without_the_next_agents_knowledge_is_not_repeated(perform):
    async def scene(stage):
        order = Order(task=TaskId("sink"), launch=device(), properties=data_channel(free_port()))
        (first,) = await stage.drive(CONFIGURED, order)
        await stage.down()
        record = stage.directory / "tasks/sink/task.json"
        text = record.read_text()
        as_before_configure = text.replace('"settled":true', '"settled":false').replace(
            '"state":"CONFIGURED"', '"state":"STANDBY"'
        )
        assert as_before_configure != text
        record.write_text(as_before_configure)
        await stage.up()
        await stage.until(lambda: stage.is_settled("sink", 1) and stage.latest["sink"].state is CONFIGURED)
        assert stage.latest["sink"].failure is None
        assert stage.latest["sink"].pid == first.pid

    perform(scene)


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_a_device_that_was_left_half_configured_is_configured_all_the_same(perform, steps):
    async def scene(stage):
        launch, properties = device(), data_channel(free_port())
        await stage.launch(STANDBY, sink=launch)
        await stage.down()
        stage.leave(stage.next_command(CONFIGURED, Order(task=TaskId("sink"), properties=properties)))
        for step in ("INIT DEVICE", "COMPLETE INIT", "BIND", "CONNECT")[:steps]:
            await transition_by_user(stage, launch, step, properties)
        await stage.up()
        await stage.until(lambda: stage.is_settled("sink", stage.revision))
        about = stage.latest["sink"]
        assert (about.state, about.failure) == (CONFIGURED, None)

    perform(scene)


def test_an_agent_without_the_last_configuration_does_not_disturb_a_device_in_a_run(perform, tmp_path):
    async def scene(stage):
        sink = TaskId("sink")
        first, second = data_channel(free_port()), data_channel(free_port())
        await stage.drive(RUNNING, Order(task=sink, launch=device(), properties=first))
        await stage.drive(STANDBY, "sink")
        await stage.drive(CONFIGURED, Order(task=sink, properties=second))
        (before,) = await stage.drive(RUNNING, "sink")
        files = tmp_path / "as-kill-9-leaves-them"
        # The socket cannot be copied, and the file of variables cannot be written again. Both stay.
        shutil.copytree(stage.directory, files, ignore=shutil.ignore_patterns("control", "variables"))
        await stage.down()
        shutil.rmtree(stage.directory / "orders")
        shutil.copytree(files, stage.directory, dirs_exist_ok=True)
        assert len(list((stage.directory / "orders").iterdir())) > 0
        moves = moves_of("sink", stage)
        stage.latest.clear()
        await stage.up()
        await stage.until(lambda: stage.is_settled("sink", stage.revision))
        (about,) = stage.latest.values()
        assert (about.state, about.pid) == (RUNNING, before.pid)
        assert moves_of("sink", stage) == moves

    perform(scene)


def test_a_process_that_was_started_in_the_moment_of_the_kill_is_found(perform):
    async def scene(stage):
        (first,) = await stage.launch(STANDBY, sink=device())
        await stage.down()
        record = stage.directory / "tasks/sink/task.json"
        text = record.read_text()
        shim = procfs.session_of(first.pid)
        text = text.replace('"settled":true', '"settled":false').replace(
            '"launching":false', '"launching":true'
        )
        text = text.replace(f'"shim":{shim}', '"shim":null').replace(f'"pid":{first.pid}', '"pid":null')
        text = text.replace('"state":"STANDBY"', '"state":"UNKNOWN"')
        record.write_text(text)
        await stage.up()
        await stage.until(lambda: stage.is_settled("sink", 1) and stage.latest["sink"].pid is not None)
        assert stage.latest["sink"].pid == first.pid
        assert stage.latest["sink"].state is STANDBY

    perform(scene)


def test_a_device_that_moved_while_no_agent_ran_is_reported_in_its_present_state(perform):
    async def scene(stage):
        launch, port = device(), free_port()
        await stage.drive(RUNNING, Order(task=TaskId("sink"), launch=launch, properties=data_channel(port)))
        await stage.down()
        await transition_by_user(stage, launch, "STOP")
        await stage.up()
        about = stage.latest["sink"]
        assert (about.state, about.device_state) == (CONFIGURED, "READY")
        assert "without an order" in about.failure.reason

    perform(scene)


def test_an_unreadable_record_is_moved_and_does_not_affect_other_tasks(perform):
    async def scene(stage):
        await stage.launch(STANDBY, good=basic("exec sleep 1000"), bad=basic("exec sleep 1000"))
        await stage.down()
        (stage.directory / "tasks/bad/task.json").write_bytes(b'{"task": "ba\xff')
        (stage.directory / "tasks/nothing").mkdir()
        stage.latest.clear()
        await stage.up()
        assert set(stage.latest) == {"good"}
        assert (stage.directory / "tasks/bad/task.bad").exists()

    perform(scene)


def test_an_agent_without_its_directory_starts_from_nothing(perform):
    async def scene(stage):
        await stage.launch(STANDBY, clock=basic("exec sleep 1000"))
        await stage.down()
        (stage.directory / "tasks/clock/task.json").unlink()
        stage.latest.clear()
        await stage.up()
        assert stage.agent.tasks() == []

    perform(scene)


def test_a_second_agent_waits_until_the_first_has_gone(perform):
    async def scene(stage):
        first = stage._running
        second = asyncio.create_task(stage.up())
        await asyncio.sleep(0)
        while stage._running is first:
            await asyncio.sleep(0.01)
        assert not second.done()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await second

    perform(scene)


AGENT = """
import asyncio, os, pwd, sys
from pathlib import Path
from salt_o2.agent.agent import Agent
from salt_o2.agent.host_facts import host_facts
from salt_o2.core.codec import typed
from salt_o2.core.messages.commands import Command
import msgspec

async def main():
    async def send(report):
        print(msgspec.json.encode(report).decode(), flush=True)
    own = (pwd.getpwuid(os.geteuid()).pw_name,)
    agent = Agent("flp1", Path(sys.argv[1]), host_facts(address="127.0.0.1"), send, 0.5, own)
    running = asyncio.create_task(agent.run())
    await agent.accept_command(typed(msgspec.json.decode(sys.argv[2]), Command))
    await running

asyncio.run(main())
"""


def test_tasks_survive_the_kill_9_of_their_agent(perform, tmp_path):
    async def scene(stage):
        await stage.down()
        command = (
            '{"host":"flp1","environment":"E","revision":1,"goal":"RUNNING","orders":'
            '[{"task":"clock","launch":{"mode":"basic","value":"exec sleep 1000","shell":true}}]}'
        )
        with subprocess.Popen(
            [sys.executable, "-c", AGENT, str(stage.directory), command],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        ) as killed:
            for line in killed.stdout:
                if '"state":"RUNNING"' in line and '"settled":true' in line:
                    break
            killed.kill()
        await stage.up()
        about = stage.latest["clock"]
        assert about.state is RUNNING
        os.kill(about.pid, 0)
        with contextlib.suppress(ChildProcessError):
            assert os.waitpid(about.pid, os.WNOHANG) is None  # not our child: it was adopted
        stage.revision = 1
        (about,) = await stage.drive(DONE, "clock")
        assert about.state is DONE

    perform(scene)
