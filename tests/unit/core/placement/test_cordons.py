"""Cordoned hosts get no new task, and the reason is named where a role finds no host."""

import pytest

from salt_o2.core.errors import PlanError
from salt_o2.core.placement.cordon import Cordon, describe_cordon, describe_cordons
from salt_o2.core.placement.scheduler import schedule
from tests.support.builders.inventories import cluster, hold, hosts, request

FAN = Cordon(since=1.0, user="ana", reason="fan")


def test_a_cordoned_host_gets_no_task():
    inventory = cluster(3)
    inventory.cordons["flp2"] = FAN
    assert set(hosts([request(f"r{number}") for number in range(6)], inventory)) == {"flp1", "flp3"}


def test_after_the_cordon_the_host_gets_tasks_again():
    inventory = cluster(1)
    inventory.cordons["flp1"] = FAN
    del inventory.cordons["flp1"]
    assert hosts([request()], inventory) == ["flp1"]


def test_a_role_that_is_bound_to_a_cordoned_host_is_refused_with_user_and_reason():
    inventory = cluster(2)
    inventory.cordons["flp2"] = FAN
    with pytest.raises(PlanError, match=r"flp2 is cordoned by ana \(fan\): no new task") as told:
        schedule([request("root.readout", "hostname=flp2")], inventory)
    assert "root.readout" in str(told.value)
    assert "flp1" not in str(told.value)


def test_a_role_without_room_on_the_other_hosts_names_the_cordoned_ones():
    inventory = cluster(2)
    inventory.cordons["flp2"] = FAN
    with pytest.raises(PlanError, match=r"1 of 1 hosts: cpu 5 wanted.*flp2 is cordoned by ana"):
        schedule([request(cpu=5)], inventory)


def test_a_task_that_needs_other_ports_stays_on_its_cordoned_host():
    inventory = cluster(2)
    task = hold(inventory, "flp1")
    inventory.cordons["flp1"] = FAN
    again = request("p", "hostname=flp1", control=True, before=task)
    assert hosts([again], inventory) == ["flp1"]


def test_a_copy_for_a_plan_keeps_its_cordons():
    inventory = cluster(2)
    inventory.cordons["flp1"] = FAN
    copy = inventory.for_planning()
    inventory.cordons.clear()
    assert set(copy.accepting()) == {"flp2"}
    assert set(inventory.accepting()) == {"flp1", "flp2"}


def test_a_silent_host_accepts_no_task_with_or_without_a_cordon():
    inventory = cluster(2)
    inventory.remove_host("flp1")
    inventory.cordons["flp2"] = FAN
    assert inventory.accepting() == {}


@pytest.mark.parametrize(
    ("cordon", "text"),
    [
        (FAN, "flp1 is cordoned by ana (fan)"),
        (Cordon(since=1.0, user="ana"), "flp1 is cordoned by ana"),
        (Cordon(since=1.0, reason="fan", drain=True), "flp1 is drained by a rule (fan)"),
    ],
)
def test_a_cordon_is_described_by_user_and_reason(cordon, text):
    assert describe_cordon("flp1", cordon) == text


def test_only_some_of_many_cordons_are_described():
    told = describe_cordons({f"flp{number}": FAN for number in range(1, 9)})
    assert told.count("is cordoned by ana") == 5
    assert "3 more hosts are cordoned" in told
    assert describe_cordons({}) == ""
