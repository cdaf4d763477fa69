"""Controlled tasks: FairMQ devices, driven through OCClite and OCC."""

import os
import signal
import socket
from pathlib import Path

import pytest

from salt_o2.agent.host_facts import host_facts
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.commands import Order
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode, TaskState, TaskStatus
from tests.support.builders.properties import data_channel
from tests.support.free_ports import free_port
from tests.support.harness.agent import ENVIRONMENT, HOST, basic, device

pytestmark = pytest.mark.integration
STANDBY, CONFIGURED, RUNNING = TaskState.STANDBY, TaskState.CONFIGURED, TaskState.RUNNING
ERROR, DONE = TaskState.ERROR, TaskState.DONE


def configured(task, port, **more):
    return Order(task=TaskId(task), properties=data_channel(port, **more))


@pytest.mark.parametrize("codec", ["OCClite", "OCC"])
def test_a_device_goes_through_a_whole_cycle(perform, codec):
    async def scene(stage):
        (about,) = await stage.launch(STANDBY, sink=device("sink", codec))
        assert about.failure is None
        assert (about.state, about.device_state, about.status) == (STANDBY, "IDLE", TaskStatus.ACTIVE)
        pid = about.pid
        for goal, order, word in (
            (CONFIGURED, configured("sink", free_port()), "READY"),
            (RUNNING, "sink", "RUNNING"),
            (CONFIGURED, "sink", "READY"),
            (STANDBY, "sink", "IDLE"),
        ):
            (about,) = await stage.drive(goal, order, arguments={"runNumber": "42"})
            assert about.failure is None
            assert (about.state, about.device_state, about.pid) == (goal, word, pid)
        (about,) = await stage.drive(DONE, "sink")
        assert (about.state, about.exit.code) == (DONE, 0)
        assert stage.left_behind() == []

    perform(scene)


def answers(address, port):
    """Whether control sees there that the device runs."""
    try:
        with socket.create_connection((address, port), 5) as probe:
            return probe.recv(1) != b""
    except ConnectionRefusedError:
        return False


@pytest.mark.finding("1.6")
@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", ["127.0.0.1"]),
        ("127.0.0.3", ["127.0.0.3"]),
        ("192.0.2.1", ["127.0.0.1", "127.0.0.2", "127.0.0.3"]),  # a machine that translates addresses has it
        ("localhost", ["127.0.0.1", "127.0.0.2", "127.0.0.3"]),  # a name, which is another address elsewhere
    ],
)
def test_a_device_listens_where_control_may_probe_it(perform, address, expected):
    async def scene(stage):
        stage.agent.update_facts(host_facts(address=address))
        launch = device("sink")
        (about,) = await stage.launch(STANDBY, sink=launch)
        assert about.failure is None
        addresses = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
        assert [each for each in addresses if answers(each, launch.control_port)] == expected
        await stage.drive(DONE, "sink")

    perform(scene)


def test_one_order_launches_configures_and_starts_a_device(perform):
    async def scene(stage):
        order = Order(task=TaskId("sink"), launch=device(), properties=data_channel(free_port()))
        (about,) = await stage.drive(RUNNING, order)
        assert (about.state, about.failure) == (RUNNING, None)
        (about,) = await stage.drive(DONE, "sink")
        assert (about.state, about.exit.code) == (DONE, 0)

    perform(scene)


def test_the_pid_is_the_devices_own_also_under_a_shell(perform):
    async def scene(stage):
        plain = device()
        launch = Launch(
            mode=plain.mode,
            value=f"true; {plain.command_line}; exit $?",
            shell=True,
            control_port=plain.control_port,
            codec=plain.codec,
        )
        (about,) = await stage.launch(STANDBY, sink=launch)
        assert about.failure is None
        command = Path(f"/proc/{about.pid}/cmdline").read_text()
        assert "o2-device" in command
        assert "true;" not in command

    perform(scene)


def test_a_device_that_dies_while_running_is_in_error_with_its_exit_and_stays_so(perform):
    async def scene(stage):
        order = Order(task=TaskId("sink"), launch=device(), properties=data_channel(free_port()))
        (about,) = await stage.drive(RUNNING, order)
        os.kill(about.pid, signal.SIGKILL)
        await stage.until(lambda: stage.latest["sink"].state is ERROR)
        about = stage.latest["sink"]
        assert about.exit.signal == signal.SIGKILL
        assert about.status is TaskStatus.INACTIVE
        assert about.failure.state == "RUNNING"
        assert "killed by signal 9" in about.failure.reason
        (about,) = await stage.drive(RUNNING, "sink")
        assert (about.state, about.pid) == (ERROR, None)

    perform(scene)


