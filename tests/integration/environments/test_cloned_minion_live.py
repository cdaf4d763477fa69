"""A copy of a minion (same id, same keys) starts: the run continues, and both agents report the copy."""

import json
import shutil
import signal
import sys
import sysconfig
from pathlib import Path

import pytest

from salt_o2.client.agent_client import connect
from salt_o2.cluster import down, processes, up
from salt_o2.cluster.paths import MARKER, layout
from salt_o2.core.errors import UnreachableError
from tests.support.clusters.private_cluster import PrivateCluster
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration
HOST, OTHER_ADDRESS = "flp1", "127.9.9.9"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A cluster of its own. The copy comes last: control reports two agents for a while."""
    directory = tmp_path_factory.mktemp("cloned") / "private"
    yield PrivateCluster.of(up(directory, minions=2))
    down(directory)
    assert processes.marked(layout(directory).directory) == []


class Copy:
    """A second minion with the id and the keys of HOST, and folders of its own."""

    def __init__(self, cluster):
        place = layout(cluster.directory)
        home, self.sock_dir = place.directory / "copy", cluster.control_socket.parent.parent / "copy"
        written = place.home(HOST).joinpath("minion").read_text()
        written = written.replace(str(place.home(HOST)), str(home))
        options = json.loads(written) | {
            "sock_dir": str(self.sock_dir),
            "log_file": str(place.logs / "copy.log"),
        }
        options["o2"]["address"] = OTHER_ADDRESS
        home.mkdir()
        self.sock_dir.mkdir()
        shutil.copytree(place.keys(HOST), home / "pki")
        (home / "minion").write_text(json.dumps(options))
        salt_minion = Path(sysconfig.get_path("scripts")) / "salt-minion"
        argv = [sys.executable, str(salt_minion), "-c", str(home), "--disable-keepalive"]
        environ = {MARKER: str(place.directory), "SPT_NOENV": "1", "PATH": "/usr/bin:/bin"}
        self.process = processes.spawn("copy", argv, environ, place.output("copy"))

    def info(self):
        try:
            with connect(self.sock_dir, 5.0) as agent:
                return agent.info()
        except UnreachableError:
            return {}

    def end(self):
        session = processes.members(self.process)
        processes.end([self.process, *session], 5.0)


@pytest.fixture
def copy(cluster):
    copies = []

    def start():
        copies.append(Copy(cluster))
        return copies[0]

    yield start
    for one in copies:
        one.end()


def row(cluster):
    return next(host for host in cluster.ask("host_list") if host["id"] == HOST)


def pids(environment):
    return {task["id"]: task["pid"] for task in environment["tasks"]}


def test_an_agent_that_is_killed_and_started_again_is_believed_as_before(cluster):
    made = cluster.ask("env_create", workflow="fairmq-ex-1-n-1", vars={"processors": 2})
    run = cluster.ask("env_control", id=made["id"], event="START_ACTIVITY")
    sock_dir = cluster.control_socket.parent.parent / HOST
    with connect(sock_dir, 5.0) as agent:
        before = agent.info()
    processes.Process("agent", before["pid"], processes.start_time(before["pid"])).send(signal.SIGKILL)

    def is_back():
        try:
            with connect(sock_dir, 5.0) as agent:
                now = agent.info()
        except UnreachableError:
            return False
        return now["incarnation"] != before["incarnation"] and now["reports"] > 0

    wait_until(is_back, "another agent reports")
    stopped = cluster.ask("env_control", id=run["id"], event="STOP_ACTIVITY")
    assert (stopped["state"], pids(stopped)) == ("CONFIGURED", pids(run))
    assert row(cluster)["faults"] == []
    cluster.ask("env_destroy", id=run["id"], force=True)


def test_a_run_survives_a_copy_of_its_minion_and_control_reports_both_agents(cluster, copy):
    made = cluster.ask("env_create", workflow="fairmq-ex-1-n-1", vars={"processors": 2})
    run = cluster.ask("env_control", id=made["id"], event="START_ACTIVITY")
    assert any(task["host"] == HOST for task in run["tasks"])
    address = row(cluster)["address"]

    second = copy()
    (fault,) = wait_until(lambda: row(cluster)["faults"], "control tells of two agents", 120)
    assert address in fault
    assert OTHER_ADDRESS in fault
    refused = wait_until(lambda: second.info().get("refused"), "the second agent is refused", 60)
    assert OTHER_ADDRESS in refused

    shown = cluster.ask("env_show", id=run["id"])
    assert (shown["state"], pids(shown)) == ("RUNNING", pids(run))
    assert (row(cluster)["status"], row(cluster)["address"]) == ("ACTIVE", address)
    assert fault in cluster.ask("info")["faults"][0]
    for words in (["host", "list"], ["info"], ["env", "history", run["id"]], ["doctor"]):
        said = " ".join(cluster.run("coconut", *words).stdout.split())
        assert "two agents report" in said, words

    assert cluster.ask("env_control", id=run["id"], event="STOP_ACTIVITY")["state"] == "CONFIGURED"
    assert second.info()["tasks"] == 0, "the second agent has obeyed nothing"
    assert cluster.ask("env_destroy", id=run["id"], force=True)["state"] == "DONE"
