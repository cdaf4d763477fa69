"""Placement: where tasks go, which ports they get, and why they cannot."""

import pytest

from salt_o2.core.errors import PlanError
from salt_o2.core.ids import HostId
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.placement.scheduler import schedule
from tests.support.builders.inventories import cluster, facts, hold, hosts, request


def refusal(requests, inventory):
    with pytest.raises(PlanError) as caught:
        schedule(requests, inventory)
    return str(caught.value)


def test_equal_tasks_spread_evenly_over_equal_hosts():
    assert hosts([request()] * 6, cluster()) == ["flp1", "flp2", "flp3"] * 2


def test_a_larger_host_gets_more():
    inventory = cluster(1)
    inventory.add_host(HostId("big"), facts("big", cpus=12.0))
    found = hosts([request()] * 8, inventory)
    assert (found.count("big"), found.count("flp1")) == (6, 2)


def test_allocations_of_other_environments_count_as_load():
    inventory = cluster(2)
    hold(inventory, "flp1", cpu=2.0)
    assert hosts([request()], inventory) == ["flp2"]


def test_the_same_input_gives_the_same_plan():
    requests = [request(f"r{n}", cpu=n % 3 * 0.1, channels=n % 2, control=True) for n in range(50)]
    assert schedule(requests, cluster(7)) == schedule(requests, cluster(7))


def test_the_inventory_is_only_read():
    inventory = cluster()
    schedule([request(cpu=1, control=True, channels=3)] * 5, inventory)
    assert all(inventory.use_of(host).tasks == 0 for host in inventory.hosts)
    assert not inventory.is_taken("net1", 30000)


def test_all_constraints_have_to_be_met():
    inventory = Inventory()
    for name, attributes in {
        "a": {"type": "flp", "det": "ITS"},
        "b": {"type": "flp", "det": "TPC"},
        "c": {"type": "epn", "det": "TPC"},
    }.items():
        inventory.add_host(HostId(name), facts(name, attributes=attributes))
    assert hosts([request("r", "type=flp", "det=TPC")], inventory) == ["b"]
    assert hosts([request("r", "det=TPC", "type=flp")], inventory) == ["b"]


def test_a_constraint_is_met_by_a_member_of_a_list():
    inventory = cluster(2)
    inventory.add_host(HostId("both"), facts("both", attributes={"det": "ITS,TPC"}))
    assert hosts([request("r", "det=TPC")] * 2, inventory) == ["both"] * 2


@pytest.mark.parametrize("attribute", ["machine_id", "hostname"])
def test_a_task_can_be_pinned_to_a_host_by_its_name(attribute):
    assert hosts([request("r", f"{attribute}=flp2")], cluster()) == ["flp2"]


def test_tasks_with_less_choice_are_placed_first():
    inventory = cluster(2, cpus=1.0)
    assert hosts([request("any", cpu=1), request("pinned", "hostname=flp1", cpu=1)], inventory) == [
        "flp2",
        "flp1",
    ]


def test_static_ports_are_withheld_from_tasks_that_accept_any_port():
    inventory = cluster(1)
    dynamic, static = schedule([request("dynamic", channels=1), request("static", ports=[9000])], inventory)
    assert dynamic.channel_ports == (9001,)
    assert static.channel_ports == ()


def test_tasks_get_control_and_channel_ports_of_their_own():
    first, second = schedule([request(control=True, channels=2)] * 2, cluster(1))
    assert (first.control_port, first.channel_ports) == (30000, (9000, 9001))
    assert (second.control_port, second.channel_ports) == (30001, (9002, 9003))


def test_hosts_of_one_network_share_its_ports():
    inventory = Inventory()
    for name in ("a", "b"):
        inventory.add_host(HostId(name), facts("machine"))
    first, second = schedule([request(control=True)] * 2, inventory)
    assert (first.host, first.control_port) == ("a", 30000)
    assert (second.host, second.control_port) == ("b", 30001)


