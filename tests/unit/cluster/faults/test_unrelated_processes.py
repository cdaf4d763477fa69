"""Processes that are not ours: they live as long as the drill wants, and not longer."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from salt_o2.cluster.faults.unrelated_processes import UnrelatedProcesses
from salt_o2.cluster.processes import marked, session_of, start_time, variable_of
from salt_o2.linux.procfs import ports_of
from tests.support.waiting import wait_until

needs_pids = pytest.mark.root("choose the pid of a process")


@pytest.fixture
def strangers():
    """Strangers that are all ended afterwards."""
    with UnrelatedProcesses() as strangers:
        yield strangers
        pids = [each.process.pid for each in strangers.known]
    assert [pid for pid in pids if start_time(pid) is not None] == []


def ended_pid():
    """Return a pid that is free: of a child that has ended and was collected."""
    child = subprocess.Popen(["/bin/true"])
    child.wait()
    return child.pid


def test_a_stranger_leads_a_session_and_carries_no_mark(strangers, tmp_path):
    pid = strangers.start("a login shell", ("-sh",)).process.pid
    assert session_of(pid) == pid
    assert pid not in [one.pid for one in marked(tmp_path)]
    assert [(each.name, each.alive) for each in strangers.observe()] == [("a login shell", True)]


def test_a_stranger_that_is_ended_by_another_process_is_seen_dead(strangers):
    process = strangers.start("a login shell").process
    os.kill(process.pid, signal.SIGTERM)
    wait_until(lambda: not strangers.observe()[0].alive, "the stranger is seen dead")


def test_some_unrelated_processes_resemble_tasks(strangers, tmp_path):
    strangers.start_like_ours(tmp_path)
    pids = [each.process.pid for each in strangers.known]
    wait_until(lambda: has_word(pids, "o2-device"), "one has the name of a device")
    wait_until(lambda: has_word(pids, f"o2-shim:{tmp_path}"), "one has a word like a shim's mark")
    wait_until(lambda: has_mark(pids, str(tmp_path)), "one has a mark like a task's")
    assert all(each.alive for each in strangers.observe())


def has_word(pids, start):
    lines = [Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0") for pid in pids]
    return any(word.startswith(start) for words in lines for word in words)


def has_mark(pids, start):
    return any((variable_of(pid, "O2_TASK_HOME") or "").startswith(start) for pid in pids)


@needs_pids
def test_a_stranger_gets_the_pid_that_is_wanted(strangers):
    wanted = ended_pid()
    stranger = strangers.take_pid(wanted, "a service", rounds=0)
    assert stranger is not None
    assert stranger.process.pid == wanted
    assert session_of(wanted) == wanted


@needs_pids
def test_a_pid_that_is_in_use_is_not_taken(strangers):
    assert strangers.take_pid(os.getpid(), "a service", rounds=0) is None
    assert strangers.known == []


def test_a_thief_takes_the_first_free_ports_and_listens_there(strangers):
    with socket.create_server(("", 0)) as ours:
        taken = ours.getsockname()[1]
        ports = range(taken, min(taken + 50, 65535))
        thief = strangers.steal([], list(ports), most=3, rounds=0)
    assert len(thief.ports) == 3
    assert taken not in thief.ports
    assert set(thief.ports) < set(ports)
    assert ports_of(thief.process.pid) == sorted(thief.ports)
    socket.create_connection(("127.0.0.1", thief.ports[0]), timeout=5).close()


def test_a_stranger_stays_for_its_number_of_rounds(strangers):
    strangers.start("for the drill")
    strangers.steal([], [0], most=1, rounds=1)
    names = [[each.name for each in strangers.observe()]]
    for _ in range(2):
        strangers.next_round()
        names.append([each.name for each in strangers.observe()])
    assert names == [["for the drill", "a server at 1 ports"]] * 2 + [["for the drill"]]
    assert strangers.count == 2


DRILL = """
import sys, time
from salt_o2.cluster.faults.unrelated_processes import UnrelatedProcesses
strangers = UnrelatedProcesses()
strangers.start("a login shell")
strangers.steal([], [0], most=1, rounds=9)
print(*(each.process.pid for each in strangers.known), flush=True)
sys.stdin.read()
"""


def test_strangers_end_when_the_drill_is_killed():
    with subprocess.Popen(
        [sys.executable, "-c", DRILL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as drill:
        pids = [int(word) for word in drill.stdout.readline().split()]
        assert len(pids) == 2
        drill.kill()
    wait_until(lambda: all(start_time(pid) is None for pid in pids), "all strangers have ended")
