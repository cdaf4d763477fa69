"""Probe a host whose agent is silent: does any process that control has started there respond?

Each probe covers a part of the tasks on the host, so that a host with many tasks costs no burst of
connections; ``CHECKS`` successive probes cover every task.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from salt_o2.control.hosts.host_table import HostTable
from salt_o2.core.ids import HostId
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.plan.plan import PlannedTask

CHECKS = 4
"""Checks of all hosts in one heartbeat interval; a probe may last until the next check."""
LONGEST_S = 1.0
"""Seconds that a process may take to send a byte at most, however slow heartbeats are."""
FEW = 8
"""Tasks that one probe covers on a host with few tasks; a quarter of all tasks on a host with many."""


class Probe(Protocol):
    """Probes ports of a machine; ``None`` is an inconclusive result. ``PortProbe`` implements it."""

    async def speaks(self, address: str, ports: Sequence[int], deadline_s: float) -> bool | None:
        """Return whether a process at any of ``ports`` sends a byte within ``deadline_s``."""

    async def is_up(self, address: str, ports: Sequence[int], deadline_s: float) -> bool | None:
        """Return whether the kernel at ``address`` accepts or refuses a connection."""


class HostProbe:
    """Probes hosts by the ports of their tasks."""

    def __init__(
        self,
        *,
        hosts: HostTable,
        inventory: Inventory,
        tasks_on: Callable[[HostId], list[PlannedTask]],
        probe: Probe,
    ) -> None:
        """Probe by ``probe`` the tasks that ``tasks_on`` returns: those that may have a process."""
        self._hosts = hosts
        self._inventory = inventory
        self._tasks_on = tasks_on
        self._probe = probe

    async def responds(self, host: HostId, kernel: bool = True) -> bool | None:
        """Return whether any process that control has started on ``host`` responds now.

        If no process can be probed, an answer of the host's ``kernel`` counts as well. ``None`` if the probe
        is inconclusive.
        """
        facts, tasks = self._inventory.facts_of(host), self._tasks_on(host)
        if facts is None or not tasks:
            return False
        deadline_s = min(LONGEST_S, self._hosts.heartbeat_s / CHECKS)
        ports = self._next_ports(host, tasks)
        if ports:
            return await self._probe.speaks(facts.address, ports, deadline_s)
        if not kernel or not self._has_own_kernel(host):
            return False  # an answer of a kernel that many hosts share proves nothing for one of them
        closed = (facts.channel_ports[0], facts.control_ports[0])
        return await self._probe.is_up(facts.address, closed, deadline_s)

    def _next_ports(self, host: HostId, tasks: list[PlannedTask]) -> list[int]:
        """Return the ports of the tasks that this probe covers."""
        probed = [task for task in tasks if task.ports]
        many = max(FEW, -(-len(probed) // CHECKS))
        first = self._count(host) * many % len(probed) if probed else 0
        return [port for task in (probed + probed)[first : first + many] for port in task.ports]

    def _count(self, host: HostId) -> int:
        """Count a probe of ``host``; return the number of earlier ones since its agent fell silent."""
        known = self._hosts.known.get(host)
        if known is None:
            return 0
        known.probes += 1
        return known.probes - 1

    def _has_own_kernel(self, host: HostId) -> bool:
        """Return whether the network stack at its address belongs to ``host`` alone."""
        facts, facts_of = self._inventory.facts_of(host), self._inventory.facts_of
        assert facts
        others = (facts_of(other) for other in self._hosts.known if other != host)
        return not any(other and other.network == facts.network for other in others)
