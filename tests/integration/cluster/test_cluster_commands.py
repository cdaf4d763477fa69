"""A private cluster from up to down, with real daemons."""

import json
import signal
import socket
from pathlib import Path

import pytest

from salt_o2.cluster import down, is_up, kill, state_file, status, up
from salt_o2.cluster.lifecycle.start import LONGEST_RUN_PARENT
from salt_o2.cluster.paths import layout
from salt_o2.cluster.port_slots import Slot
from salt_o2.cluster.processes import marked, wait_until_gone
from salt_o2.core.errors import InvalidRequestError, O2Error
from tests.support.clusters.private_cluster import PrivateCluster

pytestmark = pytest.mark.integration


@pytest.fixture
def directory(tmp_path):
    """A directory for one cluster; whatever a test leaves in it is ended."""
    yield tmp_path / "c"
    down(tmp_path / "c")
    assert marked(tmp_path / "c") == []


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """The directory of a cluster of one minion, beside that of the session."""
    directory = tmp_path_factory.mktemp("other") / "c"
    up(directory, minions=1)
    yield directory
    down(directory)
    assert marked(directory) == []


def test_a_cluster_goes_up_and_goes_down_without_leftovers(directory):
    said = []
    directory.mkdir()
    (directory / "thesis.txt").write_text("years of work")
    begun = up(directory, minions=1, say=said.append)
    assert begun["ready"]
    assert begun["known"] == ["flp1"]
    assert set(begun["pids"]) == {"master", "flp1"}
    assert Path(begun["control_socket"]).exists()
    assert is_up(directory)

    assert up(directory, minions=1, say=said.append) == begun, "it is left alone"
    assert "up already" in said[-1]

    (master,) = [one for one in state_file.read(layout(directory)).processes if one.name == "master"]
    master.send(signal.SIGKILL)
    assert wait_until_gone([master], 10) == []
    again = up(directory, minions=1, say=said.append)
    assert "lacks master" in "\n".join(said)
    assert again["ready"]
    assert again["pids"]["master"] != begun["pids"]["master"]

    ended = down(directory)
    assert ended["leftovers"] == []
    assert marked(directory) == []
    assert [path.name for path in directory.iterdir()] == ["thesis.txt"]
    assert not Path(begun["control_socket"]).parent.exists()


def test_a_master_whose_ports_were_taken_meanwhile_is_found_by_its_minions(other):
    begun = status(other)
    kill(other, ["master"])
    slot = Slot(state_file.read(layout(other)).slot)
    with socket.create_server(("127.0.0.1", slot.request_port), backlog=1):
        again = up(other, minions=1)
    assert again["ready"]
    assert again["pids"]["flp1"] != begun["pids"]["flp1"], "it would look for its master at the old port"


def test_two_clusters_run_at_the_same_time(cluster, other):
    beside = status(other)
    assert beside["ready"]
    assert beside["control_socket"] != str(cluster.control_socket)
    assert {host["id"] for host in PrivateCluster.of(beside).ask("host_list")} == {"flp1"}
    assert {host["id"] for host in cluster.ask("host_list")} == set(cluster.minions)


def test_a_daemon_that_dies_at_its_start_is_reported_with_its_last_output(directory, monkeypatch):
    monkeypatch.setattr("salt_o2.cluster.lifecycle.salt_config._QUICK", {"user": "no-such-account"})
    with pytest.raises(O2Error, match=r"(?s)(master|flp1) ended while starting.*no-such-account"):
        up(directory, minions=1)
    assert marked(directory) == []
    assert not is_up(directory)


def test_sockets_go_where_their_paths_are_short_enough(directory, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert len(str(tmp_path)) > LONGEST_RUN_PARENT
    monkeypatch.setattr("salt_o2.cluster.lifecycle.salt_config._QUICK", {"user": "no-such-account"})
    with pytest.raises(O2Error):
        up(directory, minions=1)
    assert not list(tmp_path.glob("o2-*"))


def test_taking_down_a_cluster_that_is_not_up_is_no_error(directory):
    assert down(directory)["was_up"] is False


def test_a_status_without_a_cluster_names_the_command_that_starts_one(directory):
    with pytest.raises(O2Error, match="coconut cluster up"):
        status(directory)


@pytest.mark.parametrize(("minions", "workers"), [(0, 3), (3, 0)])
def test_a_cluster_without_minions_or_workers_is_refused(directory, minions, workers):
    with pytest.raises(InvalidRequestError, match="at least one"):
        up(directory, minions, workers)
    assert not directory.exists()


def test_foreign_files_are_not_removed(directory):
    (directory / "logs").mkdir(parents=True)
    (directory / "logs" / "thesis.txt").write_text("years of work")
    down(directory)
    assert (directory / "logs" / "thesis.txt").exists()


def test_salts_own_commands_find_the_cluster(cluster):
    assert sorted(cluster.json("salt-run", "manage.up")) == sorted(cluster.minions)
    answers = cluster.json("salt", "--static", "*", "test.ping")
    assert answers == dict.fromkeys(cluster.minions, True)


def test_coconut_finds_the_cluster(cluster):
    hosts = cluster.json("coconut", "host", "list")
    assert {host["id"] for host in hosts} == set(cluster.minions)


def test_coconut_knows_its_status(cluster):
    found = cluster.json("coconut", "cluster", "status", "--dir", str(cluster.directory))
    assert found["ready"]
    assert found["config_dir"] == str(cluster.config_dir)
    assert found["pids"] == cluster.pids


def test_the_shell_gets_the_place_of_the_configuration(cluster):
    done = cluster.run("coconut", "cluster", "env", "--dir", str(cluster.directory))
    assert done.stdout == f"export SALT_CONFIG_DIR={cluster.config_dir}\n"


def test_all_files_of_a_cluster_are_private(cluster):
    assert layout(cluster.directory).directory.stat().st_mode & 0o077 == 0
    assert cluster.control_socket.parents[1].stat().st_mode & 0o077 == 0


def test_the_record_of_a_cluster_lists_its_processes(cluster):
    raw = json.loads((cluster.directory / "cluster.json").read_text())
    assert {one["name"] for one in raw["processes"]} == {"master", *cluster.minions}
