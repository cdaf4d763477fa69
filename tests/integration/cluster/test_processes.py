"""Processes: started to outlive us, recognised again, surely ended."""

import os
import signal
import sys
from pathlib import Path

import pytest

from salt_o2.cluster.daemons import end_daemons
from salt_o2.cluster.killing import kill_daemons
from salt_o2.cluster.layout import MARKER
from salt_o2.cluster.process import Process, end, marked, members, spawn, start_time, wait_until_gone

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

KEEPER = (
    "import subprocess, sys\n"
    "while True:\n"
    "    child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "    print('here', flush=True)\n"
    "    child.wait()\n"
)
KEPT = [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {KEEPER!r}])"]


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
        for one in (process, *members(process.pid)):
            one.send(signal.SIGKILL)
    assert wait_until_gone(started, 10) == []


def test_a_program_runs_in_a_session_of_its_own(start):
    process = start(SLEEP)
    assert process.alive
    assert os.getsid(process.pid) == process.pid != os.getsid(0)


def test_a_program_that_cannot_be_started_says_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        spawn("nobody", ["/no/such/program"], {}, tmp_path / "out")


def test_a_killed_child_is_not_alive_even_before_anybody_waits_for_it(start):
    process = start(SLEEP)
    os.kill(process.pid, signal.SIGKILL)
    assert wait_until_gone([process], 10) == []


def test_a_signal_reaches_only_the_process_that_was_meant(start):
    process = start(SLEEP)
    Process("older", process.pid, process.started - 1).send(signal.SIGKILL)
    assert process.alive


def test_a_signal_to_nobody_is_no_error():
    Process("gone", 2**22 - 1, 1).send(signal.SIGKILL)


@pytest.mark.parametrize("argv", [SLEEP, DEAF], ids=["willing", "deaf"])
def test_what_is_ended_has_ended(start, argv):
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
    assert found == {parent.pid, *(one.pid for one in members(parent.pid))}
    assert len(found) == 2


def test_we_ourselves_are_never_found(monkeypatch, start):
    environ = Path("/proc/self/environ").read_bytes().split(b"\0")
    monkeypatch.setattr("salt_o2.cluster.process.MARKER", environ[0].decode().partition("=")[0])
    value = environ[0].decode().partition("=")[2]
    assert os.getpid() not in {one.pid for one in marked(Path(value))}
    assert os.getppid() not in {one.pid for one in marked(Path(value))}


def test_a_daemon_is_ended_with_its_children(start):
    parent = start(PARENT)
    (child,) = members(parent.pid)
    end_daemons([parent], patience_s=0.5)
    assert not parent.alive
    assert not child.alive


def test_a_killed_daemon_leaves_nobody_who_was_started_anew_meanwhile(start, tmp_path):
    daemons = [start(KEPT, **{MARKER: str(tmp_path)}) for _ in range(3)]
    assert kill_daemons(daemons) == []
    assert marked(tmp_path) == []


def test_the_start_time_of_nobody_is_unknown():
    assert start_time(2**22 - 1) is None
