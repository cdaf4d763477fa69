"""The network of a running environment is cut, in part or as a whole: hosts are namespaces with links.

After a short cut all tasks still run. Only a host that is unreachable for too long is declared lost. Long
silences are simulated: tests/unit/simulation/test_silent_agents.py.
"""

import time
from pathlib import Path

import pytest

from salt_o2.cluster import down, state_file, up
from salt_o2.cluster.namespaces import Network, obstacle
from salt_o2.cluster.network_links import heal_all, link
from salt_o2.cluster.paths import layout
from salt_o2.cluster.processes import marked
from tests.support.clusters.environment_queries import identities, states, task_at, total_at
from tests.support.clusters.private_cluster import PrivateCluster
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(300),
    pytest.mark.root("make network namespaces"),
    pytest.mark.skipif(bool(obstacle()), reason=f"hosts cannot be network namespaces here: {obstacle()}"),
]
HEARTBEAT_S = 2.0
SHORT_S = 1.5 * HEARTBEAT_S
"""Shorter than a host may be silent."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A master and three minions, each with a network of its own."""
    directory = tmp_path_factory.mktemp("cuts") / "private"
    status = up(directory, heartbeat_s=HEARTBEAT_S, namespaces=True)
    assert len(status["namespaces"]) == 5
    yield PrivateCluster.of(status)
    ended = down(directory)
    assert ended["leftovers"] == []
    assert marked(directory) == []
    assert Network(layout(directory).directory).names() == []


@pytest.fixture
def running(workshop):
    """The diamond with four processors in a run; numbers have reached the sink."""
    made = workshop.create("fairmq-ex-1-n-1", processors=4, rate=50)
    environment = workshop.control(made, "START_ACTIVITY")
    wait_until(lambda: total_at(workshop, task_at(environment, "sink"))[0], "the sink counts")
    return environment


@pytest.fixture
def links(cluster):
    """The link of each host by its name; all are whole afterwards, and all hosts are there."""
    place = layout(cluster.directory)
    current = state_file.read(place)
    yield {host: link(place.directory, current, host) for host in ("master", *cluster.minions)}
    heal_all(place.directory, current)
    for host in cluster.minions:
        wait_until(lambda host=host: presence(cluster, host) == "ACTIVE", f"{host} is there", 60)


def presence(cluster, host):
    return next(each["status"] for each in cluster.ask("host_list") if each["id"] == host)


OTHER_FAULTS = [
    pytest.param(fault, marks=[pytest.mark.patient, pytest.mark.needs("nft", "tc")])
    for fault in ("mute", "deafen", "lose", "throttle")
]


def host_of(environment, role):
    return task_at(environment, role)["host"]


def goes_on(workshop, environment):
    """Everything is as it was: same run, same processes, all RUNNING, data comes and none was lost."""
    sink = task_at(environment, "sink")
    wait_until(lambda: not workshop.show(environment)["transition"], "it is at rest")
    wait_until(lambda: set(states(workshop.show(environment)).values()) == {"RUNNING"}, "all RUNNING", 60)
    after = workshop.show(environment)
    assert (after["state"], after["run_number"]) == ("RUNNING", environment["run_number"])
    assert identities(after) == identities(environment)
    before, _ = total_at(workshop, sink)
    wait_until(lambda: total_at(workshop, sink)[0] > before, "data comes to the sink", 60)
    wait_until(lambda: total_at(workshop, sink)[1] == 0, "what was under way arrives", 60)


def last_for(seconds):
    """Let a fault last: here the time itself is what matters."""
    time.sleep(seconds)


@pytest.mark.parametrize(
    "fault", ["cut", *(pytest.param(fault, marks=pytest.mark.patient) for fault in OTHER_FAULTS)]
)
def test_a_fault_of_a_link_that_heals_soon_keeps_everything_running(workshop, cluster, links, running, fault):
    victim = links[host_of(running, "processor1")]
    getattr(victim, fault)()
    last_for(SHORT_S)
    victim.restore()
    wait_until(lambda: presence(cluster, victim.host) == "ACTIVE", "its agent is heard")
    goes_on(workshop, running)


@pytest.mark.patient
def test_the_master_may_be_cut_off_for_a_while(workshop, links, running):
    links["master"].cut()
    last_for(SHORT_S)
    links["master"].restore()
    goes_on(workshop, running)


def is_running(pid):
    return Path(f"/proc/{pid}").exists()


def test_an_unreachable_host_is_declared_lost_and_its_stale_tasks_end_when_it_returns(
    workshop, cluster, links, running
):
    victim = links[host_of(running, "processor1")]
    stale = [task["pid"] for task in running["tasks"] if task["host"] == victim.host]
    stayed = {path: who for path, who in identities(running).items() if who[1] != victim.host}
    victim.cut()
    wait_until(lambda: presence(cluster, victim.host) == "LOST", "it is given up", 60)

    def all_elsewhere():
        tasks = workshop.show(running)["tasks"]
        return all(task["host"] != victim.host and task["state"] == "RUNNING" for task in tasks)

    wait_until(all_elsewhere, "its tasks run elsewhere", 60)
    assert all(is_running(pid) for pid in stale)
    victim.restore()
    wait_until(lambda: not any(is_running(pid) for pid in stale), "its stale tasks are ended", 60)
    after = workshop.show(running)
    assert (after["state"], after["run_number"]) == ("RUNNING", running["run_number"])
    assert {path: identities(after)[path] for path in stayed} == stayed
    wait_until(lambda: presence(cluster, victim.host) == "ACTIVE", "it is there again", 60)
    placed = workshop.create("fairmq-ex-1-n-1", processors=9)
    assert victim.host in {task["host"] for task in placed["tasks"]}
