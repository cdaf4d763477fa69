"""Properties of placement: no task gets more than its host has, and none is refused what a host has."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.core.errors import PlanError
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.placement.constraints import Constraint, ResourceDemand, attributes_of, values_of
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.placement.requests import PlacementRequest
from salt_o2.core.placement.scheduler import schedule
from salt_o2.core.plan.launch import Launch
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.states import ControlMode

host_facts = st.builds(
    HostFacts,
    address=st.just("10.0.0.1"),
    network=st.sampled_from(["n1", "n2", "n3"]),
    cpus=st.sampled_from([1.0, 2.0, 8.0]),
    memory_mb=st.sampled_from([100.0, 1000.0]),
    attributes=st.dictionaries(st.sampled_from("ab"), st.sampled_from(["x", "y", "x,y"])),
    control_ports=st.just((100, 109)),
    channel_ports=st.just((200, 219)),
)
clusters = st.lists(host_facts, min_size=1, max_size=5)
constraints = st.builds(Constraint, st.sampled_from("ab"), st.sampled_from("xy"))
needs = st.builds(
    PlacementRequest,
    path=st.just("r"),
    constraints=st.lists(constraints, max_size=2, unique_by=lambda each: each.attribute).map(tuple),
    wants=st.builds(
        ResourceDemand,
        cpu=st.sampled_from([0.0, 0.5, 1.0]),
        memory_mb=st.sampled_from([0.0, 60.0, 100.0]),
        ports=st.sets(st.integers(200, 204), max_size=2).map(lambda ports: tuple(sorted(ports))),
    ),
    control_port=st.booleans(),
    channels=st.integers(0, 3),
)


def build(facts):
    inventory = Inventory()
    for number, each in enumerate(facts):
        inventory.add_host(HostId(f"h{number}"), each)
    return inventory


@settings(deadline=None)
@given(clusters, st.lists(needs, max_size=12))
def test_no_task_gets_more_than_its_host_has(facts, requests):
    inventory = build(facts)
    try:
        placements = schedule(requests, inventory)
    except PlanError:
        return
    cpu, memory, ports = Counter(), Counter(), Counter()
    for request, put in zip(requests, placements, strict=True):
        host = inventory.hosts[put.host]
        attributes = attributes_of(put.host, host)
        assert all(
            each.value in values_of(attributes.get(each.attribute, "")) for each in request.constraints
        )
        cpu[put.host] += request.wants.cpu
        memory[put.host] += request.wants.memory_mb
        assert (put.control_port is not None) is request.control_port
        assert put.control_port is None or 100 <= put.control_port <= 109
        assert len(put.channel_ports) == request.channels
        assert all(200 <= port <= 219 for port in put.channel_ports)
        own = (*put.channel_ports, *request.wants.ports, *([put.control_port] if put.control_port else []))
        ports.update((host.network, port) for port in own)
    assert all(cpu[name] <= host.cpus for name, host in inventory.hosts.items())
    assert all(memory[name] <= host.memory_mb for name, host in inventory.hosts.items())
    assert not ports or max(ports.values()) == 1


@settings(deadline=None, max_examples=300)
@given(clusters, needs)
def test_a_single_task_is_refused_only_if_no_host_fits(facts, request_):
    inventory = build(facts)
    fits = [
        name
        for name, host in inventory.hosts.items()
        if request_.wants.cpu <= host.cpus
        and request_.wants.memory_mb <= host.memory_mb
        and all(
            each.value in values_of(attributes_of(name, host).get(each.attribute, ""))
            for each in request_.constraints
        )
    ]
    try:
        (put,) = schedule([request_], inventory)
    except PlanError:
        assert not fits
    else:
        assert put.host in fits


@settings(deadline=None, max_examples=200)
@given(
    clusters, st.lists(needs, max_size=8), st.lists(needs, max_size=8), st.sets(st.integers(0, 4)), st.data()
)
def test_a_copy_of_the_inventory_places_equally_and_is_not_changed(facts, before, asked, silent, data):
    def attempt(on):
        return [placed_or_refused([each], on) for each in asked] + [placed_or_refused(asked, on)]

    inventory = build(facts)
    for number, each in enumerate(before):
        placed = placed_or_refused([each], inventory)
        tasks = [task_at(number, *placed)] if isinstance(placed, list) else []
        inventory.allocate_tasks(EnvironmentId("E"), tasks)
    inventory.refuse_ports(HostId("h0"), data.draw(st.sets(st.integers(200, 205))), (), 0.0)
    for number in silent:
        inventory.remove_host(HostId(f"h{number}"))
    copy = inventory.for_planning()
    expected = attempt(inventory)
    assert attempt(copy) == expected
    inventory.release(EnvironmentId("E"))
    inventory.forget_refused_ports(1e9)
    for number in range(len(facts)):
        inventory.remove_host(HostId(f"h{number}"))
    assert attempt(copy) == expected
    copy.add_host(HostId("new"), facts[0])
    assert HostId("new") not in inventory.hosts


def placed_or_refused(requests, inventory):
    """Return the placements, or the reason why there are none."""
    try:
        return schedule(requests, inventory)
    except PlanError as error:
        return str(error)


def task_at(number, put):
    launch = Launch(mode=ControlMode.BASIC, value="x")
    ports = (*put.channel_ports, *(() if put.control_port is None else (put.control_port,)))
    return PlannedTask(
        id=TaskId(f"T{number}"),
        path=f"t{number}",
        class_name="c",
        host=put.host,
        critical=True,
        launch=launch,
        properties={},
        cpu=0.5,
        memory_mb=10.0,
        ports=ports,
    )
