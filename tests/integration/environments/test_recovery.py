"""Processes die in a run, and the run goes on."""

import os
import signal

import pytest

from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
def running(workshop):
    """The diamond with two processors, in a run."""
    return workshop.control(workshop.create("fairmq-ex-1-n-1", processors=2), "START_ACTIVITY")


def find(environment, path):
    return next(task for task in environment["tasks"] if task["path"].endswith(path))


def back(workshop, environment, before):
    """Wait until the task runs again as another process; return it."""

    def changed():
        task = find(workshop.show(environment), before["path"])
        return task if task["state"] == "RUNNING" and task["pid"] not in (None, before["pid"]) else None

    return wait_until(changed, f"{before['path']} is back")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV], ids=["killed", "crashed"])
def test_a_process_that_dies_is_replaced_and_no_other_task_is_affected(workshop, running, number):
    victim = find(running, "processor1")
    os.kill(victim["pid"], number)
    again = back(workshop, running, victim)
    assert (again["host"], again["control_port"]) == (victim["host"], victim["control_port"])
    after = workshop.show(running)
    assert (after["state"], after["run_number"]) == ("RUNNING", running["run_number"])
    others = {t["id"]: (t["pid"], t["started"]) for t in running["tasks"] if t["id"] != victim["id"]}
    assert {t["id"]: (t["pid"], t["started"]) for t in after["tasks"] if t["id"] in others} == others


def test_every_process_may_die_at_once(workshop, running):
    for task in running["tasks"]:
        os.kill(task["pid"], signal.SIGKILL)
    for task in running["tasks"]:
        back(workshop, running, task)
    assert workshop.show(running)["run_number"] == running["run_number"]


def test_a_process_that_another_program_stopped_is_restarted_too(workshop, running):
    victim = find(running, ".sink")
    os.kill(victim["pid"], signal.SIGTERM)
    back(workshop, running, victim)


def test_a_task_that_dies_too_often_is_not_restarted(workshop):
    environment = workshop.create("fairmq-ex-1-n-1", processors=1, recovery_restarts=1)
    environment = workshop.control(environment, "START_ACTIVITY")
    sink = find(environment, ".sink")
    os.kill(sink["pid"], signal.SIGKILL)
    sink = back(workshop, environment, sink)
    os.kill(sink["pid"], signal.SIGKILL)
    wait_until(lambda: workshop.show(environment)["state"] == "ERROR", "the environment is in ERROR")
    assert "restarted 1 times in 30 minutes" in workshop.show(environment)["error"]


def test_with_the_policy_stop_a_dead_task_stops_the_run_in_order(workshop):
    environment = workshop.create("fairmq-ex-1-n-1", processors=2, recovery="stop")
    environment = workshop.control(environment, "START_ACTIVITY")
    os.kill(find(environment, "processor0")["pid"], signal.SIGKILL)
    wait_until(lambda: workshop.show(environment)["state"] == "CONFIGURED", "the run is stopped")


def test_the_run_continues_without_a_task_whose_policy_is_ignore_on_a_cluster(workshop):
    environment = workshop.create("fairmq-ex-1-n-1", processors=2, recovery="ignore")
    environment = workshop.control(environment, "START_ACTIVITY")
    victim = find(environment, "processor0")
    os.kill(victim["pid"], signal.SIGKILL)
    wait_until(lambda: workshop.show(environment)["lost"] == 1, "the loss is noted")
    assert workshop.show(environment)["state"] == "RUNNING"
    assert find(workshop.show(environment), "processor0")["pid"] is None


def test_a_user_restarts_a_task_by_salt_run_o2_task_recover(workshop):
    environment = workshop.create("fairmq-ex-1-n-1", processors=1, recovery="ignore")
    environment = workshop.control(environment, "START_ACTIVITY")
    victim = find(environment, "processor0")
    os.kill(victim["pid"], signal.SIGKILL)
    wait_until(lambda: workshop.show(environment)["lost"] == 1, "the loss is noted")
    done = workshop.cluster.run("salt-run", "o2.task_recover", victim["id"])
    assert done.returncode == 0, done.stdout
    back(workshop, environment, victim)
    assert workshop.show(environment)["lost"] == 0
