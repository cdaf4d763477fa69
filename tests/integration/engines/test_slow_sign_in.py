"""An agent that the master does not let in for a while is back as soon as the master does."""

import json

import pytest

from salt_o2.client.agent_client import connect
from salt_o2.cluster import down, up
from salt_o2.cluster.paths import layout
from tests.support.clusters.private_cluster import PrivateCluster
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration
HOST = "flp2"
GIVEN_UP = "was not taken"


@pytest.fixture(scope="module")
def careful(tmp_path_factory):
    """A cluster of two minions, whose master accepts no key by itself."""
    directory = tmp_path_factory.mktemp("careful") / "private"
    cluster = PrivateCluster.of(up(directory, minions=2))
    assert json.loads((cluster.config_dir / "master").read_text())["auto_accept"] is False
    yield cluster
    assert down(directory)["leftovers"] == []


def host_status(cluster):
    return {host["id"]: host["status"] for host in cluster.ask("host_list")}[HOST]


def trouble(cluster):
    """What the agent says of itself, as o2.info and doctor show it."""
    with connect(cluster.control_socket.parent.parent / HOST, 5.0) as agent:
        return agent.info()["trouble"]


def salt_key(cluster, *words):
    done = cluster.run("salt-key", "-y", *words)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_host_whose_key_is_deleted_and_accepted_again_is_active_again(careful):
    wait_until(lambda: host_status(careful) == "ACTIVE", "the agent reports")
    log = layout(careful.directory).log(HOST)
    before = log.read_text().count(GIVEN_UP)
    salt_key(careful, "-d", HOST)
    wait_until(lambda: host_status(careful) == "LOST", "the agent is shut out", 120)
    wait_until(lambda: log.read_text().count(GIVEN_UP) >= before + 3, "sends were given up", 120)
    assert host_status(careful) == "LOST"
    assert "does not accept the minion's key" in trouble(careful)
    waiting = json.loads(careful.run("salt-key", "--out=json", "-l", "un").stdout)
    assert waiting["minions_pre"] == [HOST]
    salt_key(careful, "-a", HOST)
    wait_until(lambda: host_status(careful) == "ACTIVE", "the agent reports again", 60)
    assert trouble(careful) == ""
