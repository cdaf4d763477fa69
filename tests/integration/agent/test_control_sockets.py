"""Control channels of this project's devices: Unix sockets that no other account can use."""

import asyncio
import os
import socket
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from salt_o2.agent.device import manual_control
from salt_o2.agent.host_facts import host_facts
from salt_o2.core.errors import UnreachableError
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.commands import Order
from salt_o2.core.states import ControlMode, TaskState
from salt_o2.linux import procfs
from salt_o2.occ.channel import OccChannel
from salt_o2.occ.control_socket import pin
from tests.support.builders.properties import data_channel
from tests.support.free_ports import free_port
from tests.support.harness.agent import AgentHarness, device

pytestmark = pytest.mark.integration
STANDBY, RUNNING, CONFIGURED, DONE = (
    TaskState.STANDBY,
    TaskState.RUNNING,
    TaskState.CONFIGURED,
    TaskState.DONE,
)
AS_OTHER_ACCOUNT = """
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
with socket.socket(socket.AF_UNIX) as probe:
    print(probe.connect_ex(sys.argv[1]))
"""


def socket_of(stage, launch, task="sink"):
    return stage.directory / "tasks" / task / "control" / str(launch.control_port)


def let_all_accounts_pass(directory):
    """As on a host, where the agent's directory is no temporary one."""
    for folder in (directory, *directory.parents):
        if folder.stat().st_mode & 0o777 == 0o700:
            folder.chmod(0o711)


@pytest.mark.parametrize("codec", ["OCC", "OCClite"])
@pytest.mark.finding("1.6")
def test_a_python_device_takes_requests_at_a_socket_of_its_account_and_at_no_port(perform, codec):
    async def scene(stage):
        launch = device("sink", codec)
        (about,) = await stage.launch(STANDBY, sink=launch)
        assert about.failure is None
        path = socket_of(stage, launch)
        assert stat.S_ISSOCK(path.stat().st_mode)
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        channel = OccChannel(launch.control_port, codec)
        with pytest.raises(UnreachableError):
            await channel.get_state(5.0)
        await channel.close()

    perform(scene)


def test_without_an_address_of_the_host_a_python_device_listens_at_no_port_at_all(tmp_path):
    private = tmp_path / "control"
    private.mkdir()
    port = free_port()
    env = os.environ | {"O2_CONTROL_SOCKET": str(private / "x")}
    command = [Path(sys.executable).with_name("o2-device"), "sink", "-P", "OCC", "--control-port", str(port)]
    with subprocess.Popen([*map(str, command)], env=env, stdout=subprocess.DEVNULL) as process:
        try:
            found = asyncio.run(_ready(port, private / "x"))
            assert found.pid == process.pid
            assert procfs.ports_of(process.pid) == []
        finally:
            process.kill()


async def _ready(port, path):
    channel = OccChannel(port, "OCC", private=path)
    async with asyncio.timeout(30):
        while not await channel.listening():
            await asyncio.sleep(0.05)
    try:
        return await channel.get_state(5.0)
    finally:
        await channel.close()


@pytest.mark.root("act as another account")
@pytest.mark.finding("1.6")
def test_another_account_cannot_connect_to_a_python_device(perform):
    async def scene(stage):
        let_all_accounts_pass(stage.directory)
        launch = device("sink")
        await stage.launch(STANDBY, sink=launch)
        # Neither the directory nor the socket alone must protect the device.
        path = socket_of(stage, launch)
        assert await _as_other_account(path) != 0
        path.parent.chmod(0o755)
        assert await _as_other_account(path) != 0

    perform(scene)


async def _as_other_account(path):
    # A long path does not fit into an address: the program runs in the directory of the socket.
    asked = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", AS_OTHER_ACCOUNT, path.name),
        cwd=path.parent,
        stdout=asyncio.subprocess.PIPE,
    )
    answer, _ = await asked.communicate()
    return int(answer)


@pytest.mark.root("run a task as another account")
def test_the_socket_belongs_to_the_account_of_the_task(perform):
    async def scene(stage):
        let_all_accounts_pass(stage.directory)
        script = 'stat -c "%U %a" "$(dirname "$O2_CONTROL_SOCKET")"; touch "$O2_CONTROL_SOCKET" && echo may'
        launch = replace(device("sink"), value=script, shell=True, arguments=(), user="daemon")
        await stage.launch(STANDBY, sink=launch)
        assert stage.latest["sink"].failure.output == ("daemon 700", "may")

    perform(scene)


