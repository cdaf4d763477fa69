"""Ports and loopback addresses of clusters on one machine, allocated without overlap.

A slot is a number. All scarce resources follow from it, so clusters with different slots do not collide.
All ports are below those that Linux gives to outgoing connections (32768 and up), so that no program takes
them by accident, and outside 20000 to 22000, where dds-commander of DDS listens. While a cluster starts, it
holds an abstract unix socket named after its slot. Once it runs, its master's ports hold the slot.
"""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from salt_o2.core.errors import O2Error
from salt_o2.linux.procfs import listening_ports

SLOTS = 10
CONTROL_PORTS_EACH, CHANNEL_PORTS_EACH = 1100, 970

_MASTER_PORTS, _API_PORTS, _CONTROL_PORTS, _CHANNEL_PORTS = 31900, 31930, 8900, 22100


@dataclass(frozen=True, slots=True)
class Slot:
    """The ports and addresses of one cluster."""

    number: int

    @property
    def publish_port(self) -> int:
        """Port on which minions listen to the master."""
        return _MASTER_PORTS + 2 * self.number

    @property
    def request_port(self) -> int:
        """Port on which minions send to the master (Salt's ``ret_port``)."""
        return self.publish_port + 1

    @property
    def api_port(self) -> int:
        """Port of the HTTP interface, on loopback."""
        return _API_PORTS + self.number

    @property
    def control_ports(self) -> tuple[int, int]:
        """First and last port for the control channels of tasks."""
        return _share(_CONTROL_PORTS, CONTROL_PORTS_EACH, self.number)

    @property
    def channel_ports(self) -> tuple[int, int]:
        """First and last port for the data channels of tasks."""
        return _share(_CHANNEL_PORTS, CHANNEL_PORTS_EACH, self.number)

    def crowd(self, busy: set[int]) -> int:
        """Return how many of the slot's task ports are among ``busy``."""
        ranges = (self.control_ports, self.channel_ports)
        return sum(first <= port <= last for port in busy for first, last in ranges)

    def address(self, minion: int) -> str:
        """Return the loopback address of the minion with this index, counted from 0."""
        high, low = divmod(11 + minion, 256)
        return f"127.{self.number}.{high}.{low}"


def _share(first: int, each: int, number: int) -> tuple[int, int]:
    return first + number * each, first + (number + 1) * each - 1


@contextmanager
def claimed(preferred: int | None = None) -> Iterator[Slot]:
    """Hold a free slot until the block ends. Start the master inside the block.

    The slot is ``preferred`` if possible, else the one with the fewest ports in use.

    Raises:
        O2Error: if all slots are taken.
    """
    busy = listening_ports()
    order = sorted(map(Slot, range(SLOTS)), key=lambda slot: (slot.number != preferred, slot.crowd(busy)))
    with ExitStack() as reservations:
        for slot in order:
            if _reserve(slot, reservations) and all(
                port_is_free(port) for port in (slot.publish_port, slot.request_port, slot.api_port)
            ):
                yield slot
                return
        raise O2Error(
            f"all {SLOTS} places for private clusters on this machine are taken (master ports "
            f"{_MASTER_PORTS} to {Slot(SLOTS - 1).request_port}): "
            f"end one with `coconut cluster down --dir DIRECTORY`"
        )


def _reserve(slot: Slot, reservations: ExitStack) -> bool:
    """Reserve this slot for a start; return False if another cluster is starting in it."""
    sign = reservations.enter_context(socket.socket(socket.AF_UNIX))
    try:
        sign.bind(f"\0salt-o2-cluster-{slot.number}")
    except OSError:
        return False
    return True


def port_is_free(port: int) -> bool:
    """Return whether no process listens on ``port`` at any address of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
