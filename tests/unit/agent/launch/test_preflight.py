"""What is refused before a process is started."""

import os
import socket

import pytest

from salt_o2.agent.launch import preflight
from salt_o2.agent.launch.refusal import Refusal
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode

BASIC, FAIRMQ = ControlMode.BASIC, ControlMode.FAIRMQ
ENV = {"PATH": "/usr/bin:/bin"}


@pytest.mark.parametrize(
    ("launch", "said"),
    [
        pytest.param(Launch(mode=FAIRMQ, value="x"), "needs a control port", id="no-control-port"),
        pytest.param(Launch(mode=BASIC, value="x", env=("PATH",)), "not NAME=VALUE", id="env-without-value"),
        pytest.param(Launch(mode=BASIC, value="x", env=("=1",)), "not NAME=VALUE", id="env-without-name"),
        pytest.param(Launch(mode=BASIC, value="x", arguments=("a\0b",)), "NUL", id="nul"),
        pytest.param(Launch(mode=FAIRMQ, value="x", control_port=70000), "TCP ports", id="port-too-high"),
        pytest.param(Launch(mode=BASIC, value="x", ports=(0,)), "TCP ports", id="port-0"),
    ],
)
def test_a_nonsensical_launch_is_refused(launch, said):
    with pytest.raises(Refusal, match=said):
        preflight.check_launch(launch)


def test_a_program_is_found_in_the_path_of_the_task():
    argv = preflight.check_command(Launch(mode=BASIC, value="sleep", arguments=("1", "a b")), ENV)
    assert argv[0].endswith("bin/sleep")
    assert argv[0].startswith("/")
    assert argv[1:] == ["1", "a b"]


def test_a_shell_gets_the_command_line_unchanged():
    argv = preflight.check_command(
        Launch(mode=BASIC, value="sleep", arguments=("$N", "| cat"), shell=True), ENV
    )
    assert argv == ["/bin/sh", "-c", "sleep $N | cat"]


@pytest.mark.parametrize("name", ["no-such-program", "/etc/passwd", "/no/such/program", "exit"])
def test_a_missing_program_is_refused_with_its_name(name):
    with pytest.raises(Refusal, match=name) as refused:
        preflight.check_command(Launch(mode=BASIC, value=name), ENV)
    assert "/usr/bin:/bin" in refused.value.advice


def test_a_port_is_free_only_without_a_listener():
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # as FairMQ's control server does
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        taken.listen()
        with pytest.raises(Refusal, match=rf"port {port} is in use by process {os.getpid()} \(.*pytest"):
            preflight.check_ports([port], {})
    preflight.check_ports([port], {})


def test_a_port_of_another_task_is_refused_before_that_one_listens():
    with pytest.raises(Refusal, match="port 30001 belongs to task readout"):
        preflight.check_ports([30001], {30001: "readout"})


def test_a_refusal_names_every_port_of_the_ranges_that_other_programs_have():
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        first, second = (each.getsockname()[1] for each in (one, other))
        with pytest.raises(preflight.PortsTaken) as refused:
            preflight.check_ports([first], {}, [(second, second), (1, 1)])
        assert refused.value.ports == tuple(sorted((first, second)))
        with pytest.raises(preflight.PortsTaken) as refused:
            preflight.check_ports([first], {second: "ours"}, [(second, second)])
        assert refused.value.ports == (first,)
    with pytest.raises(preflight.PortsTaken) as refused:
        preflight.check_ports([first], {first: "ours"}, [(1, 65535)])
    assert first in refused.value.ports
