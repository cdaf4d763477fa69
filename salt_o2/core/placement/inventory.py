"""Record the resources of hosts, and the resources that each environment has allocated.

Ports belong to a network, not to a host: agents on one machine share its ports (``HostFacts.network``).
Allocations are recorded by host name, whether or not the host is present. A silent host may return with its
processes still running. After a restart of control the plans are known before any host has reported.

A port that an agent has refused, because a program of another owner has it, is omitted from new plans of its
network for ``REFUSED_S`` seconds (docs/decisions/0063-a-refused-port-is-left-out.md).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from salt_o2.core.ids import POOL, EnvironmentId, HostId, TaskId
from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.placement.constraints import attributes_of, values_of
from salt_o2.core.placement.cordon import Cordon
from salt_o2.core.plan.plan import Plan, PlannedTask

REFUSED_S = 600.0
"""How long a port that an agent has refused is omitted from new plans, in seconds."""


@dataclass(slots=True)
class HostUse:
    """The allocated resources of one host."""

    cpu: float = 0.0
    memory_mb: float = 0.0
    tasks: int = 0


@dataclass(slots=True)
class _Allocation:
    """The allocation of one task, recorded so that exactly this is released."""

    host: HostId
    network: str | None
    """The network of its ports; ``None`` until the host has reported once."""
    cpu: float
    memory_mb: float
    ports: tuple[int, ...]
    holder: str
    """The role and the environment of the task, for messages."""


@dataclass(slots=True)
class _Ports:
    """The allocated TCP ports of one network, with the number of tasks that have each."""

    count: dict[int, int] = field(default_factory=dict)
    holder: dict[int, str] = field(default_factory=dict)
    """The role and the environment of the last task that got each port, for messages."""

    def allocate(self, ports: Iterable[int], holder: str) -> None:
        for port in ports:
            self.count[port] = self.count.get(port, 0) + 1
            self.holder[port] = holder

    def release(self, ports: Iterable[int]) -> None:
        for port in ports:
            count = self.count.get(port, 0) - 1
            if count > 0:
                self.count[port] = count
            else:
                self.count.pop(port, None)
                self.holder.pop(port, None)


class Inventory:
    """The hosts that report, which of them are cordoned, and their allocated resources."""

    def __init__(self) -> None:
        self.hosts: dict[HostId, HostFacts] = {}
        self.cordons: dict[HostId, Cordon] = {}
        """Hosts, reporting or not, on which no new task is placed."""
        self._silent: dict[HostId, HostFacts] = {}
        self._networks: dict[HostId, str] = {}  # includes silent hosts: their last network
        self._by_attribute: dict[tuple[str, str], dict[HostId, None]] = {}
        self._uses: dict[HostId, HostUse] = {}
        self._ports: dict[str, _Ports] = {}
        self._allocations: dict[EnvironmentId, dict[TaskId, _Allocation]] = {}
        self._at: dict[HostId, dict[tuple[EnvironmentId, TaskId], _Allocation]] = {}
        self._refused: dict[str, dict[int, float]] = {}  # by network: port, and the end of its exclusion

    def for_planning(self) -> "Inventory":
        """Return an independent copy of all data that plans depend on. O(hosts + taken ports)."""
        made = Inventory()
        made.hosts, made._silent, made._networks = dict(self.hosts), dict(self._silent), dict(self._networks)
        made.cordons = dict(self.cordons)
        made._by_attribute = {key: dict(hosts) for key, hosts in self._by_attribute.items()}
        made._uses = {host: replace(use) for host, use in self._uses.items()}
        made._ports = {
            network: _Ports(dict(ports.count), dict(ports.holder)) for network, ports in self._ports.items()
        }
        made._refused = {network: dict(ports) for network, ports in self._refused.items()}
        if POOL in self._allocations:
            made._allocations[POOL] = dict(self._allocations[POOL])
        return made

    def add_host(self, host: HostId, facts: HostFacts) -> None:
        """Accept ``host`` for placement, unless it is cordoned, or replace its facts by the new ``facts``."""
        if self.hosts.get(host) == facts:
            return
        self.remove_host(host)
        self._silent.pop(host, None)
        self.hosts[host] = facts
        self._networks[host] = facts.network
        for key in _index_keys(host, facts):
            self._by_attribute.setdefault(key, {})[host] = None
        self._move_ports(host, facts.network)

    def recall_host(self, host: HostId, facts: HostFacts) -> None:
        """Restore the last facts of ``host``; it accepts no tasks until its agent reports again."""
        if host not in self.hosts:
            self.add_host(host, facts)
            self.remove_host(host)

    def remove_host(self, host: HostId) -> None:
        """Leave ``host`` out of new plans; the allocations of environments on it stay."""
        facts = self.hosts.pop(host, None)
        if facts is None:
            return
        self._silent[host] = facts
        for key in _index_keys(host, facts):
            del self._by_attribute[key][host]

    def forget_host(self, host: HostId) -> None:
        """Remove all data about ``host``; no environment may have an allocation on it."""
        self.remove_host(host)
        self._silent.pop(host, None)
        self._networks.pop(host, None)
        self._uses.pop(host, None)

    def accepting(self) -> dict[HostId, HostFacts]:
        """Return the hosts on which new tasks may be placed: those that report and are not cordoned."""
        if not self.cordons:
            return self.hosts
        return {host: facts for host, facts in self.hosts.items() if host not in self.cordons}

    def allocate(self, environment: EnvironmentId, plan: Plan) -> None:
        """Allocate what the tasks of ``plan`` need for ``environment``; existing allocations stay."""
        self.allocate_tasks(environment, plan.tasks)

    def allocate_tasks(self, environment: EnvironmentId, tasks: Iterable[PlannedTask]) -> None:
        """Allocate for ``environment`` what ``tasks`` need."""
        allocations = self._allocations.setdefault(environment, {})
        for task in tasks:
            if task.id not in allocations:
                allocations[task.id] = self._allocate(environment, task)

    def release(self, environment: EnvironmentId) -> None:
        """Release all allocations of ``environment``; nothing happens if it has none."""
        self.release_tasks(environment, tuple(self._allocations.get(environment, ())))
        self._allocations.pop(environment, None)

    def release_tasks(self, environment: EnvironmentId, tasks: Iterable[TaskId]) -> None:
        """Release the allocations of ``tasks`` of ``environment``."""
        allocations = self._allocations.get(environment, {})
        for task in tasks:
            allocation = allocations.pop(task, None)
            if allocation is not None:
                self._release(environment, task, allocation)

    def tasks_of(self, environment: EnvironmentId) -> list[TaskId]:
        """Return the tasks of ``environment`` that have an allocation."""
        return list(self._allocations.get(environment, ()))

    def facts_of(self, host: HostId) -> HostFacts | None:
        """Return the known facts of ``host``, also if it is silent now."""
        return self.hosts.get(host) or self._silent.get(host)

    def use_of(self, host: HostId) -> HostUse:
        """Return the allocated resources of ``host``."""
        return self._uses.get(host) or HostUse()

    def is_taken(self, network: str, port: int, beside: int = 0) -> bool:
        """Return whether more than ``beside`` tasks have ``port`` of ``network``."""
        return self._count(network, port) > beside

    def holder_of(self, network: str, port: int) -> str:
        """Return the role and the environment that have ``port`` of ``network``; empty if none has."""
        ports = self._ports.get(network)
        return ports.holder.get(port, "") if ports else ""

    def has_less_room(self, before: "Inventory", tasks: Iterable[PlannedTask]) -> bool:
        """Return whether resources that ``tasks`` need were allocated since the copy ``before``. O(tasks)."""
        return any(self._has_less_room(before, task) for task in tasks)

    def _has_less_room(self, before: "Inventory", task: PlannedTask) -> bool:
        now, then = self.use_of(task.host), before.use_of(task.host)
        if (task.cpu and now.cpu > then.cpu) or (task.memory_mb and now.memory_mb > then.memory_mb):
            return True
        network = self._networks.get(task.host, "")
        return any(
            self._count(network, port) > before._count(network, port)
            or (self.is_refused(network, port) and not before.is_refused(network, port))
            for port in task.ports
        )

    def _count(self, network: str, port: int) -> int:
        """Return how many tasks have ``port`` of ``network``."""
        ports = self._ports.get(network)
        return ports.count.get(port, 0) if ports else 0

    def refuse_ports(self, host: HostId, ports: Iterable[int], own: Collection[int], at: float) -> None:
        """Leave ``ports`` out of new plans of the network of ``host`` for ``REFUSED_S`` seconds from ``at``.

        ``own`` are the ports of the task that was refused. A port that another task of Salt O² has is not
        excluded: it is free as soon as that task ends. If other hosts name the same network, only ``own``
        ports are omitted: a network is not proved, and a host must not exclude all ports of another host.
        """
        network = self._networks.get(host)
        if network is None:
            return
        refused = self._refused.setdefault(network, {})
        is_shared = any(name == network for other, name in self._networks.items() if other != host)
        for port in ports:
            if port in own or not (is_shared or self.is_taken(network, port)):
                refused[port] = at + REFUSED_S

    def forget_refused_ports(self, at: float) -> None:
        """Make ports available again whose refusal before ``at`` has expired. O(refused ports)."""
        for network, ports in tuple(self._refused.items()):
            left = {port: until for port, until in ports.items() if until > at}
            if left:
                self._refused[network] = left
            else:
                del self._refused[network]

    def is_refused(self, network: str, port: int) -> bool:
        """Return whether ``port`` of ``network`` is omitted from new plans."""
        return port in self._refused.get(network, ())

    def refused_ports(self, network: str) -> list[int]:
        """Return the ports of ``network`` that are omitted from new plans."""
        return sorted(self._refused.get(network, ()))

    def with_attribute(self, attribute: str, value: str) -> Collection[HostId]:
        """Return the hosts whose ``attribute`` is ``value``, or has it in its comma-separated list."""
        return self._by_attribute.get((attribute, value), ())

    def values(self, attribute: str) -> list[str]:
        """Return the values that hosts have for ``attribute``, for messages. O(attributes)."""
        return sorted(
            value
            for name, value in self._by_attribute
            if name == attribute and self.with_attribute(name, value)
        )

    def _allocate(self, environment: EnvironmentId, task: PlannedTask) -> _Allocation:
        network = self._networks.get(task.host)
        allocation = _Allocation(
            task.host, network, task.cpu, task.memory_mb, task.ports, _holder(environment, task)
        )
        self._at.setdefault(task.host, {})[environment, task.id] = allocation
        use = self._uses.setdefault(task.host, HostUse())
        use.cpu, use.memory_mb, use.tasks = use.cpu + task.cpu, use.memory_mb + task.memory_mb, use.tasks + 1
        if allocation.network is not None:
            self._ports.setdefault(allocation.network, _Ports()).allocate(task.ports, allocation.holder)
        return allocation

    def _release(self, environment: EnvironmentId, task: TaskId, allocation: _Allocation) -> None:
        here = self._at[allocation.host]
        del here[environment, task]
        if not here:  # Start again from exactly zero: sums of fractions drift.
            del self._at[allocation.host], self._uses[allocation.host]
        else:
            use = self._uses[allocation.host]
            use.cpu, use.memory_mb, use.tasks = (
                use.cpu - allocation.cpu,
                use.memory_mb - allocation.memory_mb,
                use.tasks - 1,
            )
        if allocation.network is not None:
            self._ports[allocation.network].release(allocation.ports)

    def _move_ports(self, host: HostId, network: str) -> None:
        """Move the port allocations of ``host`` to ``network``, its present network."""
        for allocation in self._at.get(host, {}).values():
            if allocation.network == network:
                continue
            if allocation.network is not None:
                self._ports[allocation.network].release(allocation.ports)
            self._ports.setdefault(network, _Ports()).allocate(allocation.ports, allocation.holder)
            allocation.network = network


def _holder(environment: EnvironmentId, task: PlannedTask) -> str:
    """Return the role and the environment of ``task``, for messages."""
    owner = "the pool" if environment == POOL else f"environment {environment}"
    return f"role {task.path} of {owner}"


def _index_keys(host: HostId, facts: HostFacts) -> list[tuple[str, str]]:
    attributes = attributes_of(host, facts)
    return [(name, value) for name, attribute in attributes.items() for value in values_of(attribute)]
