"""Master, minions and engines are killed, at rest and in the middle of things; tasks and runs go on."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from salt_o2.cluster import down, kill, up
from salt_o2.cluster.faults.components import agent_pid, control_pid
from salt_o2.cluster.processes import marked
from salt_o2.core.errors import O2Error, UnreachableError
from tests.support.clusters.environment_queries import identities, replaced, states, task_at, total_at
from tests.support.clusters.private_cluster import PrivateCluster
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A cluster of its own, with two minions: it is killed again and again."""
    directory = tmp_path_factory.mktemp("killed") / "private"
    status = up(directory, minions=2)
    yield PrivateCluster.of(status)
    down(directory)
    assert marked(directory) == []


@pytest.fixture
def running(workshop):
    """The diamond with two processors, in a run."""
    return workshop.control(workshop.create("fairmq-ex-1-n-1", processors=2), "START_ACTIVITY")


def settled(workshop, environment):
    """The environment, once control has it, knows all its tasks again, and nothing is under way."""

    def look():
        try:
            found = workshop.show(environment)
        except UnreachableError:
            return None
        unknown = any(task["state"] == "UNKNOWN" for task in found["tasks"])
        return None if found["transition"] or unknown else found

    return wait_until(look, "control knows everything again", timeout_s=90)


def is_untouched(workshop, before, after):
    """Whether the run went on as if nothing had been: same processes, same run, and data still comes."""
    assert (after["state"], after["run_number"]) == ("RUNNING", before["run_number"])
    assert set(states(after).values()) == {"RUNNING"}
    assert identities(after) == identities(before)
    sink = task_at(after, "sink")
    total, missing = total_at(workshop, sink)
    wait_until(lambda: total_at(workshop, sink)[0] > total, "the sink goes on counting")
    return missing == 0


def test_a_run_outlives_all_daemons_and_ends_in_order(workshop, running):
    killed = kill(workshop.cluster.directory)
    assert killed["killed"] == ["master", "flp1", "flp2"]
    for task in running["tasks"]:
        os.kill(task["pid"], 0)
    status = up(workshop.cluster.directory)
    assert status["control_socket"] == str(workshop.cluster.control_socket)
    after = settled(workshop, running)
    assert is_untouched(workshop, running, after)
    stopped = workshop.control(running, "STOP_ACTIVITY")
    assert (stopped["state"], identities(stopped)) == ("CONFIGURED", identities(running))
    assert workshop.control(running, "START_ACTIVITY")["run_number"] > running["run_number"]


@pytest.mark.parametrize("daemon", ["master", "flp1"])
def test_a_run_outlives_each_daemon_alone(workshop, running, daemon):
    before = PrivateCluster.json(workshop.cluster, "coconut", "cluster", "status", "-d", directory(workshop))
    workshop.cluster.run("coconut", "cluster", "kill", daemon, "-d", directory(workshop))
    again = workshop.cluster.json("coconut", "cluster", "up", "-d", directory(workshop))
    renewed = {name for name, pid in again["pids"].items() if before["pids"][name] != pid}
    assert renewed == {daemon}
    assert is_untouched(workshop, running, settled(workshop, running))
    assert workshop.control(running, "STOP_ACTIVITY")["state"] == "CONFIGURED"


def directory(workshop):
    return str(workshop.cluster.directory)


def engine(workshop, name):
    if name == "control":
        return control_pid(workshop.cluster.directory)
    return agent_pid(workshop.cluster.directory, name)


@pytest.mark.parametrize("name", ["flp1", "control"], ids=["agent", "control"])
def test_a_run_outlives_each_engine_alone(workshop, running, name):
    before = engine(workshop, name)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: engine(workshop, name) not in (None, before), "Salt starts another", timeout_s=60)
    assert is_untouched(workshop, running, settled(workshop, running))
    assert workshop.control(running, "STOP_ACTIVITY")["state"] == "CONFIGURED"


def attempt(call, *given, **named):
    """What came of a request whose control was killed meanwhile."""
    try:
        return call(*given, **named)
    except O2Error as error:
        return error


def interrupted(workshop, environment, frozen, call, *given, **named):
    """Kill everything while ``call`` is under way because one task is frozen; then have it all back."""
    os.kill(frozen, signal.SIGSTOP)
    try:
        with ThreadPoolExecutor(1) as pool:
            asking = pool.submit(attempt, call, *given, **named)
            wait_until(lambda: workshop.show(environment)["transition"], "it is under way")
            kill(workshop.cluster.directory)
            up(workshop.cluster.directory)
            os.kill(frozen, signal.SIGCONT)
            asking.result()
    finally:
        os.kill(frozen, signal.SIGCONT)
    return settled(workshop, environment)


def ask_shortly(workshop, environment, event):
    return workshop.cluster.ask("env_control", timeout_s=5, id=environment["id"], event=event)


@pytest.mark.parametrize(
    ("before", "event", "reached"),
    [
        (("RESET",), "CONFIGURE", "CONFIGURED"),
        ((), "START_ACTIVITY", "RUNNING"),
        (("START_ACTIVITY",), "STOP_ACTIVITY", "CONFIGURED"),
    ],
    ids=["configure", "start", "stop"],
)
def test_a_transition_in_which_all_daemons_were_killed_is_finished(workshop, before, event, reached):
    environment = workshop.create("fairmq-ex-1-n-1", processors=2)
    for step in before:
        environment = workshop.control(environment, step)
    frozen = task_at(environment, "processor0")["pid"]
    after = interrupted(workshop, environment, frozen, ask_shortly, workshop, environment, event)
    assert (after["state"], set(states(after).values()), after["error"]) == (reached, {reached}, None)
    assert [(task["id"], task["host"]) for task in after["tasks"]] == [
        (task["id"], task["host"]) for task in environment["tasks"]
    ]
    half_configured_at_most = event == "CONFIGURE"  # and so started again, see TaskRuntime.resumed
    assert half_configured_at_most or not replaced(environment, after)


def test_a_creation_in_which_all_daemons_were_killed_is_finished(workshop):
    workshop.task("slow", "sleep 2; exec o2-device", "sampler", command={"shell": True})
    workshop.workflow("slowly", "slow", "slow")
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(attempt, workshop.cluster.ask, "env_create", timeout_s=5, workflow="slowly")
        wait_until(lambda: len(workshop.processes()) >= 4, "its processes are being started")
        kill(workshop.cluster.directory)
        up(workshop.cluster.directory)
        asking.result()
    (found,) = workshop.cluster.ask("env_list")
    after = settled(workshop, found)
    assert (after["state"], set(states(after).values())) == ("CONFIGURED", {"CONFIGURED"})


def test_a_modification_in_which_all_daemons_were_killed_is_finished(workshop, running):
    frozen = task_at(running, "processor0")["pid"]
    change = {"timeout_s": 5, "id": running["id"], "exclude": ["diamond.processors.processor0"]}
    after = interrupted(workshop, running, frozen, workshop.cluster.ask, "env_modify", **change)
    assert (after["state"], after["run_number"]) == ("RUNNING", running["run_number"])
    assert list(after["excluded"]) == ["diamond.processors.processor0"]
    assert identities(after) == identities(running)
    assert states(after)["processors.processor1"] == "RUNNING"
