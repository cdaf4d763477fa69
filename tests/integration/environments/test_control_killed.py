"""Control is killed, at rest and in the middle of things; no process is touched, and all goes on."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from salt_o2.core.errors import O2Error
from tests.support.clusters.environment_queries import identities, states, task_at, total_at
from tests.support.clusters.killed_control import kill_control
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration


def all_run(workshop, environment):
    return set(states(workshop.show(environment)).values()) == {"RUNNING"}


def test_a_run_continues_when_control_is_killed_and_can_be_stopped_afterwards(workshop):
    running = workshop.control(workshop.create("fairmq-ex-1-n-1", processors=2), "START_ACTIVITY")
    sink = task_at(running, "sink")
    kill_control(workshop)
    wait_until(lambda: all_run(workshop, running), "all tasks are known again")
    # Control may be killed before it has written that the transition has ended; the next one finishes it.
    wait_until(lambda: workshop.show(running)["state"] == "RUNNING", "the environment is in its run")
    after = workshop.show(running)
    assert after["run_number"] == running["run_number"]
    assert identities(after) == identities(running)
    total, _ = total_at(workshop, sink)
    wait_until(lambda: total_at(workshop, sink)[0] > total, "the sink goes on counting")
    assert total_at(workshop, sink)[1] == 0
    assert workshop.control(running, "STOP_ACTIVITY")["state"] == "CONFIGURED"
    again = workshop.control(running, "START_ACTIVITY")
    assert again["run_number"] > running["run_number"]
    assert identities(again) == identities(running)


def test_a_change_works_after_control_was_killed(workshop):
    running = workshop.control(workshop.create("fairmq-ex-1-n-1", processors=2), "START_ACTIVITY")
    role = "diamond.processors.processor0"
    workshop.cluster.ask("env_modify", id=running["id"], exclude=[role])
    kill_control(workshop)
    wait_until(lambda: task_at(workshop.show(running), "sink")["pid"], "the tasks are known again")
    assert workshop.show(running)["excluded"] == {role: "excluded on request"}
    back = workshop.cluster.ask("env_modify", id=running["id"], include=[role])
    assert (set(states(back).values()), identities(back)) == ({"RUNNING"}, identities(running))
    assert back["run_number"] == running["run_number"]


def test_the_history_spans_a_restart_of_control_and_can_be_replayed(workshop):
    running = workshop.control(workshop.create("fairmq-ex-copypush"), "START_ACTIVITY")
    kill_control(workshop)
    wait_until(
        lambda: set(states(workshop.show(running)).values()) == {"RUNNING"}, "all tasks are known again"
    )
    told = [line["kind"] for line in workshop.cluster.ask("env_history", id=running["id"])]
    assert "Restarted" in told
    again = workshop.cluster.ask("env_replay", id=running["id"])
    assert (again["state"], again["run_number"]) == ("RUNNING", running["run_number"])
    assert states(again) == states(workshop.show(running))


def test_a_change_that_was_interrupted_by_a_kill_of_control_is_resumed(workshop):
    workshop.task("device", "sleep 1; exec o2-device", "sampler", command={"shell": True})
    worker = {
        "name": "worker{{ it }}",
        "for": {"begin": 0, "end": "{{ Atoi(workers) - 1 }}", "var": "it"},
        "task": {"load": "device"},
    }
    workshop.write("workflows", "farm", roles=[worker], defaults={"workers": "1"})
    running = workshop.control(workshop.create("farm"), "START_ACTIVITY")
    with ThreadPoolExecutor(1) as pool:
        change = pool.submit(_modify, workshop, running["id"], scale={"worker": 3})
        wait_until(lambda: workshop.show(running)["transition"] == "MODIFY", "the change is under way")
        kill_control(workshop)
        change.result()
    wait_until(lambda: workshop.show(running)["transition"] is None, "the change is over")
    after = workshop.show(running)
    assert (after["state"], after["run_number"]) == ("RUNNING", running["run_number"])
    assert list(states(after).values()) == ["RUNNING"] * 3
    assert identities(after)["worker0"] == identities(running)["worker0"]


def _modify(workshop, id, **changes):
    try:
        workshop.cluster.ask("env_modify", id=id, timeout_s=5, **changes)
    except O2Error as error:
        return error
