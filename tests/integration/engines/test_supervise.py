"""An engine's work is done by a child; another follows when it ends, and it ends with its parent."""

import os
import signal
import subprocess
import sys

import pytest

from salt_o2.cluster.processes import start_time
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

PROGRAM = """
import logging, os, signal, sys, time
from salt_o2.linux import supervisor
logging.basicConfig(level=logging.INFO)

def work():
    with open(sys.argv[1], "a") as said:
        said.write(f"{os.getpid()}\\n")
    if sys.argv[2] == "returns":
        return
    if sys.argv[2] == "fails":
        raise RuntimeError("no such thing")
    time.sleep(1000)

supervisor.STARTED_S = 0.0
supervisor.FIRST_PAUSE_S = 0.02
from pathlib import Path
with supervisor.alone(Path(sys.argv[1]).with_name("lock")):
    supervisor.supervised(work)
print("over", flush=True)
"""


@pytest.fixture
def start(tmp_path):
    """Starts a supervisor; tells the pids of its children so far."""
    running = []

    def start(what="stays", number=0):
        said = tmp_path / "said"
        said.touch()
        argv = [sys.executable, "-c", PROGRAM, str(said), what]
        running.append(subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))

        def children():
            return [int(line) for line in said.read_text().split()]

        return running[number], children

    yield start
    for one in running:
        one.kill()
        one.communicate()


def test_a_killed_child_is_restarted(start):
    _, children = start()
    for count in (1, 2, 3):
        wait_until(lambda count=count: len(children()) == count, "there is another")
        os.kill(children()[-1], signal.SIGKILL)
    assert len(set(children())) == len(children())


def test_a_supervisor_with_a_request_to_end_stops_its_child_and_ends(start):
    supervisor, children = start()
    (child,) = wait_until(children, "it works")
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(10) == 0
    assert supervisor.stdout.read() == "over\n"
    assert start_time(child) is None
    assert children() == [child]


def test_the_child_does_not_outlive_its_supervisor(start):
    supervisor, children = start()
    (child,) = wait_until(children, "it works")
    supervisor.kill()
    supervisor.wait(10)
    wait_until(lambda: start_time(child) is None, "the child has ended")


@pytest.mark.parametrize("what", ["returns", "fails"])
def test_a_child_that_ends_by_itself_is_restarted_with_a_log_line(start, what):
    supervisor, children = start(what)
    wait_until(lambda: len(children()) >= 3, "there is another, and another")
    supervisor.terminate()
    _, said = supervisor.communicate(timeout=20)
    assert supervisor.returncode == 0
    assert "without a stop request" in said
    assert ("no such thing" in said) == (what == "fails")


def test_a_supervisor_with_a_request_to_end_in_a_pause_ends_at_once(start):
    supervisor, children = start("fails")
    wait_until(lambda: len(children()) >= 5, "pauses have become longer")
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(20) == 0
    assert supervisor.stdout.read() == "over\n"


def test_a_second_engine_takes_over_when_the_first_engine_is_killed(start):
    first, children = start()
    wait_until(children, "the first one works")
    second, _ = start(number=1)
    assert "waiting for its end" in second.stderr.readline()
    assert len(children()) == 1
    first.kill()
    wait_until(lambda: len(children()) == 2, "the second one works")
    second.send_signal(signal.SIGTERM)
    assert second.wait(10) == 0
