"""Private clusters whose hosts are network namespaces: up, killed, up again, gone, however it comes about."""

import os
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from salt_o2.cluster import down, kill, up
from salt_o2.cluster.namespaces import MASTER, Network, obstacle
from salt_o2.cluster.processes import marked, start_time
from tests.support.clusters.private_cluster import PrivateCluster
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.integration,
    pytest.mark.timeout(300),
    pytest.mark.root("make network namespaces"),
    pytest.mark.skipif(bool(obstacle()), reason=f"no network namespaces: {obstacle()}"),
]
COCONUT = str(Path(sysconfig.get_path("scripts")) / "coconut")


@pytest.fixture
def directory(tmp_path):
    """Where a cluster is to be; whatever a test does, nothing of it is left."""
    directory = tmp_path / "private"
    yield directory
    down(directory)
    assert marked(directory) == []
    assert Network(directory).names() == []


def own_network(pid):
    return Path(f"/proc/{pid}/ns/net").readlink()


def test_each_daemon_has_a_network_and_tasks_are_in_that_of_their_host(directory):
    cluster = PrivateCluster.of(up(directory, minions=2, namespaces=True))
    made = cluster.ask("env_create", workflow="fairmq-ex-1-n-1", vars={"processors": 2})
    networks = {name: own_network(pid) for name, pid in cluster.pids.items()}
    assert len({*networks.values(), own_network("self")}) == 4
    assert all(own_network(task["pid"]) == networks[task["host"]] for task in made["tasks"])
    assert {host["address"] for host in cluster.ask("host_list")} == {"10.79.0.11", "10.79.0.12"}
    inside = [*Network(directory).entrance(MASTER), sys.executable, COCONUT.replace("coconut", "salt")]
    environ = {**os.environ, "SALT_CONFIG_DIR": str(cluster.config_dir)}
    said = subprocess.run(
        [*inside, "*", "test.ping"], env=environ, capture_output=True, text=True, check=True
    )
    assert said.stdout.count("True") == 2


@pytest.mark.patient
def test_a_killed_cluster_restarts_in_the_same_networks_and_the_run_continues(directory):
    cluster = PrivateCluster.of(up(directory, minions=2, namespaces=True))
    made = cluster.ask("env_create", workflow="fairmq-ex-1-n-1", vars={"processors": 2})
    run = cluster.ask("env_control", id=made["id"], event="START_ACTIVITY")
    before = Network(directory).names()
    kill(directory)
    again = PrivateCluster.of(up(directory))
    assert Network(directory).names() == before
    assert own_network(again.pids["flp1"]) in {own_network(task["pid"]) for task in run["tasks"]}

    def all_known():
        env = again.ask("env_show", id=made["id"])
        return env["transition"] is None and {task["state"] for task in env["tasks"]} == {"RUNNING"} and env

    after = wait_until(all_known, "all tasks are known to run", 90)
    assert [task["pid"] for task in after["tasks"]] == [task["pid"] for task in run["tasks"]]
    assert after["run_number"] == run["run_number"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill"])
def test_down_removes_the_rest_of_an_interrupted_start(directory, number):
    command = [sys.executable, COCONUT, "cluster", "up", "--namespaces", "--dir", str(directory)]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as starting:
        wait_until(lambda: Network(directory).names(), "the first namespace is there", 60)
        starting.send_signal(number)
        starting.communicate(timeout=60)
    down(directory)
    assert Network(directory).names() == []
    assert marked(directory) == []
    assert start_time(starting.pid) is None


def test_namespaces_without_a_record_are_removed(directory):
    Network(directory).build(("flp1",))
    down(directory)
    assert Network(directory).names() == []
