"""`salt '*' o2.audit` on a real cluster: nothing is left after environments have ended, however they did."""

import os
import signal

import pytest

from salt_o2.cluster.faults.components import agent_pid
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration


def audits(workshop):
    return workshop.cluster.json("salt", "--static", "*", "o2.audit")


def left(workshop):
    """What is left on any host; shared memory aside, which other programs of the machine may have."""
    found = audits(workshop)
    assert set(found) == set(workshop.cluster.minions)
    kinds = ("processes", "sockets")
    return {
        host: what for host, told in found.items() if (what := [told[kind] for kind in kinds if told[kind]])
    }


def test_no_process_of_an_ended_environment_is_left(workshop):
    environment = workshop.control(workshop.create("fairmq-ex-1-n-1", processors=3), "START_ACTIVITY")
    found = audits(workshop)
    assert sum(told["tasks"] for told in found.values()) == 5
    assert all(told["agent"] and not told["processes"] for told in found.values())
    workshop.destroy(environment)
    assert left(workshop) == {}


def test_no_process_of_a_failed_creation_is_left(workshop):
    workshop.task("good", "o2-device", "sink")
    workshop.task("bad", "no-such-program-anywhere")
    workshop.workflow("broken", "good", "bad")
    workshop.refused("broken")
    assert left(workshop) == {}


def test_no_process_is_left_when_the_agent_was_killed_before_the_end(workshop):
    environment = workshop.control(workshop.create("fairmq-ex-1-n-1", processors=3), "START_ACTIVITY")
    host = environment["tasks"][0]["host"]
    before = agent_pid(workshop.cluster.directory, host)
    os.kill(before, signal.SIGKILL)
    workshop.destroy(environment)
    wait_until(
        lambda: agent_pid(workshop.cluster.directory, host) not in (None, before), "Salt starts another", 60
    )
    wait_until(lambda: left(workshop) == {}, "nothing is left", timeout_s=60)
