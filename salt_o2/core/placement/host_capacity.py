"""Track the remaining capacity of one host while tasks are placed."""

from collections import Counter

from salt_o2.core.ids import HostId
from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.placement.constraints import ResourceDemand
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.placement.port_allocation import NoFreePort, PortAllocator
from salt_o2.core.placement.requests import Placement, PlacementRequest

NOMINAL_CPU = 0.1
"""A task that demands less counts as this much of a core, when hosts are compared by load."""
EPSILON = 1e-9


class HostCapacity:
    """The remaining capacity of one host in this plan."""

    __slots__ = ("_cpu", "_facts", "_host", "_memory", "_ports", "_weight", "load")

    def __init__(self, host: HostId, facts: HostFacts, ports: "PortAllocator", inventory: Inventory) -> None:
        use = inventory.use_of(host)
        self._host, self._facts, self._ports = host, facts, ports
        self._cpu, self._memory = facts.cpus - use.cpu, facts.memory_mb - use.memory_mb
        self._weight = max(use.cpu, use.tasks * NOMINAL_CPU)
        self.load = self._weight / max(facts.cpus, NOMINAL_CPU)

    def place(self, request: PlacementRequest, reasons: Counter[str]) -> Placement | None:
        """Allocate what ``request`` needs, or count the reason why the host has no room."""
        lacking = self._lacking(request.wants)
        if lacking is None:
            try:
                control, channels = self._ports.allocate(request, self._host, self._facts)
            except NoFreePort as error:
                lacking = str(error)
        if lacking is not None:
            reasons[lacking] += 1
            return None
        self._allocate(request.wants)
        return Placement(self._host, control, channels)

    def _lacking(self, wants: ResourceDemand) -> str | None:
        if wants.cpu > self._cpu + EPSILON:
            return f"cpu {wants.cpu:g} wanted, {max(self._cpu, 0):g} of {self._facts.cpus:g} free"
        if wants.memory_mb > self._memory + EPSILON:
            free = f"{max(self._memory, 0):g} of {self._facts.memory_mb:g} MB free"
            return f"memory {wants.memory_mb:g} MB wanted, {free}"
        return None

    def _allocate(self, wants: ResourceDemand) -> None:
        self._cpu -= wants.cpu
        self._memory -= wants.memory_mb
        self._weight += max(wants.cpu, NOMINAL_CPU)
        self.load = self._weight / max(self._facts.cpus, NOMINAL_CPU)
