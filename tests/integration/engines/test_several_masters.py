"""A minion whose first master is dead: its agent works for the master that the minion itself has found."""

import json
import sys
import sysconfig
from pathlib import Path

import pytest

from salt_o2.cluster import down, processes, up
from salt_o2.cluster.paths import MARKER, layout
from tests.support.clusters.private_cluster import PrivateCluster
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration
DEAD = "127.0.0.77"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    directory = tmp_path_factory.mktemp("masters") / "private"
    yield PrivateCluster.of(up(directory, minions=1))
    down(directory)
    assert processes.marked(layout(directory).directory) == []


@pytest.fixture
def start(cluster):
    """Starts one more minion, with masters of its own."""
    place, started = layout(cluster.directory), []

    def start(name, **options):
        home, sock_dir = place.directory / name, cluster.control_socket.parent.parent / name
        written = place.home("flp1").joinpath("minion").read_text()
        written = written.replace(str(place.home("flp1")), str(home))
        log = str(place.logs / f"{name}.log")
        given = json.loads(written) | {"id": name, "sock_dir": str(sock_dir), "log_file": log, **options}
        home.mkdir()
        sock_dir.mkdir()
        (home / "minion").write_text(json.dumps(given))
        salt_minion = Path(sysconfig.get_path("scripts")) / "salt-minion"
        argv = [sys.executable, str(salt_minion), "-c", str(home), "--disable-keepalive"]
        environ = {MARKER: str(place.directory), "SPT_NOENV": "1", "PATH": "/usr/bin:/bin"}
        started.append(processes.spawn(name, argv, environ, place.output(name)))
        return given

    yield start
    for one in started:
        processes.end([one, *processes.members(one)], 5.0)


@pytest.mark.parametrize("master_type", ["failover", "str"])
def test_the_agent_follows_the_master_that_its_minion_has_found(cluster, start, master_type):
    alive, name = "127.0.0.1", f"many-{master_type}"
    start(name, master=[DEAD, alive], master_type=master_type, master_alive_interval=1, auth_timeout=2)

    def reports():
        return any(host["id"] == name and host["status"] == "ACTIVE" for host in cluster.ask("host_list"))

    asked = layout(cluster.directory).keys("master") / "minions_pre" / name
    wait_until(asked.exists, "the minion asks the running master to accept its key", 120)
    assert cluster.run("salt-key", "-y", "-a", name).returncode == 0
    wait_until(reports, "the agent reports to the running master", 120)
    facts = cluster.json("salt", name, "o2.info", "--static")[name]["facts"]
    assert (facts["master"], facts["masters"]) == (alive, [DEAD, alive])
