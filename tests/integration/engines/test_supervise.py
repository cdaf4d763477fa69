"""An engine's work is done by a child that is started again when it is killed, and ends with its parent."""

import os
import signal
import subprocess
import sys

import pytest
from watching import wait_until

from salt_o2.cluster.process import start_time

pytestmark = pytest.mark.integration

PROGRAM = """
import os, signal, sys, time
from salt_o2 import supervise

def work():
    with open(sys.argv[1], "a") as said:
        said.write(f"{os.getpid()}\\n")
    if sys.argv[2] == "returns":
        return
    if sys.argv[2] == "fails":
        raise RuntimeError("no such thing")
    time.sleep(1000)

supervise.LIVED_S = 0.0
supervise.supervised(work)
print("over", flush=True)
"""


@pytest.fixture
def start(tmp_path):
    """Starts a supervisor; tells the pids of its children so far."""
    running = []

    def start(what="stays"):
        said = tmp_path / "said"
        said.touch()
        argv = [sys.executable, "-c", PROGRAM, str(said), what]
        running.append(subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))

        def children():
            return [int(line) for line in said.read_text().split()]

        return running[0], children

    yield start
    for one in running:
        one.kill()
        one.communicate()


def test_who_is_killed_is_started_again(start):
    _, children = start()
    for count in (1, 2, 3):
        wait_until(lambda count=count: len(children()) == count, "there is another")
        os.kill(children()[-1], signal.SIGKILL)
    assert len(set(children())) == len(children())


def test_who_is_asked_to_end_ends_with_the_work(start):
    supervisor, children = start()
    (child,) = wait_until(children, "it works")
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(10) == 0
    assert supervisor.stdout.read() == "over\n"
    assert start_time(child) is None
    assert children() == [child]


def test_the_work_does_not_outlive_who_looks_after_it(start):
    supervisor, children = start()
    (child,) = wait_until(children, "it works")
    supervisor.kill()
    supervisor.wait(10)
    wait_until(lambda: start_time(child) is None, "the child has ended")


@pytest.mark.parametrize("what", ["returns", "fails"])
def test_work_that_is_over_is_not_done_again(start, what):
    supervisor, children = start(what)
    assert supervisor.wait(20) == 0
    assert len(children()) == 1
