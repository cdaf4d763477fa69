"""Processes: started to outlive us, recognised again, surely ended."""

import os
import signal
import sys
from pathlib import Path

import pytest

from salt_o2.cluster.lifecycle.daemons import end_daemons
from salt_o2.cluster.lifecycle.kill import kill_daemons
from salt_o2.cluster.paths import MARKER
from salt_o2.cluster.processes import Process, end, marked, members, spawn, start_time, wait_until_gone
from tests.support.machines.pid_reuse import needs_pid_choice, stranger_as
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

SLEEP = [sys.executable, "-c", "print('here', flush=True); import time; time.sleep(600)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('here', flush=True); time.sleep(600)",
]
PARENT = [
    sys.executable,
    "-c",
    "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
    "print('here', flush=True); time.sleep(600)",
]

SUPERVISOR = (
    "import subprocess, sys\n"
    "while True:\n"
    "    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "    print('here', flush=True)\n"
    "    child.wait()\n"
)
SUPERVISED = [
    sys.executable,
    "-c",
    f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SUPERVISOR!r}])",
]


@pytest.fixture
def start(tmp_path):
    """Starts a program and waits until it says that it is here; ends all at the end."""
    started = []

    def start(argv, **environ):
        output = tmp_path / f"{len(started)}.out"
        process = spawn("program", argv, {**os.environ, **environ}, output)
        started.append(process)
        while "here" not in output.read_text():
            assert process.alive
        return process

    yield start
    for process in started:
        for one in (process, *members(process)):
            one.send(signal.SIGKILL)
    assert wait_until_gone(started, 10) == []


def test_a_program_runs_in_a_session_of_its_own(start):
    process = start(SLEEP)
    assert process.alive
    assert os.getsid(process.pid) == process.pid != os.getsid(0)


def test_a_program_that_cannot_be_started_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        spawn("nobody", ["/no/such/program"], {}, tmp_path / "out")


def test_a_killed_child_is_not_alive_even_before_its_parent_waits_for_it(start):
    process = start(SLEEP)
    os.kill(process.pid, signal.SIGKILL)
    assert wait_until_gone([process], 10) == []


def test_a_signal_reaches_no_other_process_with_the_same_pid(start):
    process = start(SLEEP)
    Process("older", process.pid, process.started - 1).send(signal.SIGKILL)
    assert process.alive


def test_a_signal_to_a_missing_process_is_no_error():
    Process("gone", 2**22 - 1, 1).send(signal.SIGKILL)


@pytest.mark.parametrize("argv", [SLEEP, DEAF], ids=["willing", "deaf"])
def test_a_stopped_process_has_ended(start, argv):
    process = start(argv)
    end([process], patience_s=0.5)
    assert not process.alive


def test_a_stopped_process_is_ended_too(start):
    process = start(SLEEP)
    process.send(signal.SIGSTOP)
    end([process], patience_s=5)
    assert not process.alive


def test_processes_are_found_by_their_marker(start, tmp_path):
    process = start(SLEEP, **{MARKER: str(tmp_path)})
    start(SLEEP, **{MARKER: f"{tmp_path}-other"})
    assert [one.pid for one in marked(tmp_path)] == [process.pid]


def test_children_inherit_the_marker(start, tmp_path):
    parent = start(PARENT, **{MARKER: str(tmp_path)})
    found = {one.pid for one in marked(tmp_path)}
    assert found == {parent.pid, *(one.pid for one in members(parent))}
    assert len(found) == 2


def test_the_test_process_and_its_parent_are_never_found(monkeypatch, start):
    environ = Path("/proc/self/environ").read_bytes().split(b"\0")
    monkeypatch.setattr("salt_o2.cluster.processes.MARKER", environ[0].decode().partition("=")[0])
    value = environ[0].decode().partition("=")[2]
    assert os.getpid() not in {one.pid for one in marked(Path(value))}
    assert os.getppid() not in {one.pid for one in marked(Path(value))}


def test_a_daemon_is_ended_with_its_children(start):
    parent = start(PARENT)
    (child,) = members(parent)
    end_daemons([parent], patience_s=0.5)
    assert not parent.alive
    assert not child.alive


def test_no_restarted_process_of_a_killed_daemon_remains(start, tmp_path):
    daemons = [start(SUPERVISED, **{MARKER: str(tmp_path)}) for _ in range(3)]
    assert kill_daemons(daemons) == []
    assert marked(tmp_path) == []


@needs_pid_choice
@pytest.mark.parametrize("mark", [{}, {MARKER: "/of/another/cluster"}], ids=["no-cluster", "another-cluster"])
def test_a_session_with_the_reused_number_of_an_ended_daemon_is_not_stopped(start, mark):
    daemon = start(PARENT)
    all_of_it = [*members(daemon), daemon]
    for one in all_of_it:
        one.send(signal.SIGKILL)
    wait_until(
        lambda: not any(one.alive or Path(f"/proc/{one.pid}").exists() for one in all_of_it),
        "their numbers are free",
    )
    with stranger_as(daemon.pid, PARENT, {**os.environ, **mark}) as stranger:
        led = Process("stranger", stranger.pid, start_time(stranger.pid))
        wait_until(lambda: members(led), "the stranger has its child")
        try:
            assert members(daemon) == []
            assert kill_daemons([daemon]) == []
            end_daemons([daemon], patience_s=0.5)
            assert stranger.poll() is None
        finally:
            for one in (*members(led), led):
                one.send(signal.SIGKILL)


def test_processes_that_an_ended_daemon_left_in_its_session_are_stopped(start, tmp_path):
    daemon = start(PARENT, **{MARKER: str(tmp_path)})
    (child,) = members(daemon)
    daemon.send(signal.SIGKILL)
    assert wait_until_gone([daemon], 10) == []
    assert kill_daemons([daemon]) == []
    assert not child.alive


def test_the_start_time_of_a_missing_process_is_unknown():
    assert start_time(2**22 - 1) is None
