"""Faults that need more than one signal, to a task, a record or a host of a private cluster."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path

from salt_o2.cluster import state_file
from salt_o2.cluster.faults.agent_absence import (
    agent_stopped,
    becomes_free,
    damage,
    end_session_of,
    folder_of,
    without_agent,
)
from salt_o2.cluster.faults.cloned_minion import Clone
from salt_o2.cluster.faults.invariants import ObservedTask
from salt_o2.cluster.faults.key_admission import Admission
from salt_o2.cluster.faults.schedule import Action
from salt_o2.cluster.faults.unrelated_processes import UnrelatedProcesses, may_choose_pids
from salt_o2.cluster.lifecycle import host_boot
from salt_o2.cluster.lifecycle.salt_config import MASTER_ID
from salt_o2.cluster.namespaces import Network
from salt_o2.cluster.paths import layout
from salt_o2.cluster.port_slots import Slot
from salt_o2.cluster.processes import session_of
from salt_o2.core.errors import UnknownNameError
from salt_o2.linux.procfs import ports_of

ROUNDS_MORE = 2
"""Rounds for which an unrelated process keeps a stolen pid or port."""
FREE_PORTS = 24
"""Number of free ports of a host that are occupied at once."""
PIDS = 2
"""Number of pids of a rebooted host that are given to unrelated processes."""


@dataclass(frozen=True, slots=True)
class HostFaults:
    """Faults for the cluster in ``directory``; ``strangers`` owns the unrelated processes that they start."""

    directory: Path
    strangers: UnrelatedProcesses

    def reuse_pid(self, task: ObservedTask) -> bool:
        """Kill ``task`` while no agent runs and reuse its shim's pid; return whether this succeeded."""
        if not may_choose_pids():
            return False
        with without_agent(self.directory, task.host):
            shim = end_session_of(self.directory, task.pid or 0)
            return shim is not None and becomes_free(shim) and self._give_away(shim, task.path)

    def steal_ports_of(self, task: ObservedTask) -> bool:
        """Kill ``task`` and let an unrelated process take its ports at once; return whether it did."""
        with agent_stopped(self.directory, task.host):
            ports = ports_of(task.pid or 0)
            end_session_of(self.directory, task.pid or 0)
            return self._steal(task.host, ports, len(ports))

    def steal_free_ports(self, host: str) -> bool:
        """Let an unrelated process take the next free ports of ``host``; return whether this succeeded."""
        slot = Slot(self._current.slot)
        return self._steal(host, next_ports(slot.control_ports, slot.channel_ports), FREE_PORTS)

    def damage(self, task: ObservedTask, action: Action) -> bool:
        """Damage the record of ``task`` while no agent runs; return whether a record existed."""
        folder = folder_of(task.pid or 0)
        if folder is None:
            return False
        with without_agent(self.directory, task.host):
            return damage(folder, action)

    def reboot(self, host: str, tasks: Sequence[ObservedTask]) -> bool:
        """Kill all processes of ``host``, which runs ``tasks``, and reuse some of their pids."""
        place = layout(self.directory)
        shims = [shim for task in tasks if task.host == host and (shim := session_of(task.pid or 0))]
        host_boot.end_host(place, host)
        host_boot.renew(place, host)
        for shim in shims[:PIDS]:
            if may_choose_pids() and becomes_free(shim):
                self._give_away(shim, f"a task of {host} before its reboot")
        return True

    def clone(self, host: str) -> Clone:
        """Return a clone of ``host``. The clone is not started yet."""
        return Clone(layout(self.directory), self._current, host)

    def admission(self, host: str) -> Admission:
        """Return the master's admission of ``host``."""
        return Admission(layout(self.directory), host, MASTER_ID)

    @property
    def _current(self) -> state_file.Record:
        current = state_file.read(layout(self.directory))
        if current is None:
            raise UnknownNameError(f"there is no cluster in {self.directory}")
        return current

    def _give_away(self, pid: int, whose: str) -> bool:
        name = f"a process with the former pid of {whose}"
        return self.strangers.take_pid(pid, name, ROUNDS_MORE) is not None

    def _steal(self, host: str, ports: Sequence[int], most: int) -> bool:
        namespaces = self._current.namespaces
        entrance = Network(layout(self.directory).directory).entrance(host) if namespaces else []
        return bool(self.strangers.steal(entrance, ports, most, ROUNDS_MORE).ports)


def next_ports(*ranges: tuple[int, int]) -> list[int]:
    """Return all ports of ``ranges`` in the order in which tasks get them, from the first of each range."""
    ports = zip_longest(*(range(first, last + 1) for first, last in ranges))
    return [port for port in chain.from_iterable(ports) if port is not None]
