"""A host whose key was stolen: it can harm itself, and no other host."""

import json
import os
import signal
import socket
from pathlib import Path

import msgpack
import pytest

from salt_o2.bus import envelope
from salt_o2.cluster import down, up
from salt_o2.cluster.paths import layout
from salt_o2.cluster.processes import marked
from tests.support.clusters.compromised_host import Listener, honest, imitated, send
from tests.support.clusters.private_cluster import PrivateCluster
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

FACTS = {"address": "10.9.9.9", "network": "n", "cpus": 900.0, "memory_mb": 9e6}


CLAIMS = {
    "address": "10.9.9.9",
    "attributes": {"machine_id": "flp1", "detector": "TPC"},
    "control_ports": [1000, 1010],
}


def claim(directory, host, **claims):
    """Have the agent on ``host`` claim what its administrator has not declared."""
    file = layout(directory).home(host) / "none.d" / "claims.conf"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"engines": [{"o2_agent": claims}]}))


def forged(host, **fields):
    """A report in plain form, as agents sent it before they had sessions."""
    report = {"host": host, "incarnation": "forged", "sequence": 1, "tasks": [], "accepted": {}}
    return {"report": envelope.wrap(report | fields)}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A cluster of its own: what is refused here stays on the rows of its hosts."""
    directory = tmp_path_factory.mktemp("compromised") / "private"
    claim(directory, "flp2", **CLAIMS)
    status = up(directory)
    yield PrivateCluster.of(status)
    down(directory)
    assert marked(directory) == []


@pytest.fixture
def running(cluster):
    """An environment in a run, with tasks on all hosts."""
    made = cluster.ask("env_create", workflow="fairmq-ex-1-n-1", vars={"processors": 2})
    yield cluster.ask("env_control", id=made["id"], event="START_ACTIVITY")
    cluster.ask("env_destroy", id=made["id"], force=True, allow_in_running_state=True)


def row_of(cluster, host):
    return next((row for row in cluster.ask("host_list") if row["id"] == host), None)


def wait_for_refusal(cluster, host, reason):
    wait_until(
        lambda: any(reason in fault for fault in row_of(cluster, host)["faults"]),
        f"the row of {host} says that a message was refused: {reason}",
    )


@pytest.mark.finding("1.3")
@pytest.mark.parametrize("form", [imitated, honest])
def test_a_host_that_reports_for_another_is_refused(cluster, running, form):
    before = row_of(cluster, "flp1")
    send(cluster, "flp2", [form("flp1", forged("flp1", facts=FACTS))] * 3)
    wait_for_refusal(cluster, "flp1", "neither a hello nor a sealed message")
    environment = cluster.ask("env_show", id=running["id"])
    assert (environment["state"], environment["run_number"]) == ("RUNNING", running["run_number"])
    after = row_of(cluster, "flp1")
    assert (after["address"], after["status"]) == (before["address"], "ACTIVE")


@pytest.mark.finding("1.3")
def test_a_host_that_does_not_exist_never_appears(cluster):
    send(
        cluster,
        "flp2",
        [imitated("ghost1", forged("ghost1", facts=FACTS)), honest("flp2", {"hello": b"\xff\xfe"})],
    )
    wait_for_refusal(cluster, "flp2", "not a Hello")
    assert row_of(cluster, "ghost1") is None


@pytest.mark.finding("1.4")
def test_no_host_makes_control_blind_for_a_task_of_another(cluster, running):
    tasks = [task for task in cluster.ask("task_list") if task["environment"] == running["id"]]
    victim = next(task for task in tasks if task["host"] != "flp2" and "processor" in task["class"])
    lie = {
        "task": victim["id"],
        "environment": running["id"],
        "revision": 1_000_000_000,
        "settled": True,
        "status": "ACTIVE",
        "state": "RUNNING",
    }
    send(cluster, "flp2", [imitated(victim["host"], forged(victim["host"], tasks=[lie]))])
    wait_for_refusal(cluster, victim["host"], "neither a hello nor a sealed message")
    os.kill(victim["pid"], signal.SIGKILL)

    def is_restarted(task):
        return (
            task["id"] == victim["id"]
            and task["state"] == "RUNNING"
            and task["pid"] not in (None, victim["pid"])
        )

    wait_until(lambda: any(map(is_restarted, cluster.ask("task_list"))), "the killed task runs again")


@pytest.mark.finding("2.2")
def test_the_pillar_of_a_host_overrides_the_claims_of_the_host(cluster):
    wait_until(lambda: row_of(cluster, "flp2")["attributes"], "control has read the pillar of flp2")
    row = row_of(cluster, "flp2")
    assert row["attributes"] == {"machine_id": "flp2", "machine_type": "flp", "detector": "TST"}
    assert row["address"].startswith("127.")
    unused = {fault.partition(":")[0] for fault in row["faults"]}
    assert unused >= {"address", "control_ports", "attributes.machine_id", "attributes.detector"}
    made = cluster.ask("env_create", workflow="fairmq-ex-1-n-1", vars={"processors": 4})
    ports = {task["control_port"] for task in made["tasks"] if task["host"] == "flp2"}
    assert ports
    assert not ports & set(range(1000, 1011))
    cluster.ask("env_destroy", id=made["id"], force=True)


@pytest.mark.finding("2.3")
def test_channels_listen_at_the_addresses_of_their_hosts_alone(cluster):
    paths = ("diamond.sampler", "diamond.processors.processor0", "diamond.sink")
    move = dict.fromkeys(paths, "flp1")  # the agent on flp2 names an address that its machine does not have
    made = cluster.ask("env_create", workflow="fairmq-ex-1-n-1", vars={"processors": 1}, move=move)
    low, high = cluster.json("salt-run", "pillar.show_pillar", "flp1")["o2"]["channel_ports"]
    bound = {address for address, port in listening() if low <= port <= high}
    cluster.ask("env_destroy", id=made["id"], force=True)
    assert bound == {row_of(cluster, "flp1")["address"]}


def listening():
    """Return the IPv4 addresses and ports at which something listens here."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    for _, local, _, state, *_ in rows:
        if state == "0A":
            address, _, port = local.partition(":")
            yield socket.inet_ntoa(bytes.fromhex(address)[::-1]), int(port, 16)