def test_a_dead_device_starts_again_by_an_order_that_carries_a_launch(perform):
    async def scene(stage):
        launch, port = device(), free_port()
        (first,) = await stage.drive(
            RUNNING, Order(task=TaskId("sink"), launch=launch, properties=data_channel(port))
        )
        os.kill(first.pid, signal.SIGKILL)
        await stage.until(lambda: stage.latest["sink"].state is ERROR)
        (again,) = await stage.drive(
            RUNNING, Order(task=TaskId("sink"), launch=launch), arguments={"runNumber": "42"}
        )
        assert (again.state, again.failure, again.exit) == (RUNNING, None, None)
        assert again.pid != first.pid

    perform(scene)


def test_an_equal_launch_restarts_no_process_and_another_launch_does(perform):
    async def scene(stage):
        launch = device()
        (first,) = await stage.launch(STANDBY, sink=launch)
        (same,) = await stage.launch(STANDBY, sink=launch)
        assert same.pid == first.pid
        (other,) = await stage.launch(STANDBY, sink=device("sink", port=launch.control_port, env=("A=1",)))
        assert other.pid != first.pid
        assert (other.state, other.failure) == (STANDBY, None)

    perform(scene)


def test_other_properties_reconfigure_without_a_restart(perform):
    async def scene(stage):
        port = free_port()
        (first,) = await stage.drive(
            CONFIGURED, Order(task=TaskId("sink"), launch=device(), properties=data_channel(port))
        )
        changed = data_channel(port) | {"text": "other"}
        (about,) = await stage.drive(CONFIGURED, Order(task=TaskId("sink"), properties=changed))
        assert (about.state, about.failure, about.pid) == (CONFIGURED, None, first.pid)

    perform(scene)


def test_a_failing_configure_is_an_error_with_the_step_and_the_output(perform):
    async def scene(stage):
        with socket.socket() as taken:
            taken.bind(("0.0.0.0", 0))
            taken.listen()
            port = taken.getsockname()[1]
            order = Order(task=TaskId("sink"), launch=device(), properties=data_channel(port))
            (about,) = await stage.drive(CONFIGURED, order)
        assert (about.state, about.status) == (ERROR, TaskStatus.INACTIVE)
        assert about.failure.asked == "BIND"
        assert about.failure.output != ()
        assert about.exit.code == 1

    perform(scene)


def test_a_device_that_dies_at_its_start_is_reported_at_once_with_the_reason(perform):
    async def scene(stage):
        launch = Launch(
            mode=ControlMode.FAIRMQ,
            value="echo cannot open the readout card; exit 4",
            shell=True,
            control_port=free_port(),
        )
        (about,) = await stage.launch(STANDBY, readout=launch)
        assert (about.state, about.exit.code) == (ERROR, 4)
        assert about.failure.asked == "launch"
        assert "exit code 4" in about.failure.reason
        assert about.failure.output == ("cannot open the readout card",)

    perform(scene)


def test_a_device_that_never_listens_is_killed_at_its_deadline(perform):
    async def scene(stage):
        launch = Launch(
            mode=ControlMode.FAIRMQ, value="exec sleep 1000", shell=True, control_port=free_port()
        )
        await stage.command(STANDBY, Order(task=TaskId("mute"), launch=launch), timeout_s=0.5)
        await stage.until(lambda: stage.is_settled("mute", 1))
        about = stage.latest["mute"]
        assert (about.state, about.status) == (ERROR, TaskStatus.INACTIVE)
        assert "not ready within" in about.failure.reason
        assert stage.left_behind() == []

    perform(scene)


def test_a_task_can_be_stopped_while_its_device_hangs_at_its_start(perform):
    async def scene(stage):
        launch = Launch(
            mode=ControlMode.FAIRMQ, value="exec sleep 1000", shell=True, control_port=free_port()
        )
        await stage.command(STANDBY, Order(task=TaskId("mute"), launch=launch), timeout_s=1000)
        await stage.until(lambda: stage.agent.task("mute").record.shim is not None)
        (about,) = await stage.drive(DONE, "mute")
        assert about.state is DONE
        assert stage.left_behind() == []

    perform(scene)


def test_a_task_can_be_stopped_while_configure_hangs(perform):
    async def scene(stage):
        await stage.launch(STANDBY, sink=device())
        pid = stage.latest["sink"].pid
        os.kill(pid, signal.SIGSTOP)
        await stage.command(CONFIGURED, configured("sink", free_port()), timeout_s=1000)
        (about,) = await stage.drive(DONE, "sink")
        assert about.state is DONE
        assert stage.left_behind() == []

    perform(scene)