def test_the_next_agent_uses_the_same_socket(perform):
    async def scene(stage):
        launch = device("sink")
        order = Order(task=TaskId("sink"), launch=launch, properties=data_channel(free_port()))
        (first,) = await stage.drive(RUNNING, order)
        await stage.down()
        await stage.up()
        (about,) = await stage.drive(CONFIGURED, "sink")
        assert (about.pid, about.failure) == (first.pid, None)
        (about,) = await stage.drive(DONE, "sink")
        assert (about.exit.code, socket_of(stage, launch).exists()) == (0, False)

    perform(scene)


def test_a_killed_device_leaves_a_socket_that_its_next_process_replaces(perform):
    async def scene(stage):
        launch = device("sink")
        (first,) = await stage.launch(STANDBY, sink=launch)
        os.kill(first.pid, 9)
        await stage.until(lambda: stage.latest["sink"].state is TaskState.ERROR)
        assert socket_of(stage, launch).is_socket()
        (about,) = await stage.launch(STANDBY, sink=launch)
        assert about.failure is None
        assert about.pid != first.pid

    perform(scene)


def test_files_beside_the_socket_of_a_task_do_not_prevent_its_next_start(perform):
    async def scene(stage):
        launch = device("sink")
        (first,) = await stage.launch(STANDBY, sink=launch)
        (socket_of(stage, launch).parent / "folder" / "below").mkdir(parents=True)
        (socket_of(stage, launch).parent / "link").symlink_to("/nowhere")
        os.kill(first.pid, 9)
        await stage.until(lambda: stage.latest["sink"].state is TaskState.ERROR)
        (about,) = await stage.launch(STANDBY, sink=launch)
        assert about.failure is None
        assert [path.name for path in socket_of(stage, launch).parent.iterdir()] == [str(launch.control_port)]

    perform(scene)


@pytest.mark.parametrize("length", [10, 200])
def test_a_directory_of_any_length_is_long_enough_for_a_socket(tmp_path, length):
    async def scene():
        stage = AgentHarness(tmp_path / ("x" * length) / "agent")
        await stage.up()
        try:
            (about,) = await stage.launch(STANDBY, sink=device("sink"))
            assert about.failure is None
        finally:
            await stage.clean()

    asyncio.run(scene())


def test_control_sees_at_the_port_that_the_device_runs_and_can_ask_nothing_there(perform):
    async def scene(stage):
        stage.agent.update_facts(host_facts(address="127.0.0.3"))
        launch = device("sink")
        await stage.launch(STANDBY, sink=launch)
        with socket.create_connection(("127.0.0.3", launch.control_port), 5) as probe:
            assert probe.recv(100).startswith(b"this device runs")
            assert probe.recv(100) == b""

    perform(scene)


@pytest.mark.root("run a task as another account")
def test_an_account_cannot_have_the_agent_drive_the_device_of_another_account(perform):
    """The task of one account puts a link to the socket of another account's device in its own directory."""

    async def scene(stage):
        let_all_accounts_pass(stage.directory)
        victim = device("sink")
        await stage.launch(STANDBY, victim=victim)
        target = socket_of(stage, victim, "victim")
        script = f'ln -s {target} "$O2_CONTROL_SOCKET"; exec sleep 1000'
        thief = replace(device("sink"), value=script, shell=True, arguments=(), user="daemon")
        await stage.command(STANDBY, Order(task=TaskId("thief"), launch=thief), timeout_s=3.0)
        link = socket_of(stage, thief, "thief")
        await stage.until(lambda: stage.is_settled("thief", stage.revision))
        assert link.is_symlink()
        assert manual_control.private_socket(stage.directory, victim.control_port) == target
        assert pin(link) is None
        assert "no process listens there" in stage.latest["thief"].failure.reason
        assert stage.latest["victim"].state is STANDBY

    perform(scene)


def test_a_device_that_knows_no_socket_is_driven_at_its_port(perform):
    async def scene(stage):
        plain = device("sink")
        launch = replace(
            plain, value=f"unset O2_CONTROL_SOCKET; exec {plain.command_line}", arguments=(), shell=True
        )
        assert launch.mode is ControlMode.FAIRMQ
        (about,) = await stage.launch(STANDBY, sink=launch)
        assert about.failure is None
        channel = OccChannel(launch.control_port, "OCClite")
        assert (await channel.get_state(5.0)).pid == about.pid
        await channel.close()

    perform(scene)
