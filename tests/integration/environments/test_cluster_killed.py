"""Master, minions and engines are killed, at rest and in the middle of things; tasks and runs go on."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

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


@contextmanager
def frozen(pids):
    """Keep processes from doing anything, so that what they are to do is under way for as long."""
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def prepared(workshop, *events):
    """The diamond with two processors, in the state to which ``events`` lead."""
    environment = workshop.create("fairmq-ex-1-n-1", processors=2)
    for event in events:
        environment = workshop.control(environment, event)
    return environment


EXCLUDED = "diamond.processors.processor0"
STEPS = {
    "CONFIGURE": (("RESET",), "CONFIGURED"),
    "START_ACTIVITY": ((), "RUNNING"),
    "STOP_ACTIVITY": (("START_ACTIVITY",), "CONFIGURED"),
}
"""Events, each with those before it and the state to which it leads."""


def kill_all_daemons_meanwhile(workshop, moved, modified):
    """Kill all daemons during ``moved`` by event, a modification and a creation, and start all again."""
    frozen_pids = [task_at(each, "processor0")["pid"] for each in (*moved.values(), modified)]
    requests = [("env_control", {"id": each["id"], "event": event}) for event, each in moved.items()]
    requests.append(("env_modify", {"id": modified["id"], "exclude": [EXCLUDED]}))
    with frozen(frozen_pids), ThreadPoolExecutor(len(requests) + 1) as pool:
        for verb, arguments in requests:
            pool.submit(attempt, workshop.cluster.ask, verb, timeout_s=5, **arguments)
        for each in (*moved.values(), modified):
            wait_until(lambda each=each: workshop.show(each)["transition"], "it is under way")
        before = len(workshop.processes())
        pool.submit(attempt, workshop.cluster.ask, "env_create", timeout_s=5, workflow="slowly")
        wait_until(lambda: len(workshop.processes()) >= before + 4, "its processes are being started")
        kill(workshop.cluster.directory)
        up(workshop.cluster.directory)


def test_all_that_is_under_way_when_all_daemons_are_killed_is_finished(workshop):
    """Transitions, a modification and a creation, each of an environment of its own."""
    workshop.task("slow", "sleep 2; exec o2-device", "sampler", command={"shell": True})
    workshop.workflow("slowly", "slow", "slow")
    moved = {event: prepared(workshop, *before) for event, (before, _) in STEPS.items()}
    modified = prepared(workshop, "START_ACTIVITY")
    kill_all_daemons_meanwhile(workshop, moved, modified)

    for event, before in moved.items():
        after, reached = settled(workshop, before), STEPS[event][1]
        assert (after["state"], set(states(after).values()), after["error"]) == (reached, {reached}, None)
        assert [(task["id"], task["host"]) for task in after["tasks"]] == [
            (task["id"], task["host"]) for task in before["tasks"]
        ]
        half_configured_at_most = event == "CONFIGURE"  # and so started again, see TaskRuntime.resumed
        assert half_configured_at_most or not replaced(before, after)

    after = settled(workshop, modified)
    assert (after["state"], after["run_number"]) == ("RUNNING", modified["run_number"])
    assert list(after["excluded"]) == [EXCLUDED]
    assert identities(after) == identities(modified)
    assert states(after)["processors.processor1"] == "RUNNING"

    known = {each["id"] for each in (*moved.values(), modified)}
    (created,) = [each for each in workshop.cluster.ask("env_list") if each["id"] not in known]
    after = settled(workshop, created)
    assert (after["state"], set(states(after).values())) == ("CONFIGURED", {"CONFIGURED"})
