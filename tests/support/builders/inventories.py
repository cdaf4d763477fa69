"""Inventories of equal hosts, requests for placements, and allocations of other environments."""

from salt_o2.core.ids import HostId
from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.placement.constraints import Constraint, ResourceDemand
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.placement.requests import PlacementRequest
from salt_o2.core.placement.scheduler import schedule
from salt_o2.core.plan.launch import Launch
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.states import ControlMode


def facts(network, **other):
    given = {"cpus": 4.0, "memory_mb": 1000.0} | other
    return HostFacts(address="10.0.0.1", network=network, **given)


def cluster(count=3, **other):
    """``count`` equal hosts flp1, flp2, ... each with a network of its own."""
    inventory = Inventory()
    for number in range(1, count + 1):
        inventory.add_host(HostId(f"flp{number}"), facts(f"net{number}", **other))
    return inventory


def request(path="r", *constraints, cpu=0.0, memory=0.0, ports=(), control=False, channels=0, before=None):
    return PlacementRequest(
        path=path,
        constraints=tuple(Constraint(*each.split("=")) for each in constraints),
        wants=ResourceDemand(cpu=cpu, memory_mb=memory, ports=tuple(ports)),
        control_port=control,
        channels=channels,
        before=before,
    )


def hosts(requests, inventory):
    return [placement.host for placement in schedule(requests, inventory)]


def hold(inventory, host, cpu=0.0, memory=0.0, ports=()):
    """Let an environment have something on ``host``; return the task."""
    taken = PlannedTask(
        id=f"on-{host}",
        path="p",
        class_name="c",
        host=HostId(host),
        critical=True,
        launch=Launch(mode=ControlMode.BASIC, value="x"),
        properties={},
        cpu=cpu,
        memory_mb=memory,
        ports=tuple(ports),
    )
    inventory.allocate_tasks("OTHER", [taken])
    return taken
