"""Placement: which host each task runs on, and which ports it gets. Pure: the inventory is only read.

Tasks that ask for the same are placed as a group, groups with the fewest possible hosts first. A group
keeps its hosts in a heap by load; a host that has no room for one task of a group has none for the next
either and is left out, so that placing N tasks on H hosts takes about (N + groups x H) log H steps. The
same input always gives the same plan.

A port that an agent has refused is never given out while the inventory remembers the refusal. Ports that a
template fixes are asked for all the same: there is no other that would do.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heapreplace

from salt_o2.core.errors import PlanError
from salt_o2.core.ids import HostId
from salt_o2.core.inventory import Inventory
from salt_o2.core.messages import HostFacts
from salt_o2.core.plan import PlannedTask
from salt_o2.core.pooled import POOL
from salt_o2.core.role import Constraint, Wants

NOMINAL_CPU = 0.1
"""A task that wants less counts as this much of a core, when hosts are compared by load."""
_SHOWN = 5
_EPSILON = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What one task needs; ``channels`` is how many ports it binds for channels."""

    path: str
    constraints: tuple[Constraint, ...] = ()
    wants: Wants = field(default_factory=Wants)
    control_port: bool = False
    channels: int = 0
    before: PlannedTask | None = None
    """The task that this one replaces: ports of it that were not refused are taken again."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one task goes; its static ports are the request's."""

    host: HostId
    control_port: int | None
    channel_ports: tuple[int, ...]


_Needs = tuple[frozenset[Constraint], Wants, bool, int]


def place(requests: Sequence[Request], inventory: Inventory) -> list[Placement]:
    """Return a place for each of ``requests``, in their order, beside what is taken of ``inventory``.

    Raises:
        PlanError: naming every role that cannot be placed, and why not.
    """
    groups: dict[_Needs, list[int]] = {}
    for index, request in enumerate(requests):
        needs = (frozenset(request.constraints), request.wants, request.control_port, request.channels)
        groups.setdefault(needs, []).append(index)
    return _Draft(requests, inventory).fill(groups)


class _Draft:
    """A plan in the making: what it takes, on top of what is taken already."""

    def __init__(self, requests: Sequence[Request], inventory: Inventory) -> None:
        self._requests = requests
        self._inventory = inventory
        self._order = {host: number for number, host in enumerate(inventory.hosts)}
        self._rooms: dict[HostId, _Room] = {}
        self._ports: dict[str, _FreePorts] = {}
        self._placed: dict[int, Placement] = {}
        self._refused: list[str] = []

    def fill(self, groups: dict[_Needs, list[int]]) -> list[Placement]:
        candidates = {needs: self._candidates(needs[0]) for needs in groups}
        for needs in sorted(groups, key=lambda needs: (not needs[1].ports, len(candidates[needs]))):
            self._place_group(groups[needs], candidates[needs])
        if self._refused:
            raise PlanError("\n".join(self._refused))
        return [self._placed[index] for index in range(len(self._requests))]

    def _candidates(self, constraints: frozenset[Constraint]) -> list[HostId]:
        """Return the hosts that meet all of ``constraints``."""
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
        self, request: Request, heap: list[tuple[float, int, HostId]], reasons: Counter[str]
    ) -> Placement | None:
        while heap:
            load, order, host = heap[0]
            room = self._room(host)
            if room.load > load + _EPSILON:  # another group has put something there since
                heapreplace(heap, (room.load, order, host))
                continue
            placement = room.place(request, reasons)
            if placement is not None:
                heapreplace(heap, (room.load, order, host))
                return placement
            heappop(heap)
        return None

    def _room(self, host: HostId) -> "_Room":
        room = self._rooms.get(host)
        if room is None:
            facts = self._inventory.hosts[host]
            ports = self._ports.setdefault(facts.network, _FreePorts(facts.network, self._inventory))
            room = self._rooms[host] = _Room(host, facts, ports, self._inventory)
        return room

    def _refuse(self, indices: list[int], candidates: list[HostId], reasons: Counter[str]) -> None:
        paths = [self._requests[index].path for index in indices]
        more = f" and {len(paths) - _SHOWN} more roles" if len(paths) > _SHOWN else ""
        request = self._requests[indices[0]]
        why = self._why(request, candidates, reasons)
        self._refused.append(f"{', '.join(paths[:_SHOWN])}{more}: no host: {why}")

    def _why(self, request: Request, candidates: list[HostId], reasons: Counter[str]) -> str:
        if not self._inventory.hosts:
            return "no agent has reported yet: start the engine o2_agent on a minion"
        if not candidates:
            return _unmet(request.constraints, self._inventory)
        said = [
            f"{count} of {len(candidates)} hosts: {reason}" for reason, count in reasons.most_common(_SHOWN)
        ]
        if pooled := len(self._inventory.tasks_of(POOL)):
            said.append(f"{pooled} tasks that wait in the pool take their share: o2.pool_clean ends them")
        return "; ".join(said)


