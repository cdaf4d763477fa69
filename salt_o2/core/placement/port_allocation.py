"""Allocate free ports of a host while tasks are placed."""

from salt_o2.core.ids import HostId
from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.placement.requests import PlacementRequest
from salt_o2.core.plan.plan import PlannedTask

SHOWN = 5


class NoFreePort(Exception):
    """A network has no port left for a task."""


class PortAllocator:
    """The ports of one network in this plan; each range is searched once."""

    def __init__(self, network: str, inventory: Inventory) -> None:
        self._network = network
        self._inventory = inventory
        self._allocated: dict[int, str] = {}
        """The ports of this plan, with the paths of their roles."""
        self._next: dict[tuple[int, int], int] = {}

    def allocate(
        self, request: PlacementRequest, host: HostId, facts: HostFacts
    ) -> tuple[int | None, tuple[int, ...]]:
        """Allocate the ports that ``request`` needs on ``host``; all or none.

        Raises:
            NoFreePort: if a port is not available; the message names it, and the role that has it.
        """
        for port in request.wants.ports:
            if self._is_taken(port, request.before):
                raise NoFreePort(f"port {port} of {host} is taken by {self._holder(port)}")
        before = dict(self._next)
        got: list[int] = []
        self._allocated |= dict.fromkeys(request.wants.ports, request.path)
        try:
            if request.control_port:
                again = request.before.launch.control_port if request.before else None
                got.append(self._again(request, again) or self._free(request, facts.control_ports, "control"))
            for number in range(request.channels):
                again = _channel_port(request.before, number, request.channels)
                got.append(self._again(request, again) or self._free(request, facts.channel_ports, "channel"))
        except NoFreePort:
            for port in (*request.wants.ports, *got):
                self._allocated.pop(port, None)
            self._next = before
            raise
        control = got.pop(0) if request.control_port else None
        return control, tuple(got)

    def _holder(self, port: int) -> str:
        """Return the role that has ``port``."""
        if port in self._allocated:
            return f"role {self._allocated[port]} of this workflow"
        return self._inventory.holder_of(self._network, port) or "another task"

    def _again(self, request: PlacementRequest, port: int | None) -> int | None:
        """Allocate ``port``, which the task before has, if it was not refused on this network."""
        before = request.before
        if port is None or not self._is_own(before, port):
            return None
        if self._is_refused(port) or self._is_taken(port, before):
            return None
        self._allocated[port] = request.path
        return port

    def _free(self, request: PlacementRequest, limits: tuple[int, int], purpose: str) -> int:
        port = self._next.get(limits, limits[0])
        while port <= limits[1] and (self._is_taken(port) or self._is_refused(port)):
            port += 1
        self._next[limits] = port + 1
        if port > limits[1]:
            none_left = f"no {purpose} port left in {limits[0]}-{limits[1]} on {self._network}"
            raise NoFreePort(none_left + self._left_out(limits))
        self._allocated[port] = request.path
        return port

    def _is_taken(self, port: int, before: PlannedTask | None = None) -> bool:
        """Return whether a task other than ``before`` has ``port``."""
        own = 1 if self._is_own(before, port) else 0
        return port in self._allocated or self._inventory.is_taken(self._network, port, beside=own)

    def _is_own(self, before: PlannedTask | None, port: int) -> bool:
        if before is None or port not in before.ports:
            return False
        facts = self._inventory.facts_of(before.host)
        return facts is not None and facts.network == self._network

    def _is_refused(self, port: int) -> bool:
        return self._inventory.is_refused(self._network, port)

    def _left_out(self, limits: tuple[int, int]) -> str:
        refused = [p for p in self._inventory.refused_ports(self._network) if limits[0] <= p <= limits[1]]
        if not refused:
            return ""
        shown = ", ".join(map(str, refused[:SHOWN])) + (", ..." if len(refused) > SHOWN else "")
        return (
            f"; {len(refused)} of them are in use by other programs ({shown}): stop them, or widen the range"
        )


def _channel_port(before: PlannedTask | None, number: int, count: int) -> int | None:
    """Return the port of channel ``number`` of ``count`` that the task ``before`` has, if it has so many."""
    ports = before.launch.ports[:count] if before else ()
    return ports[number] if number < len(ports) else None
