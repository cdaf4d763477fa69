"""What the kernel tells, looked at with this very process."""

import asyncio
import os
import signal
import socket
import subprocess
import threading
from dataclasses import replace

import pytest

from salt_o2.agent.host_facts import host_facts, network, own_address
from salt_o2.agent.process.process_group import ProcessGroup
from salt_o2.cluster.processes import Process
from salt_o2.linux import procfs


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


@pytest.fixture
def child():
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as started:
        yield started
        started.kill()


def test_a_process_is_known_with_its_session_its_parent_and_its_start(child):
    found = procfs.processes()[child.pid]
    assert (found.session, found.group, found.parent) == (child.pid, child.pid, os.getpid())
    assert found.started == procfs.start_ticks(child.pid)
    assert child.pid in procfs.children(os.getpid())
    assert procfs.numbers_of(child.pid)[0] == child.pid


def test_a_signal_reaches_the_process_that_is_meant_and_none_that_has_its_number(child):
    found = procfs.entry(child.pid)
    assert procfs.send(replace(found, started=found.started + 1), signal.SIGKILL)
    assert child.poll() is None
    assert procfs.send(found, signal.SIGTERM)
    assert child.wait() == -signal.SIGTERM
    assert procfs.send(found, signal.SIGTERM)
    assert (procfs.entry(child.pid), procfs.exists(child.pid)) == (None, False)


def test_the_listener_of_a_port_is_named_and_a_free_port_has_none():
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


@pytest.fixture
def thread():
    """The number of a thread: the kernel may have given it to a process before."""
    wait = threading.Event()
    running = threading.Thread(target=wait.wait)
    running.start()
    yield running.native_id
    wait.set()
    running.join()


def test_the_number_of_a_thread_is_no_process(thread):
    with pytest.raises(ProcessLookupError, match="is no process"):
        procfs.open_process(thread)


def test_an_ended_process_whose_number_a_thread_has_gets_no_signal(thread):
    ended = procfs.Entry(thread, os.getpid(), os.getpid(), os.getpid(), started=1)
    assert procfs.send(ended, signal.SIGKILL)
    Process("agent", thread, started=1).send(signal.SIGKILL)


def test_an_ended_shim_whose_number_a_thread_has_is_known_to_have_ended(thread, tmp_path):
    async def scene():
        told = []
        group = ProcessGroup(thread, 1, tmp_path / "status")
        group.watch(lambda: told.append("ended"))
        await asyncio.sleep(0)
        assert told == ["ended"]
        assert not group.is_there
        group.forget()

    asyncio.run(scene())