class _Room:
    """What is left of one host in this draft."""

    __slots__ = ("_cpu", "_facts", "_host", "_memory", "_ports", "_weight", "load")

    def __init__(self, host: HostId, facts: HostFacts, ports: "_FreePorts", inventory: Inventory) -> None:
        use = inventory.use_of(host)
        self._host, self._facts, self._ports = host, facts, ports
        self._cpu, self._memory = facts.cpus - use.cpu, facts.memory_mb - use.memory_mb
        self._weight = max(use.cpu, use.tasks * NOMINAL_CPU)
        self.load = self._weight / max(facts.cpus, NOMINAL_CPU)

    def place(self, request: Request, reasons: Counter[str]) -> Placement | None:
        """Take what ``request`` needs, or count the reason why there is no room."""
        lacking = self._lacking(request.wants)
        if lacking is None:
            try:
                control, channels = self._ports.take(request, self._facts)
            except _NoPort as error:
                lacking = str(error)
        if lacking is not None:
            reasons[lacking] += 1
            return None
        self._take(request.wants)
        return Placement(self._host, control, channels)

    def _lacking(self, wants: Wants) -> str | None:
        if wants.cpu > self._cpu + _EPSILON:
            return f"cpu {wants.cpu:g} wanted, {max(self._cpu, 0):g} of {self._facts.cpus:g} free"
        if wants.memory_mb > self._memory + _EPSILON:
            free = f"{max(self._memory, 0):g} of {self._facts.memory_mb:g} MB free"
            return f"memory {wants.memory_mb:g} MB wanted, {free}"
        return None

    def _take(self, wants: Wants) -> None:
        self._cpu -= wants.cpu
        self._memory -= wants.memory_mb
        self._weight += max(wants.cpu, NOMINAL_CPU)
        self.load = self._weight / max(self._facts.cpus, NOMINAL_CPU)


class _NoPort(Exception):
    """A network has no port left for a task."""


class _FreePorts:
    """The ports of one network in this draft; each range is gone through once."""

    def __init__(self, network: str, inventory: Inventory) -> None:
        self._network = network
        self._inventory = inventory
        self._taken: set[int] = set()
        self._next: dict[tuple[int, int], int] = {}

    def take(self, request: Request, facts: HostFacts) -> tuple[int | None, tuple[int, ...]]:
        """Take the ports that ``request`` needs; all or none.

        Raises:
            _NoPort: saying which it cannot have.
        """
        for port in request.wants.ports:
            if self._is_taken(port, request.before):
                raise _NoPort(f"port {port} is taken on {self._network}")
        before = dict(self._next)
        got: list[int] = []
        self._taken.update(request.wants.ports)
        try:
            if request.control_port:
                again = request.before.launch.control_port if request.before else None
                got.append(self._again(request.before, again) or self._free(facts.control_ports, "control"))
            for number in range(request.channels):
                again = _channel_port(request.before, number, request.channels)
                got.append(self._again(request.before, again) or self._free(facts.channel_ports, "channel"))
        except _NoPort:
            self._taken.difference_update(request.wants.ports, got)
            self._next = before
            raise
        control = got.pop(0) if request.control_port else None
        return control, tuple(got)

    def _again(self, before: PlannedTask | None, port: int | None) -> int | None:
        """Take ``port``, which the task ``before`` has, if it was not refused on this network."""
        if port is None or not self._is_own(before, port):
            return None
        if self._is_refused(port) or self._is_taken(port, before):
            return None
        self._taken.add(port)
        return port

    def _free(self, limits: tuple[int, int], purpose: str) -> int:
        port = self._next.get(limits, limits[0])
        while port <= limits[1] and (self._is_taken(port) or self._is_refused(port)):
            port += 1
        self._next[limits] = port + 1
        if port > limits[1]:
            none_left = f"no {purpose} port left in {limits[0]}-{limits[1]} on {self._network}"
            raise _NoPort(none_left + self._left_out(limits))
        self._taken.add(port)
        return port

    def _is_taken(self, port: int, before: PlannedTask | None = None) -> bool:
        """Return whether a task has ``port``; that the task ``before`` has it does not count."""
        own = 1 if self._is_own(before, port) else 0
        return port in self._taken or self._inventory.is_taken(self._network, port, beside=own)

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
        shown = ", ".join(map(str, refused[:_SHOWN])) + (", ..." if len(refused) > _SHOWN else "")
        return f"; {len(refused)} of them are in use by other programs ({shown}): stop those, or widen it"


def _channel_port(before: PlannedTask | None, number: int, count: int) -> int | None:
    """Return the port of channel ``number`` of ``count`` that the task ``before`` has, if it has so many."""
    ports = before.launch.ports[:count] if before else ()
    return ports[number] if number < len(ports) else None


def _unmet(constraints: Iterable[Constraint], inventory: Inventory) -> str:
    """Say which of ``constraints`` no host meets, or that none meets all of them at once."""
    said = []
    for constraint in constraints:
        if not inventory.with_attribute(constraint.attribute, constraint.value):
            values = inventory.values(constraint.attribute)
            have = (
                f"; there is {', '.join(values[:_SHOWN])}"
                if values
                else "; no host has that attribute at all"
            )
            said.append(f"none has {constraint}{have}")
    return "; ".join(said) or f"none has {' and '.join(map(str, constraints))} at once"
