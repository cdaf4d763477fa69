"""A minion of a real cluster gets another id in a run: its tasks continue, and obey under the new name."""

import json
from pathlib import Path

import pytest

from salt_o2.cluster import down, up
from salt_o2.cluster.lifecycle.kill import kill
from salt_o2.cluster.lifecycle.start import command as command_of
from salt_o2.cluster.lifecycle.start import environment as environment_of
from salt_o2.cluster.paths import layout
from salt_o2.cluster.processes import marked, spawn
from tests.support.clusters.private_cluster import PrivateCluster
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def cluster(tmp_path):
    """A private cluster of its own, because one of its minions gets another id."""
    directory = tmp_path / "renamed"
    yield PrivateCluster.of(up(directory, 2, heartbeat_s=1))
    down(directory)
    assert marked(directory) == []


def give_another_id(cluster, old, new):
    """End a minion and start it again as ``new``; the administrator accepts its key under the new name."""
    kill(cluster.directory, only=[old])
    place = layout(cluster.directory)
    command = command_of(place, old)
    settings = Path(command[command.index("-c") + 1]) / "minion"
    options = json.loads(settings.read_text())
    settings.write_text(json.dumps(options | {"id": new}))
    accepted = place.keys("master") / "minions"
    (accepted / new).write_bytes((accepted / old).read_bytes())
    for claim in place.claims(old):  # or Salt would take the old process for a running one
        claim.unlink(missing_ok=True)
    spawn(new, command, environment_of(place), place.logs / f"{new}.out")


def tasks_of(cluster, environment):
    return {task["id"]: task for task in cluster.ask("env_show", id=environment["id"])["tasks"]}


def test_a_minion_that_gets_another_id_has_the_same_tasks_and_the_run_continues(cluster):
    made = cluster.ask("env_create", workflow="fairmq-ex-1-n-1", vars={"processors": 4})
    environment = cluster.ask("env_control", id=made["id"], event="START_ACTIVITY")
    before = {task["id"]: task["pid"] for task in environment["tasks"]}
    mine = {task["id"] for task in environment["tasks"] if task["host"] == "flp2"}
    assert mine
    give_another_id(cluster, "flp2", "flp9")
    wait_until(
        lambda: all(tasks_of(cluster, environment)[task]["host"] == "flp9" for task in mine),
        "the tasks are known under the new name",
        90,
    )
    wait_until(
        lambda: all(task["state"] == "RUNNING" for task in tasks_of(cluster, environment).values()),
        "their state is known",
        30,
    )
    now = cluster.ask("env_show", id=environment["id"])
    assert (now["state"], now["run_number"]) == ("RUNNING", environment["run_number"])
    assert {task["id"]: task["pid"] for task in now["tasks"]} == before
    assert {host["id"] for host in cluster.ask("host_list")} == {"flp1", "flp9"}
    assert cluster.ask("env_history", id="hosts")[-1]["kind"] == "HostRenamed"
    stopped = cluster.ask("env_control", id=environment["id"], event="STOP_ACTIVITY")
    assert stopped["state"] == "CONFIGURED"
    cluster.ask("env_destroy", id=environment["id"])
    wait_until(
        lambda: not any(Path(f"/proc/{pid}").exists() for pid in before.values()), "all have ended", 30
    )
