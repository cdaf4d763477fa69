"""A host of a real cluster vanishes in a run; or it only seems so, because its minion and agent are away."""

import os
import signal
import time
from pathlib import Path

import pytest

from salt_o2.cluster import down, up
from salt_o2.cluster.lifecycle.kill import kill
from salt_o2.cluster.processes import marked
from salt_o2.core.errors import O2Error
from tests.support.clusters.private_cluster import PrivateCluster
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

SIGN = b"O2_PARTITION="
STANDSTILL_S = 7.0
"""Longer than an agent waits for the master to take a report."""
OLD_S = 4.0
"""Two heartbeats: no state of a host that reports is so old."""


@pytest.fixture(scope="module")
def breakable(tmp_path_factory):
    """The directory of a private cluster of its own, because hosts of it are broken."""
    directory = tmp_path_factory.mktemp("lost") / "breakable"
    up(directory, heartbeat_s=2)
    yield directory
    down(directory)
    assert marked(directory) == []


@pytest.fixture
def cluster_to_break(breakable):
    """The cluster with all of its hosts: what a test has killed is started again for the next one."""
    cluster = PrivateCluster.of(up(breakable))
    yield cluster
    for environment in cluster.ask("env_list"):
        cluster.ask("env_destroy", id=environment["id"], force=True, allow_in_running_state=True)


def daemons_of(cluster, host):
    """The pids of a host's minion and agent: what carries the minion's configuration in its command."""
    sign = f"/{host}".encode()
    found = []
    for one in marked(cluster.directory):
        try:
            command = Path(f"/proc/{one.pid}/cmdline").read_bytes()
            environ = Path(f"/proc/{one.pid}/environ").read_bytes()
        except OSError:
            continue
        if sign in command and SIGN not in environ and b"minion" in command:
            found.append(one.pid)
    return found


def start(cluster, **variables):
    environment = cluster.ask("env_create", workflow="fairmq-ex-1-n-1", vars=variables)
    return cluster.ask("env_control", id=environment["id"], event="START_ACTIVITY")


def show(cluster, environment):
    return cluster.ask("env_show", id=environment["id"])


def all_running_elsewhere(cluster, environment, host):
    tasks = show(cluster, environment)["tasks"]
    return all(task["host"] != host and task["state"] == "RUNNING" for task in tasks) and tasks


def test_tasks_of_a_dead_host_run_elsewhere_and_the_others_never_stopped(cluster_to_break):
    cluster = cluster_to_break
    environment = start(cluster, processors=4)
    victim = next(t["host"] for t in environment["tasks"] if t["path"].endswith("processor1"))
    fixed = {
        t["id"]: t["pid"] for t in environment["tasks"] if t["host"] != victim and "processor" in t["path"]
    }
    kill(cluster.directory, only=[victim])
    for task in environment["tasks"]:
        if task["host"] == victim:
            os.kill(task["pid"], signal.SIGKILL)
    tasks = wait_until(
        lambda: all_running_elsewhere(cluster, environment, victim), "all tasks run on other hosts", 40
    )
    after = show(cluster, environment)
    assert (after["state"], after["run_number"]) == ("RUNNING", environment["run_number"])
    assert {t["id"]: t["pid"] for t in tasks if t["id"] in fixed} == fixed
    assert status_of(cluster, victim) == "LOST"


def status_of(cluster, host):
    return next(each["status"] for each in cluster.ask("host_list") if each["id"] == host)


def identities(environment):
    return {task["id"]: (task["host"], task["pid"]) for task in environment["tasks"]}


