"""The faults of one round, on real processes."""

import signal
import subprocess

import pytest
import yaml

from salt_o2.cluster import state_file
from salt_o2.cluster.faults.drill import must_count_losses
from salt_o2.cluster.faults.host_faults import next_ports
from salt_o2.cluster.faults.injection import FaultInjector
from salt_o2.cluster.faults.invariants import Observation, ObservedEnvironment, ObservedTask
from salt_o2.cluster.faults.schedule import Action, Fault, Kind, Part
from salt_o2.cluster.faults.unrelated_processes import UnrelatedProcesses
from salt_o2.cluster.paths import layout
from salt_o2.cluster.processes import Process, members, start_time
from salt_o2.cluster.state_file import Record
from salt_o2.where import packaged
from tests.support.waiting import wait_until

MONITOR, SINK = Part(Kind.PROGRAM, "monitor"), Part(Kind.TASK, "sink")


@pytest.fixture
def program(tmp_path):
    """The plain program of the examples, at work."""
    template = yaml.safe_load((packaged("examples") / "tasks" / "plain-program.yaml").read_text())
    command = [template["command"]["value"], *template["command"]["arguments"]]
    said = tmp_path / "said"
    with said.open("w") as output:
        process = subprocess.Popen(command, stdout=output, start_new_session=True)
    wait_until(lambda: said.read_text() == "working\n", "the program works")
    yield process
    for each in members(Process("program", process.pid, start_time(process.pid) or 0)):
        each.send(signal.SIGKILL)
    process.kill()
    process.wait()


def sight(path, pid, plain=True):
    task = ObservedTask(path=path, host="flp1", pid=pid, started="t", state="RUNNING", plain=plain)
    return Observation(
        environments={"E1": ObservedEnvironment(id="E1", state="RUNNING", run_number=1, tasks={path: task})}
    )


def inflict(directory, pid, *faults):
    with UnrelatedProcesses() as strangers:
        injury = FaultInjector(directory, sight("monitor", pid), "E1", strangers)
        injury.inject(faults)
    return injury


def test_a_plain_program_fails_with_a_status_that_is_not_0(program, tmp_path):
    injury = inflict(tmp_path, program.pid, Fault(0.0, Action.FAIL, MONITOR))
    assert program.wait(10) == 7
    assert injury.skipped == []


def test_a_plain_program_that_gets_a_signal_ends_in_order(program):
    program.terminate()
    assert program.wait(10) == 0


def test_a_plain_program_is_killed(program, tmp_path):
    inflict(tmp_path, program.pid, Fault(0.0, Action.KILL, MONITOR))
    assert program.wait(10) == -9


def test_a_stopped_program_continues_after_the_round(program, tmp_path):
    inflict(tmp_path, program.pid, Fault(0.0, Action.STOP, MONITOR, 0.1))
    program.terminate()
    assert program.wait(10) == 0


@pytest.mark.parametrize("part", [MONITOR, Part(Kind.RECORD, "monitor")], ids=str)
def test_a_process_that_is_no_task_of_the_cluster_is_not_hit_in_its_place(program, tmp_path, part):
    """The pid of a task that has ended meanwhile may be that of another process."""
    state_file.write(layout(tmp_path), Record(0, ("flp1",), 1, tmp_path))
    action = Action.REUSE_PID if part is MONITOR else Action.TRUNCATE
    injury = inflict(tmp_path, program.pid, Fault(0.0, action, part))
    assert injury.skipped == [Fault(0.0, action, part)]
    assert program.poll() is None


def test_a_thief_takes_the_ports_of_all_ranges_by_turns():
    assert next_ports((20, 22), (90, 91)) == [20, 90, 21, 91, 22]


KILL = Fault(0.0, Action.KILL, SINK)
REBOOT = Fault(0.0, Action.REBOOT, Part(Kind.HOST, "flp1"))
FAIL = Fault(0.0, Action.FAIL, MONITOR)


@pytest.mark.parametrize(
    ("faults", "following", "must"),
    [
        ([KILL], [KILL], False),
        ([KILL], [FAIL], True),
        ([FAIL], [FAIL], False),
        ([REBOOT], [KILL], True),
        ([KILL, FAIL], [FAIL, KILL], False),
    ],
    ids=["judged-in-neither", "judged-next", "none-lost", "lost-elsewhere-too", "some-of-many"],
)
def test_losses_are_counted_where_the_next_round_would_be_blamed_for_them(faults, following, must):
    assert must_count_losses(faults, following) is must
