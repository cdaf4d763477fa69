"""Plain programs that fail in a run, on real daemons: no failure is taken for an end of the data."""

import os
import signal

import pytest

from tests.support.waiting import wait_until


def programs(workshop, environment):
    return {task["path"].rpartition(".")[2]: task for task in workshop.show(environment)["tasks"]}


def told(workshop, environment):
    return [line["text"] for line in workshop.cluster.ask("env_history", id=environment["id"])]


@pytest.fixture
def watched(workshop):
    """Two devices in RUNNING and a plain program that is not critical; ``keys`` are those of its role."""

    def make(recovery="fail", **keys):
        workshop.task("helper", "sleep", "1000", mode="basic")
        role = {
            "name": "helper",
            "vars": {"recovery": recovery},
            "task": {"load": "helper", "critical": False, **keys},
        }
        workshop.write("workflows", "watched", roles=[*workshop.witness(rate=100), role])
        environment = workshop.create("watched")
        workshop.control(environment, "START_ACTIVITY")
        return environment

    return make


def kill_helper(workshop, environment):
    helper = programs(workshop, environment)["helper"]
    os.kill(helper["pid"], signal.SIGKILL)
    return helper


def test_a_killed_program_beside_two_devices_ends_no_run(workshop, watched):
    environment = watched()
    number = workshop.show(environment)["run_number"]
    kill_helper(workshop, environment)
    wait_until(lambda: programs(workshop, environment)["helper"]["lost"], "the failure is known")
    assert "signal 9" in programs(workshop, environment)["helper"]["error"]
    shown = workshop.show(environment)
    assert (shown["state"], shown["run_number"], shown["transition"]) == ("RUNNING", number, None)
    assert not any("end of data" in text for text in told(workshop, environment))


def test_a_killed_program_is_restarted_and_the_run_continues(workshop, watched):
    environment = watched("restart")
    before = kill_helper(workshop, environment)

    def is_back():
        helper = programs(workshop, environment)["helper"]
        return helper["state"] == "RUNNING" and helper["pid"] not in (None, before["pid"])

    wait_until(is_back, "the program was started again")
    assert workshop.show(environment)["state"] == "RUNNING"
    assert not any("STOP_ACTIVITY" in text for text in told(workshop, environment))


@pytest.mark.parametrize("recovery", ["fail", "ignore"])
def test_exit_7_of_the_only_program_is_an_error(workshop, recovery):
    workshop.task("only", "sleep 0.5; exit 7", mode="basic", command={"shell": True})
    role = {"name": "only", "vars": {"recovery": recovery}, "task": {"load": "only"}}
    workshop.write("workflows", "alone", roles=[role])
    environment = workshop.create("alone")
    workshop.control(environment, "START_ACTIVITY")
    wait_until(lambda: workshop.show(environment)["state"] != "RUNNING", "the run has ended")
    shown = workshop.show(environment)
    assert shown["state"] == "ERROR"
    assert "exit code 7" in shown["error"]
    assert not any("end of data" in text for text in told(workshop, environment))


def test_a_program_that_is_not_critical_ends_the_data_if_its_role_says_so(workshop):
    workshop.task("player", "sleep", "0.5", mode="basic")
    role = {"name": "player", "task": {"load": "player", "critical": False, "ends_data": True}}
    workshop.write("workflows", "played", roles=[*workshop.witness(rate=100), role])
    environment = workshop.create("played")
    workshop.control(environment, "START_ACTIVITY")
    wait_until(lambda: workshop.show(environment)["state"] == "CONFIGURED", "the run has ended with its data")
    assert any("end of data" in text for text in told(workshop, environment))


def test_the_record_of_a_failed_run_has_its_end_state_and_reason(workshop):
    workshop.task("only", "sleep 0.3; exit 7", mode="basic", command={"shell": True})
    role = {"name": "only", "vars": {"recovery": "stop"}, "task": {"load": "only"}}
    workshop.write("workflows", "stopped", roles=[role])
    environment = workshop.create("stopped")
    number = workshop.control(environment, "START_ACTIVITY")["run_number"]
    wait_until(lambda: workshop.show(environment)["state"] != "RUNNING", "the run has ended")
    shown = workshop.cluster.ask("run_show", number=number)
    assert "exit code 7" in shown["end_reason"]