def test_ports_that_others_have_are_passed_over():
    inventory = cluster(1)
    hold(inventory, "flp1", ports=[30000, 9000])
    (found,) = schedule([request(control=True, channels=1)], inventory)
    assert (found.control_port, found.channel_ports) == (30001, (9001,))


def test_two_tasks_that_want_one_static_port_go_to_different_hosts():
    assert sorted(hosts([request("a", ports=[80]), request("b", ports=[80])], cluster(2))) == ["flp1", "flp2"]


def test_a_placement_without_hosts_is_refused_with_advice():
    assert "start the engine o2_agent on a minion" in refusal([request("root.x")], Inventory())


def test_a_constraint_that_no_host_meets_is_refused_with_the_existing_values():
    inventory = cluster(1, attributes={"type": "flp"})
    assert (
        refusal([request("root.x", "type=epn")], inventory)
        == "root.x: no host: none has type=epn; available: flp"
    )


def test_an_attribute_that_no_host_has_is_named():
    assert "none has colour=red; no host has that attribute at all" in refusal(
        [request("r", "colour=red")], cluster(1)
    )


def test_constraints_that_are_met_but_not_together_are_named():
    inventory = Inventory()
    inventory.add_host(HostId("a"), facts("a", attributes={"x": "1"}))
    inventory.add_host(HostId("b"), facts("b", attributes={"y": "1"}))
    assert "none has x=1 and y=1 at once" in refusal([request("r", "x=1", "y=1")], inventory)


def test_cpu_that_is_lacking_is_named_with_what_is_free():
    inventory = cluster(2)
    hold(inventory, "flp1", cpu=3.0)
    said = refusal([request("r", cpu=4.5)], inventory)
    assert "1 of 2 hosts: cpu 4.5 wanted, 1 of 4 free" in said
    assert "1 of 2 hosts: cpu 4.5 wanted, 4 of 4 free" in said


def test_memory_that_is_lacking_is_named():
    assert "memory 2000 MB wanted, 1000 of 1000 MB free" in refusal([request("r", memory=2000)], cluster(1))


def test_a_static_port_that_is_taken_is_named():
    inventory = cluster(1)
    hold(inventory, "flp1", ports=[80])
    said = refusal([request("r", ports=[80])], inventory)
    assert said == "r: no host: 1 of 1 hosts: port 80 of flp1 is taken by role p of environment OTHER"


def test_two_roles_of_a_workflow_with_one_static_port_are_both_named_with_the_host():
    said = refusal([request("root.a", ports=[80]), request("root.b", cpu=0.1, ports=[80])], cluster(1))
    assert said.count("root.a") == said.count("root.b") == 1
    assert "port 80 of flp1 is taken by role root." in said
    assert "of this workflow" in said


def test_the_holder_of_a_port_is_known_in_copies_and_gone_after_its_release():
    inventory = cluster(1)
    task = hold(inventory, "flp1", ports=[80])
    assert inventory.for_planning().holder_of("net1", 80) == "role p of environment OTHER"
    inventory.release_tasks("OTHER", [task.id])
    assert inventory.holder_of("net1", 80) == ""


def test_a_range_of_ports_that_is_used_up_is_named():
    inventory = cluster(1, control_ports=(30000, 30001))
    assert "no control port left in 30000-30001 on net1" in refusal(
        [request("r", control=True)] * 3, inventory
    )


def test_every_role_that_cannot_be_placed_is_named_and_long_lists_are_counted():
    inventory = cluster(1, cpus=2.0)
    said = refusal([request(f"r{n}", cpu=1) for n in range(12)] + [request("y", "a=b")], inventory)
    assert "r2, r3, r4, r5, r6 and 5 more roles: no host: 1 of 1 hosts: cpu 1 wanted, 0 of 2 free" in said
    assert "y: no host: none has a=b" in said


def test_fractions_of_cores_add_up_exactly():
    assert len(schedule([request(cpu=0.1)] * 40, cluster(1))) == 40