def test_no_task_is_started_twice_while_only_minion_and_agent_are_away(cluster_to_break):
    cluster = cluster_to_break
    environment = start(cluster, processors=4)
    victim = next(t["host"] for t in environment["tasks"] if t["path"].endswith("processor1"))
    frozen = daemons_of(cluster, victim)
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: status_of(cluster, victim) == "SILENT", "its silence is noticed", 40)
        seen = show(cluster, environment)
        assert seen["state"] == "RUNNING"
        for task in seen["tasks"]:
            there = task["host"] != victim
            assert (task["state"], task["last_state"]) == ("RUNNING" if there else "UNKNOWN", "RUNNING")
            assert (task["age_s"] < OLD_S) is there
        assert list(seen["unconfirmed"]) == [victim]
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    wait_until(lambda: status_of(cluster, victim) == "ACTIVE", "it is heard again", 40)
    after = show(cluster, environment)
    assert (after["state"], after["run_number"]) == ("RUNNING", environment["run_number"])
    assert identities(after) == identities(environment)
    told = [line["text"] for line in cluster.ask("env_history", id=environment["id"])]
    assert any(f"host {victim} is silent" in text for text in told)
    assert not any(f"host {victim} is lost" in text for text in told)


@pytest.mark.patient
def test_a_stopped_host_ends_its_stale_tasks_when_it_continues(cluster_to_break):
    cluster = cluster_to_break
    environment = start(cluster, processors=4)
    victim = next(t["host"] for t in environment["tasks"] if t["path"].endswith("processor1"))
    stale = [task["pid"] for task in environment["tasks"] if task["host"] == victim]
    frozen = [*daemons_of(cluster, victim), *stale]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: all_running_elsewhere(cluster, environment, victim), "tasks run elsewhere", 40)
        assert all(Path(f"/proc/{pid}").exists() for pid in stale)
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in stale), "stale tasks are ended", 40)
    assert show(cluster, environment)["state"] == "RUNNING"
    assert status_of(cluster, victim) == "ACTIVE"


@pytest.mark.patient
def test_a_master_that_was_stopped_for_a_while_receives_reports_again(cluster_to_break):
    cluster = cluster_to_break
    environment = start(cluster, processors=1)
    frozen = [one.pid for one in marked(cluster.directory) if one.pid not in _tasks_and_minions(cluster)]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(STANDSTILL_S)
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    stopped = cluster.ask("env_control", id=environment["id"], event="STOP_ACTIVITY", timeout_s=90)
    assert stopped["state"] == "CONFIGURED"
    assert [t["pid"] for t in stopped["tasks"]] == [t["pid"] for t in environment["tasks"]]


def _tasks_and_minions(cluster):
    found = {pid for host in cluster.minions for pid in daemons_of(cluster, host)}
    for one in marked(cluster.directory):
        try:
            if SIGN in Path(f"/proc/{one.pid}/environ").read_bytes():
                found.add(one.pid)
        except OSError:
            continue
    return found


def hosts(cluster):
    return {each["id"] for each in cluster.ask("host_list")}


def test_a_host_whose_key_is_deleted_is_removed(cluster_to_break, breakable):
    cluster = cluster_to_break
    wait_until(lambda: status_of(cluster, "flp3") == "ACTIVE", "the host is there", 40)
    with pytest.raises(O2Error, match="it is ACTIVE"):
        cluster.ask("host_forget", hosts=["flp3"])
    kill(cluster.directory, only=["flp3"])
    wait_until(lambda: status_of(cluster, "flp3") == "LOST", "its loss is noticed", 40)
    cluster.json("salt-run", "o2.host_forget", "flp3")
    assert hosts(cluster) == {"flp1", "flp2"}
    before = cluster.ask("info")["pid"]
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: info_of(cluster).get("pid", before) != before, "another control serves", 60)
    wait_until(lambda: hosts(cluster) >= {"flp1", "flp2"}, "the hosts have reported", 40)
    assert "flp3" not in hosts(cluster)
    (told,) = cluster.ask("env_history", id="hosts")
    assert told["text"] == "host flp3 is forgotten"
    assert told["cause"].startswith("asked by ")
    up(breakable)
    wait_until(lambda: "flp3" in hosts(cluster), "a host that reports again is known again", 60)


def info_of(cluster):
    try:
        return cluster.ask("info")
    except O2Error:
        return {}
