"""Place tasks: select the host and the ports of each task. Pure: the inventory is only read.

Tasks with equal demands are placed as a group, groups with the fewest possible hosts first. A group
keeps its hosts in a heap by load. A host that has no room for one task of a group has none for the next
and is omitted, so placing N tasks on H hosts takes about (N + groups x H) log H steps. The same input
always gives the same plan.

A cordoned host gets no task, except one that replaces a task there because of a refused port: existing tasks
stay on cordoned hosts.

A port that an agent has refused is never allocated while the inventory remembers the refusal. Ports that a
template fixes are the exception: no other port would do.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heapreplace

from salt_o2.core.errors import PlanError
from salt_o2.core.ids import POOL, HostId
from salt_o2.core.placement.constraints import Constraint, ResourceDemand
from salt_o2.core.placement.cordon import Cordon, describe_cordons
from salt_o2.core.placement.host_capacity import EPSILON, HostCapacity
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.placement.port_allocation import SHOWN, PortAllocator
from salt_o2.core.placement.requests import Placement, PlacementRequest

_Needs = tuple[frozenset[Constraint], ResourceDemand, bool, int, HostId | None]


def schedule(requests: Sequence[PlacementRequest], inventory: Inventory) -> list[Placement]:
    """Return a placement for each of ``requests``, in their order, given the allocations in ``inventory``.

    Raises:
        PlanError: if a role cannot be placed; the message names each such role and the reason.
    """
    groups: dict[_Needs, list[int]] = {}
    for index, request in enumerate(requests):
        needs = (
            frozenset(request.constraints),
            request.wants,
            request.control_port,
            request.channels,
            _cordoned_home(request, inventory),
        )
        groups.setdefault(needs, []).append(index)
    return _PlanAssembly(requests, inventory).fill(groups)


def _cordoned_home(request: PlacementRequest, inventory: Inventory) -> HostId | None:
    """Return the cordoned host of the task that the requested one replaces; ``None`` without one."""
    before = request.before
    return before.host if before and before.host in inventory.cordons else None


class _PlanAssembly:
    """A plan under construction: its allocations, in addition to those of the inventory."""

    def __init__(self, requests: Sequence[PlacementRequest], inventory: Inventory) -> None:
        self._requests = requests
        self._inventory = inventory
        self._order = {host: number for number, host in enumerate(inventory.hosts)}
        self._rooms: dict[HostId, HostCapacity] = {}
        self._ports: dict[str, PortAllocator] = {}
        self._placed: dict[int, Placement] = {}
        self._refused: list[str] = []

    def fill(self, groups: dict[_Needs, list[int]]) -> list[Placement]:
        candidates = {needs: self._candidates(needs[0], needs[-1]) for needs in groups}
        for needs in sorted(groups, key=lambda needs: (not needs[1].ports, len(candidates[needs]))):
            self._place_group(groups[needs], candidates[needs])
        if self._refused:
            raise PlanError("\n".join(self._refused))
        return [self._placed[index] for index in range(len(self._requests))]

    def _candidates(self, constraints: frozenset[Constraint], home: HostId | None) -> list[HostId]:
        """Return the hosts that meet all of ``constraints``; of the cordoned ones only ``home``."""
        cordons, found = self._inventory.cordons, self._matching(constraints)
        return [host for host in found if host not in cordons or host == home] if cordons else found

    def _matching(self, constraints: frozenset[Constraint]) -> list[HostId]:
        """Return the hosts that meet all of ``constraints``, cordoned or not."""
        if not constraints:
            return list(self._inventory.hosts)
        sets = [self._inventory.with_attribute(each.attribute, each.value) for each in constraints]
        smallest, *others = sorted(sets, key=len)
        return [host for host in smallest if all(host in other for other in others)]

    def _place_group(self, indices: list[int], candidates: list[HostId]) -> None:
        heap = [(self._room(host).load, self._order[host], host) for host in candidates]
        heapify(heap)
        reasons: Counter[str] = Counter()
        for number, index in enumerate(indices):
            placement = self._place_one(self._requests[index], heap, reasons)
            if placement is None:
                self._refuse(indices[number:], candidates, reasons)
                return
            self._placed[index] = placement

    def _place_one(
        self, request: PlacementRequest, heap: list[tuple[float, int, HostId]], reasons: Counter[str]
    ) -> Placement | None:
        while heap:
            load, order, host = heap[0]
            room = self._room(host)
            if room.load > load + EPSILON:  # Another group has placed a task there meanwhile.
                heapreplace(heap, (room.load, order, host))
                continue
            placement = room.place(request, reasons)
            if placement is not None:
                heapreplace(heap, (room.load, order, host))
                return placement
            heappop(heap)
        return None

    def _room(self, host: HostId) -> "HostCapacity":
        room = self._rooms.get(host)
        if room is None:
            facts = self._inventory.hosts[host]
            ports = self._ports.setdefault(facts.network, PortAllocator(facts.network, self._inventory))
            room = self._rooms[host] = HostCapacity(host, facts, ports, self._inventory)
        return room

    def _refuse(self, indices: list[int], candidates: list[HostId], reasons: Counter[str]) -> None:
        paths = [self._requests[index].path for index in indices]
        more = f" and {len(paths) - SHOWN} more roles" if len(paths) > SHOWN else ""
        request = self._requests[indices[0]]
        why = self._why(request, candidates, reasons)
        self._refused.append(f"{', '.join(paths[:SHOWN])}{more}: no host: {why}")

    def _why(self, request: PlacementRequest, candidates: list[HostId], reasons: Counter[str]) -> str:
        if not self._inventory.hosts:
            return "no agent has reported yet: start the engine o2_agent on a minion"
        cordoned = self._cordoned(request)
        if not candidates:
            return describe_cordons(cordoned) or _unmet(request.constraints, self._inventory)
        sentences = [
            f"{count} of {len(candidates)} hosts: {reason}" for reason, count in reasons.most_common(SHOWN)
        ]
        if pooled := len(self._inventory.tasks_of(POOL)):
            sentences.append(f"{pooled} tasks in the pool use resources: `coconut pool clean` stops them")
        if cordoned:
            sentences.append(describe_cordons(cordoned))
        return "; ".join(sentences)

    def _cordoned(self, request: PlacementRequest) -> dict[HostId, Cordon]:
        """Return the cordoned hosts that meet the constraints of ``request``."""
        cordons = self._inventory.cordons
        return {
            host: cordons[host] for host in self._matching(frozenset(request.constraints)) if host in cordons
        }


def _unmet(constraints: Iterable[Constraint], inventory: Inventory) -> str:
    """Return which of ``constraints`` no host meets, or that no host meets all of them at once."""
    sentences = []
    for constraint in constraints:
        if not inventory.with_attribute(constraint.attribute, constraint.value):
            values = inventory.values(constraint.attribute)
            have = (
                f"; available: {', '.join(values[:SHOWN])}"
                if values
                else "; no host has that attribute at all"
            )
            sentences.append(f"none has {constraint}{have}")
    return "; ".join(sentences) or f"none has {' and '.join(map(str, constraints))} at once"
