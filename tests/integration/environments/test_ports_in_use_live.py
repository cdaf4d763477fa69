"""A program of another owner has ports of a host's range: on real hosts, before a creation and in a run."""

import os
import signal
import socket
from contextlib import ExitStack

import pytest

from salt_o2.linux import procfs
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration


def take(ports, held):
    """Listen at each of ``ports``, as a program would that has nothing to do with us."""
    for port in ports:
        thief = held.enter_context(socket.socket())
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("", port))
        thief.listen()


def take_at_once(port, held):
    """Take ``port`` in the moment in which the process that has it ends."""
    thief = held.enter_context(socket.socket())
    thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

    def taken():
        try:
            thief.bind(("", port))
            thief.listen()
        except OSError:
            return False
        return True

    while not taken():
        pass


def find(environment, path):
    return next(task for task in environment["tasks"] if task["path"].endswith(path))


def control_ports(environment):
    return {task["control_port"] for task in environment["tasks"]}


def test_a_thief_of_the_first_ports_hinders_no_creation(workshop):
    first = workshop.create("fairmq-ex-1-n-1", processors=2)
    workshop.destroy(first)
    with ExitStack() as held:
        stolen = control_ports(first)
        take(stolen, held)
        second = workshop.create("fairmq-ex-1-n-1", processors=2)
        assert second["state"] == "CONFIGURED"
        assert not control_ports(second) & stolen
        assert [one["id"] for one in workshop.cluster.ask("env_list")] == [second["id"]]
        third = workshop.create("fairmq-ex-1-n-1", processors=2)
        assert not control_ports(third) & (stolen | control_ports(second))


@pytest.mark.parametrize("kind", ["control", "channel"])
def test_a_port_that_is_stolen_in_a_run_is_replaced_and_no_restart_is_used_up(workshop, kind):
    environment = workshop.create("fairmq-ex-1-n-1", processors=2, recovery_restarts=1)
    environment = workshop.control(environment, "START_ACTIVITY")
    sink, victim = find(environment, ".sink"), find(environment, ".processor0")
    task = victim if kind == "control" else find(environment, ".sampler")
    port = task["control_port"] if kind == "control" else bound_port(task)
    with ExitStack() as held:
        os.kill(task["pid"], signal.SIGKILL)
        take_at_once(port, held)
        again = wait_until(lambda: running_anew(workshop, environment, task), f"{task['path']} runs again")
        assert again["host"] == task["host"]
        assert (again["control_port"] != port) or kind == "channel"
        after = wait_until(lambda: all_run(workshop, environment), "all tasks run")
        assert (after["state"], after["run_number"]) == ("RUNNING", environment["run_number"])
        seen = find(after, ".sink")
        assert (seen["id"], seen["pid"]) == (sink["id"], sink["pid"])
        os.kill(again["pid"], signal.SIGKILL)  # its one restart is still there
        wait_until(lambda: running_anew(workshop, environment, again), "it is restarted as it may be")


def bound_port(task):
    """Return a port at which the task listens beside its control port."""
    return next(port for port in procfs.ports_of(task["pid"]) if port != task["control_port"])


def running_anew(workshop, environment, before):
    task = find(workshop.show(environment), before["path"])
    return task if task["state"] == "RUNNING" and task["pid"] not in (None, before["pid"]) else None


def all_run(workshop, environment):
    shown = workshop.show(environment)
    run = all(task["state"] == "RUNNING" for task in shown["tasks"])
    return shown if run and shown["transition"] is None else None
