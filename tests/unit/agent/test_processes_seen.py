"""What the kernel tells, looked at with this very process."""

import os
import socket
import subprocess

from watching import wait_until

from salt_o2.agent import procfs
from salt_o2.agent.facts import host_facts, network, own_address


def test_a_process_is_named_by_pid_and_start_time():
    started = procfs.start_ticks(os.getpid())
    assert procfs.is_alive(os.getpid(), started)
    assert not procfs.is_alive(os.getpid(), started + 1)


def test_an_ended_process_is_not_alive_even_before_it_is_reaped():
    with subprocess.Popen(["true"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert procfs.start_ticks(child.pid) is None
    assert procfs.session_of(child.pid) is None
    assert procfs.command_line(child.pid) == []
    assert procfs.children(child.pid) == []


def test_processes_are_known_by_session():
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as child:
        assert procfs.sessions()[child.pid] == [child.pid]
        assert child.pid in procfs.children(os.getpid())
        child.kill()


def test_a_process_is_found_by_an_argument_that_is_its_own():
    argument = f"mark-{os.getpid()}"
    assert procfs.find_by_argument(argument) is None
    with subprocess.Popen(["sh", "-c", "read line", argument], stdin=subprocess.PIPE) as child:
        # a program's arguments are to be seen only a moment after it has started
        found = wait_until(lambda: procfs.find_by_argument(argument), "the process is found")
        assert found == child.pid
        child.kill()


def test_who_listens_is_named_and_nobody_is_nobody():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        assert procfs.listener(port) == ""
        server.listen()
        assert procfs.listener(port).startswith(f"process {os.getpid()} (")


def test_the_facts_are_those_of_this_machine_unless_the_site_says_otherwise():
    found = host_facts()
    assert found.cpus >= 1
    assert found.memory_mb > 64
    assert found.network == network()
    assert found.address == own_address()
    given = host_facts("10.0.0.1", {"machine_type": "flp"}, (1, 2), (3, 4), 8, 100)
    assert (given.address, given.attributes, given.control_ports) == (
        "10.0.0.1",
        {"machine_type": "flp"},
        (1, 2),
    )
    assert (given.channel_ports, given.cpus, given.memory_mb) == ((3, 4), 8, 100)
