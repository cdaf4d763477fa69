"""A host is taken out of service on a real cluster, while a run lasts on it, and comes back.

The proof: process ids, hosts, the run's number, and the answers of coconut and of the Salt runner.
"""

import pytest

from tests.support.clusters.environment_queries import states, task_at
from tests.support.clusters.killed_control import kill_control
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


@pytest.fixture
def stage(workshop):
    """A processor that permits a restart in a run, and a reader that does not; no cordon afterwards."""
    workshop.task("worker", "o2-device", "sink")
    workshop.task("reader", "o2-device", "sink")
    workshop.workflow(
        "serviced",
        roles=[
            {"name": "worker", "task": {"load": "worker"}},
            {"name": "reader", "vars": {"recovery": "fail"}, "task": {"load": "reader"}},
        ],
    )
    yield workshop
    workshop.cluster.ask("host_uncordon", hosts=list(workshop.cluster.minions))


def on_one_host(stage):
    """Return a RUNNING environment whose tasks are on one host, and that host."""
    first, *others = stage.cluster.minions
    stage.cluster.ask("host_cordon", hosts=others)
    environment = stage.create("serviced")
    stage.cluster.ask("host_uncordon", hosts=others)
    assert {task["host"] for task in environment["tasks"]} == {first}
    return stage.control(environment, "START_ACTIVITY"), first


def host_row(stage, host):
    return next(row for row in stage.cluster.json("coconut", "host", "list") if row["id"] == host)


def test_a_host_is_drained_in_a_run_maintained_and_used_again(stage):
    running, host = on_one_host(stage)
    reader, worker = task_at(running, "reader"), task_at(running, "worker")

    done = stage.cluster.run("coconut", "host", "drain", host, "--reason", "replace a fan")
    assert done.returncode == 0, done.stderr
    assert f"{host} is ACTIVE, draining (1 left)" in done.stdout
    assert f"run {running['run_number']}" in done.stdout
    assert "serviced.reader): they leave after the run" in done.stdout
    after = stage.show(running)
    assert task_at(after, "reader")["pid"] == reader["pid"]
    assert task_at(after, "worker")["host"] != host
    assert task_at(after, "worker")["id"] != worker["id"]
    assert set(states(after).values()) == {"RUNNING"}
    assert after["run_number"] == running["run_number"]

    shown = stage.cluster.run("coconut", "host", "show", host).stdout
    assert "replace a fan" in shown
    assert "they leave after the run" in shown
    assert f"{host} is drained by" in stage.cluster.run("coconut", "info").stdout
    doctor = stage.cluster.run("coconut", "doctor", "-c", str(stage.cluster.config_dir)).stdout
    assert f"[WARN] cordoned hosts: {host} is drained by" in doctor

    stage.control(running, "STOP_ACTIVITY")
    wait_until(lambda: host_row(stage, host)["cordon"]["drained"], "the last task has left the host")
    moved = stage.show(running)
    assert {task["host"] for task in moved["tasks"]}.isdisjoint({host})
    assert set(states(moved).values()) == {"CONFIGURED"}
    assert stage.cluster.run("coconut", "host", "drain", host, "--wait", "30").returncode == 0

    refused = stage.cluster.run("coconut", "env", "modify", moved["id"], "--move", f"serviced.worker={host}")
    assert refused.returncode == 1
    assert f"{host} is drained by" in refused.stderr
    told = stage.cluster.json("salt-run", "o2.host_uncordon", host)
    assert (told[0]["cordon"], told[0]["outcome"]) == (None, "new tasks may be placed there")
    back = stage.cluster.ask("env_modify", id=moved["id"], move={"serviced.worker": host})
    assert task_at(back, "worker")["host"] == host

    history = stage.cluster.run("coconut", "env", "history", "hosts").stdout
    assert f"host {host} is drained: its tasks are moved to other hosts" in history
    assert "(replace a fan)" in history


def test_a_drain_continues_after_a_restart_of_control(stage):
    running, host = on_one_host(stage)
    (told,) = stage.cluster.json("salt-run", "o2.host_drain", host, "reason=fan", "after_runs=True")
    assert (told["cordon"]["drained"], told["cordon"]["left"][0]["tasks"]) == (False, 2)
    kill_control(stage)
    wait_until(lambda: host_row(stage, host)["status"] == "ACTIVE", "control knows the host again")
    assert host_row(stage, host)["cordon"]["reason"] == "fan"
    wait_until(
        lambda: set(states(stage.show(running)).values()) == {"RUNNING"}, "all tasks have reported again"
    )
    stage.control(running, "STOP_ACTIVITY")
    wait_until(lambda: host_row(stage, host)["cordon"]["drained"], "the tasks have left the host")
