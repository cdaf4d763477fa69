"""What a master does that a site has not asked for: nothing. Real minions and keys, on a private cluster."""

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from salt_o2.cluster import down, up
from salt_o2.cluster.paths import layout
from salt_o2.cluster.processes import marked
from salt_o2.core.access import peer_options
from tests.support.clusters.private_cluster import PrivateCluster, configure
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
WATCHER, OTHER = "flp2", "flp1"
CLAIM = """
import json, sys
import salt.channel.client, salt.config
opts = salt.config.minion_config(sys.argv[1])
opts["master_uri"] = f"tcp://127.0.0.1:{opts['master_port']}"
load = {"cmd": "minion_runner", "fun": sys.argv[3], "arg": [], "id": sys.argv[2]}
with salt.channel.client.ReqChannel.factory(opts) as channel:
    print(json.dumps(channel.send(load, timeout=20, tries=1), default=str))
"""
"""Asks for a runner with the key of one minion and the id of another."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A cluster whose site permits one minion to stop runs, and keeps configuration in a directory."""
    directory = tmp_path_factory.mktemp("default") / "private"
    kept = directory.parent / "configuration"
    kept.mkdir()
    configure(directory, {"configuration": str(kept)}, **peer_options({WATCHER: ["run_stop"]}))
    yield PrivateCluster.of(up(directory, minions=2))
    down(directory)
    assert marked(directory) == []


@pytest.fixture
def running(cluster):
    """An environment in a run."""
    made = cluster.ask("env_create", workflow="fairmq-ex-copypush")
    yield cluster.ask("env_control", id=made["id"], event="START_ACTIVITY")
    cluster.ask("env_destroy", id=made["id"], allow_in_running_state=True, force=True)


def runner_of(cluster, minion, function, *arguments):
    """Call a function of the runner from a minion, as its own user would."""
    home = str(layout(cluster.directory).home(minion))
    return cluster.run("salt-call", "-c", home, "publish.runner", function, *arguments).stdout


def state(cluster, environment):
    return cluster.ask("env_show", id=environment["id"])["state"]


@pytest.mark.finding("1.13")
def test_a_minion_that_the_site_has_named_may_stop_the_runs_and_nothing_else(cluster, running):
    assert "o2_master" not in runner_of(cluster, WATCHER, "o2.info")
    runner_of(cluster, WATCHER, "o2.env_destroy", f"[{running['id']}, allow_in_running_state=True]")
    assert state(cluster, running) == "RUNNING"
    runner_of(cluster, WATCHER, "o2.run_stop", "[all=True, reason=beam dump]", "timeout=60")
    wait_until(lambda: state(cluster, running) == "CONFIGURED", "the run is stopped")


@pytest.mark.finding("1.13")
def test_a_minion_that_the_site_has_not_named_stops_no_run_by_any_name(cluster, running):
    runner_of(cluster, OTHER, "o2.run_stop", "[all=True]")
    place = layout(cluster.directory)
    for key, claimed in ((OTHER, WATCHER), (OTHER, OTHER), (OTHER, f"{WATCHER}x")):
        words = [sys.executable, "-c", CLAIM, str(place.home(key) / "minion"), claimed, "o2.run_stop"]
        subprocess.run(words, capture_output=True, text=True, check=False, timeout=90)
    assert state(cluster, running) == "RUNNING"


@pytest.mark.finding("2.6")
def test_a_key_that_the_cluster_has_not_made_is_not_accepted(cluster, tmp_path):
    place = layout(cluster.directory)
    own = json.loads((place.home(OTHER) / "minion").read_text())
    foreign = {
        **{key: own[key] for key in ("user", "master", "master_port", "publish_port")},
        "root_dir": str(tmp_path),
        "id": "x2_master",
        "acceptance_wait_time": 1,
    }
    (tmp_path / "minion").write_text(json.dumps(foreign))
    call = str(Path(sysconfig.get_path("scripts")) / "salt-call")
    words = [sys.executable, call, "-c", str(tmp_path), "pillar.items"]
    keys = place.keys("master")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as joining:
        try:
            wait_until(
                lambda: (keys / "minions_pre" / "x2_master").exists(), "the master has heard of the key"
            )
        finally:
            joining.kill()
        said = joining.stdout.read()
    assert "o2:" not in said
    assert not (keys / "minions" / "x2_master").exists()
    shutil.rmtree(keys / "minions_pre")


@pytest.mark.finding("1.11")
def test_configuration_is_set_to_given_text_and_never_to_a_file_of_the_master(cluster, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("of the master alone")
    cluster.json("salt-run", "o2.config_import", "qc/ANY/any/k", str(secret), "new_component=True")
    shown = json.dumps(cluster.json("salt-run", "o2.config_show", "qc/ANY/any/k"))
    assert str(secret) in shown
    assert "of the master alone" not in shown


@pytest.mark.parametrize("function", ["o2.config_set", "o2.config_import"])
def test_a_text_that_looks_like_yaml_is_stored_unchanged(cluster, function):
    text = '{"a": 1.0, "b": [true]}'
    words = ("qc/ANY/any/tasks", f"payload={text}", "new_component=True")
    refused = cluster.run("salt-run", function, *words)
    assert "--no-parse=payload" in refused.stdout + refused.stderr
    cluster.json("salt-run", "--no-parse=payload", function, *words)
    assert json.dumps(text) in json.dumps(cluster.json("salt-run", "o2.config_show", "qc/ANY/any/tasks"))
