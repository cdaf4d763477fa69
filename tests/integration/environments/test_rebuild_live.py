"""Control's store is lost while a run goes on: nothing is ended, and the environment is made known again."""

import os
import signal
from pathlib import Path

import pytest

from salt_o2.cluster.faults.components import control_pid
from tests.support.clusters.environment_queries import identities, states
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]


def database(workshop):
    return workshop.cluster.directory / "master" / "o2.sqlite"


def restart_with(workshop, damage):
    """Kill control, damage its store, and wait for the next one."""
    before = control_pid(workshop.cluster.directory)
    supervisor = parent_of(before)
    os.kill(supervisor, signal.SIGSTOP)  # so that it is not started again before the damage is done
    try:
        os.kill(before, signal.SIGKILL)
        damage(database(workshop))
    finally:
        os.kill(supervisor, signal.SIGCONT)
    wait_until(
        lambda: control_pid(workshop.cluster.directory) not in (None, before), "there is another control", 60
    )
    wait_until(
        lambda: (
            {h["id"] for h in workshop.cluster.ask("host_list") if h["cpus"]} == set(workshop.cluster.minions)
        ),
        "all hosts have reported their tasks",
        60,
    )


def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def remove(file):
    for ending in ("", "-wal", "-shm"):
        file.with_name(file.name + ending).unlink(missing_ok=True)


def overwrite(file):
    remove(file)
    file.write_bytes(b"no database " * 1000)


@pytest.mark.parametrize("damage", [remove, overwrite], ids=["lost", "damaged"])
def test_a_run_outlives_the_loss_of_the_store(workshop, damage):
    running = workshop.control(workshop.create("fairmq-ex-1-n-1", processors=2), "START_ACTIVITY")
    restart_with(workshop, damage)
    assert workshop.cluster.ask("env_list") == []
    for task in running["tasks"]:
        os.kill(task["pid"], 0)
    told = workshop.cluster.json("salt-run", "o2.rebuild")
    assert [each["id"] for each in told["rebuilt"]] == [running["id"]]
    wait_until(
        lambda: set(states(workshop.show(running)).values()) == {"RUNNING"}, "all tasks are known again", 30
    )
    after = workshop.show(running)
    assert (after["state"], after["run_number"]) == ("RUNNING", running["run_number"])
    assert identities(after) == identities(running)
    stopped = workshop.control(running, "STOP_ACTIVITY")
    assert stopped["state"] == "CONFIGURED"
    again = workshop.control(running, "START_ACTIVITY")
    assert again["run_number"] > running["run_number"]
    workshop.destroy(running)
    assert workshop.processes() == set()


def test_unrecognised_tasks_can_be_stopped(workshop):
    running = workshop.create("fairmq-ex-copypush")
    restart_with(workshop, remove)
    told = workshop.cluster.ask("rebuild", id=running["id"], end=True)
    assert told["ended"] == [running["id"]]
    wait_until(lambda: workshop.processes() == set(), "its tasks are ended")
