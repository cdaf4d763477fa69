"""Salt's reactor runs the rules about hosts that come and go, and control looks before it believes them."""

import os
import signal

import pytest

from salt_o2.cluster import down, up
from salt_o2.cluster.faults.components import daemon
from salt_o2.cluster.lifecycle.kill import kill_daemons
from salt_o2.cluster.paths import layout
from salt_o2.cluster.processes import marked
from tests.support.clusters.private_cluster import PrivateCluster
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

HEARTBEAT_S = 12.0
"""So slow that what a rule brings about would not come by itself for half a minute."""


@pytest.fixture
def cluster_with_rules(tmp_path):
    """A private cluster whose agents seldom report."""
    directory = tmp_path / "rules"
    status = up(directory, minions=2, heartbeat_s=HEARTBEAT_S)
    yield PrivateCluster.of(status)
    down(directory)
    assert marked(directory) == []


def send(cluster, **change):
    """Put Salt's own event on the master's bus."""
    done = cluster.run(
        "salt-run", "event.send", "salt/presence/change", str({"lost": [], "new": []} | change)
    )
    assert done.returncode == 0, done.stdout + done.stderr


def host(cluster, name):
    return next(each for each in cluster.ask("host_list") if each["id"] == name)


def log_of_control(cluster):
    return layout(cluster.directory).log("master").read_text(errors="replace")


def test_rules_of_the_reactor_report_lost_and_returned_hosts_to_control(cluster_with_rules):
    cluster = cluster_with_rules
    environment = cluster.ask("env_create", workflow="fairmq-ex-1-n-1", vars={"processors": 2})
    victim = environment["tasks"][0]["host"]
    other = next(name for name in cluster.minions if name != victim)

    surveyed = f"host {other} has"
    before = log_of_control(cluster).count(surveyed)
    send(cluster, new=[other])
    wait_until(lambda: log_of_control(cluster).count(surveyed) > before, "its agent was asked for everything")

    kill_daemons([daemon(cluster.directory, victim)])
    for task in environment["tasks"]:
        if task["host"] == victim:
            os.kill(task["pid"], signal.SIGKILL)
    wait_until(lambda: host(cluster, victim)["last_seen_s"] > 1.3 * HEARTBEAT_S, "heartbeats are missed", 60)
    assert host(cluster, victim)["status"] == "ACTIVE"
    send(cluster, lost=[victim, other])
    wait_until(lambda: host(cluster, victim)["status"] == "LOST", "it is given up")
    assert f"host {victim} is LOST" in log_of_control(cluster)
    assert "reported it lost" in log_of_control(cluster)
    assert host(cluster, other)["status"] == "ACTIVE"

    def placed_anew():
        return {task["host"] for task in cluster.ask("env_show", id=environment["id"])["tasks"]} == {other}

    wait_until(placed_anew, "its tasks are elsewhere", 60)
    assert cluster.ask("env_show", id=environment["id"])["error"] is None