@pytest.mark.finding("2.1")
def test_no_host_can_read_the_orders_of_another(cluster):
    with Listener(cluster, "flp2") as listener:
        made = cluster.ask("env_create", workflow="fairmq-ex-1-n-1", vars={"processors": 2})
        cluster.ask("env_destroy", id=made["id"], force=True)
        cluster.run("salt", "flp2", "test.ping")
        published = listener.wait_for(lambda load: load.get("fun") == "test.ping")
    ours = [msgpack.packb(load) for load in published if load.get("fun") == envelope.FUNCTION]
    assert len(ours) >= 3, "orders to deploy, to configure and to end were published"
    assert not any(made["id"].encode() in load for load in ours)


@pytest.mark.finding("X15")
@pytest.mark.finding("X16")
def test_no_host_sees_or_answers_questions_of_control_to_another_host(cluster, running):
    task = next(task for task in cluster.ask("task_list") if task["host"] == "flp1")
    with Listener(cluster, "flp2") as listener:
        said = cluster.ask("task_log", id=task["id"], lines=5)
        cluster.run("salt", "flp2", "test.ping")
        published = listener.wait_for(lambda load: load.get("fun") == "test.ping")
    assert said["host"] == "flp1"
    assert {load.get("fun") for load in published} <= {envelope.FUNCTION, "test.ping"}
    assert not any(task["id"].encode() in msgpack.packb(load) for load in published)


@pytest.mark.finding("X16")
@pytest.mark.parametrize("function", ["o2.host_tasks", "o2.host_info", "o2.host_audit", "o2.host_log"])
def test_functions_for_hosts_start_no_job_whose_return_another_host_could_forge(cluster, running, function):
    task = next(task for task in cluster.ask("task_list") if task["host"] == "flp1")
    words = (task["id"],) if function == "o2.host_log" else ()
    with Listener(cluster, "flp2") as listener:
        said = cluster.json("salt-run", function, "flp1", *words)
        cluster.run("salt", "flp2", "test.ping")
        published = listener.wait_for(lambda load: load.get("fun") == "test.ping")
    assert "error" not in said["flp1"]
    assert {load.get("fun") for load in published} <= {envelope.FUNCTION, "test.ping"}
    assert not any(task["id"].encode() in msgpack.packb(load) for load in published)


@pytest.mark.finding("X16")
def test_a_host_without_an_answer_does_not_hide_the_answers_of_others(cluster):
    said = cluster.json("salt-run", "o2.host_info", "flp1,ghost1,flp2")
    assert [said[host]["host"] for host in ("flp1", "flp2")] == ["flp1", "flp2"]
    assert "has ever reported" in said["ghost1"]["error"]