def test_a_device_that_hangs_in_a_step_is_killed_at_the_deadline_and_in_error(perform):
    async def scene(stage):
        await stage.launch(STANDBY, sink=device())
        os.kill(stage.latest["sink"].pid, signal.SIGSTOP)
        (about,) = await stage.drive(CONFIGURED, configured("sink", free_port()), timeout_s=0.5)
        assert (about.state, about.status) == (ERROR, TaskStatus.INACTIVE)
        assert "not answered within" in about.failure.reason
        assert stage.left_behind() == []

    perform(scene)


@pytest.mark.parametrize("codec", ["OCClite", "OCC"])
def test_a_device_that_leaves_running_by_itself_is_reported_and_not_moved(perform, codec):
    async def scene(stage):
        port = free_port()
        sampler = device("sampler", codec, options=("--max-iterations", "1"))
        await stage.drive(
            RUNNING,
            Order(task=TaskId("sampler"), launch=sampler, properties=data_channel(port, kind="push")),
            Order(task=TaskId("sink"), launch=device(), properties=data_channel(port, method="connect")),
        )
        await stage.until(lambda: stage.latest["sampler"].state is CONFIGURED)
        about = stage.latest["sampler"]
        assert (about.device_state, about.status, about.settled) == ("READY", TaskStatus.ACTIVE, True)
        assert "without an order" in about.failure.reason
        assert stage.latest["sink"].state is RUNNING

    perform(scene)


def test_orders_of_a_lower_revision_are_ignored(perform):
    async def scene(stage):
        await stage.launch(STANDBY, sink=device())
        await stage.drive(CONFIGURED, configured("sink", free_port()), revision=7)
        before = len(stage.reports)
        await stage.command(DONE, "sink", revision=6)
        await stage.until(lambda: len(stage.reports) > before)
        about = stage.latest["sink"]
        assert (about.state, about.revision, about.settled) == (CONFIGURED, 7, True)
        stage.revision = 7

    perform(scene)


def test_a_repeated_order_changes_nothing_and_is_reported_again(perform):
    async def scene(stage):
        order = Order(task=TaskId("sink"), launch=device())
        (first,) = await stage.drive(STANDBY, order)
        before = len(stage.reports)
        await stage.command(STANDBY, order, revision=stage.revision)
        await stage.until(lambda: any(report.tasks for report in stage.reports[before:]))
        assert stage.latest["sink"] == first

    perform(scene)


def test_a_late_launch_does_not_start_a_task_that_is_done(perform):
    async def scene(stage):
        order = Order(task=TaskId("sink"), launch=device())
        await stage.drive(STANDBY, order, revision=1)
        await stage.drive(DONE, "sink", revision=2)
        await stage.until(lambda: not stage.agent.tasks())
        await stage.down()
        await stage.up()
        before = len(stage.reports)
        await stage.command(STANDBY, order, revision=1)
        await stage.until(lambda: any(report.tasks for report in stage.reports[before:]))
        assert (stage.latest["sink"].state, stage.latest["sink"].revision) == (DONE, 2)
        assert stage.agent.tasks() == []

    perform(scene)


def test_a_task_that_was_never_launched_is_done_if_ordered_and_an_error_otherwise(perform):
    async def scene(stage):
        (about,) = await stage.drive(DONE, "ghost")
        assert (about.state, about.settled) == (DONE, True)
        (about,) = await stage.drive(CONFIGURED, "stranger")
        assert about.state is ERROR
        assert "unknown on flp1" in about.failure.reason

    perform(scene)


def test_a_port_in_use_is_refused_with_the_name_of_its_program(perform):
    async def scene(stage):
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            taken.bind(("0.0.0.0", 0))
            taken.listen()
            port = taken.getsockname()[1]
            (about,) = await stage.launch(STANDBY, sink=device(port=port))
        assert about.state is ERROR
        assert f"port {port} is in use by process {os.getpid()}" in about.failure.reason
        assert about.pid is None

    perform(scene)


def test_two_tasks_cannot_have_one_port(perform):
    async def scene(stage):
        launch = device()
        first, second = await stage.launch(STANDBY, first=launch, second=launch)
        assert first.state is STANDBY
        assert second.state is ERROR
        assert f"port {launch.control_port} belongs to task first" in second.failure.reason

    perform(scene)


def test_a_program_that_does_not_exist_is_refused_by_name(perform):
    async def scene(stage):
        launch = Launch(mode=ControlMode.FAIRMQ, value="readuot", control_port=free_port())
        (about,) = await stage.launch(STANDBY, readout=launch)
        assert about.state is ERROR
        assert "readuot" in about.failure.reason
        assert about.failure.advice != ""

    perform(scene)


def test_the_host_and_environment_of_reports_are_those_of_the_command(perform):
    async def scene(stage):
        (about,) = await stage.launch(STANDBY, sink=basic("true"))
        assert about.environment == ENVIRONMENT
        assert {report.host for report in stage.reports} == {HOST}
        assert len({report.incarnation for report in stage.reports}) == 1

    perform(scene)
