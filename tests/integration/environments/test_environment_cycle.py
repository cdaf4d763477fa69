"""Environments on a real cluster: real daemons, real processes, messages that arrive."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration


def task_of(environment, path_end):
    return next(task for task in environment["tasks"] if task["path"].endswith(path_end))


def total_at(workshop, task):
    totals = re.findall(r"total: (\d+) missing: (\d+)", workshop.log(task))
    return (int(totals[-1][0]), int(totals[-1][1])) if totals else (0, 0)


def test_the_diamond_runs_and_every_message_passes_through_a_processor_to_the_sink(workshop):
    environment = workshop.create("fairmq-ex-1-n-1", processors=4)
    assert environment["state"] == "CONFIGURED"
    running = workshop.control(environment, "START_ACTIVITY")
    assert (running["state"], running["run_number"] > 0) == ("RUNNING", True)
    sink = task_of(running, ".sink")
    wait_until(lambda: total_at(workshop, sink)[0] > 50, "fifty messages at the sink")
    assert total_at(workshop, sink)[1] == 0, "messages are missing"
    assert {task["state"] for task in workshop.show(environment)["tasks"]} == {"RUNNING"}
    assert workshop.control(environment, "STOP_ACTIVITY")["run_number"] is None
    assert workshop.control(environment, "RESET")["state"] == "DEPLOYED"
    done = workshop.cluster.ask("env_destroy", id=environment["id"])
    assert done["state"] == "DONE"
    assert not any(Path(f"/proc/{task['pid']}").exists() for task in running["tasks"])


def test_an_environment_spreads_over_all_hosts(workshop):
    environment = workshop.create("fairmq-ex-1-n-1", processors=4)
    assert set(environment["hosts"]) == set(workshop.cluster.minions)


def test_a_second_run_has_a_higher_number_and_the_same_processes(workshop):
    environment = workshop.create("fairmq-ex-copypush")
    first = workshop.control(environment, "START_ACTIVITY")
    workshop.control(environment, "STOP_ACTIVITY")
    second = workshop.control(environment, "START_ACTIVITY")
    assert second["run_number"] > first["run_number"]
    assert [task["pid"] for task in second["tasks"]] == [task["pid"] for task in first["tasks"]]


def test_copypush_gives_every_sink_a_copy(workshop):
    environment = workshop.create("fairmq-ex-copypush")
    running = workshop.control(environment, "START_ACTIVITY")
    sinks = [task for task in running["tasks"] if ".sink" in task["path"]]
    assert len(sinks) == 4
    for sink in sinks:
        wait_until(lambda sink=sink: total_at(workshop, sink)[0] > 5, f"messages at {sink['path']}")


def test_the_twenty_tasks_of_quality_control_pass_data_to_their_last_one(workshop):
    environment = workshop.create("qc-advanced-root")
    assert len(environment["tasks"]) == 20
    running = workshop.control(environment, "START_ACTIVITY")
    last = task_of(running, "dpl-global-binary-file-sink")
    wait_until(lambda: total_at(workshop, last)[0] > 5, "messages at the last task")


def test_devices_can_be_controlled_by_protobuf_as_well(workshop):
    environment = workshop.create("fairmq-ex-1-n-1", processors=1, fmq_plugin="OCC")
    assert workshop.control(environment, "START_ACTIVITY")["state"] == "RUNNING"


def test_two_environments_run_at_the_same_time(workshop):
    one, other = workshop.create("fairmq-ex-1-n-1", processors=1), workshop.create("fairmq-ex-copypush")
    workshop.control(one, "START_ACTIVITY")
    workshop.destroy(one)
    assert workshop.show(other)["state"] == "CONFIGURED"
    assert workshop.show(one)["state"] == "DONE"


def test_a_basic_task_runs_only_during_the_run(workshop):
    workshop.task("clock", "sleep", "1000", mode="basic")
    environment = workshop.create(workshop.workflow("clockwork", "clock"))
    assert task_of(environment, "role0")["pid"] is None
    pid = task_of(workshop.control(environment, "START_ACTIVITY"), "role0")["pid"]
    assert Path(f"/proc/{pid}").exists()
    workshop.control(environment, "STOP_ACTIVITY")
    assert not Path(f"/proc/{pid}").exists()


def test_with_the_policy_fail_a_dead_task_is_an_error_and_recover_restarts_the_task(workshop):
    environment = workshop.create("fairmq-ex-1-n-1", processors=2, recovery="fail")
    environment = workshop.control(environment, "START_ACTIVITY")
    sink = task_of(environment, ".sink")
    os.kill(sink["pid"], 9)
    wait_until(lambda: workshop.show(environment)["state"] == "ERROR", "the environment is in ERROR")
    broken = workshop.show(environment)
    assert "diamond.sink" in broken["error"]
    assert "killed by signal 9" in broken["error"]
    others = [task for task in broken["tasks"] if task["id"] != sink["id"]]
    wait_until(
        lambda: (
            {t["state"] for t in workshop.show(environment)["tasks"] if t["id"] != sink["id"]}
            == {"CONFIGURED"}
        ),
        "the others are stopped",
    )
    recovered = workshop.control(environment, "RECOVER")
    assert (recovered["state"], recovered["error"]) == ("CONFIGURED", None)
    assert task_of(recovered, ".sink")["pid"] not in (None, sink["pid"])
    unchanged = [task_of(recovered, task["path"])["pid"] == task["pid"] for task in others]
    assert all(unchanged)
    assert workshop.control(environment, "START_ACTIVITY")["state"] == "RUNNING"


@pytest.mark.finding("1.13")
def test_an_event_of_a_minion_stops_no_run(workshop):
    environment = workshop.control(workshop.create("fairmq-ex-copypush"), "START_ACTIVITY")
    workshop.cluster.json("salt-call", "event.send", "salt/o2/beam/dump", '{"reason": "forged"}')
    forged = json.dumps({"environment": environment["id"], "task": environment["tasks"][0]["id"]})
    tag = f"salt/o2/{environment['id']}/task/{environment['tasks'][0]['id']}/ERROR"
    workshop.cluster.json("salt-call", "event.send", tag, forged)
    after = workshop.show(environment)
    assert (after["state"], after["run_number"]) == ("RUNNING", environment["run_number"])
    assert [task["pid"] for task in after["tasks"]] == [task["pid"] for task in environment["tasks"]]
