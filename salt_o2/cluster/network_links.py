"""Faults of the link of one host of a private cluster, applied at the switch.

A cut link is down, and its host sees no carrier. All other faults are rules about the packets that the
bridge forwards, in a table per host (nftables, family bridge), and a rate limit for packets to the host
(tc, tbf): a queue that fills up delays them. Rules apply to whole hosts or to Salt's two ports only.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from salt_o2.cluster.namespaces import MASTER, Network, ip, where
from salt_o2.cluster.port_slots import Slot
from salt_o2.cluster.state_file import Record
from salt_o2.core.errors import O2Error

LOST_PERCENT = 30
RATE = ("rate", "256kbit", "burst", "4kb", "latency", "500ms")
"""Slow enough to delay the traffic of Salt and devices, fast enough to keep TCP connections."""


@dataclass(frozen=True, slots=True)
class Link:
    """Link of ``host``, a minion or the master; the master listens on ``salt_ports``."""

    network: Network
    host: str
    salt_ports: tuple[int, int]

    def cut(self) -> None:
        """Drop all packets in both directions."""
        ip("-n", self.network.name, "link", "set", "dev", self.host, "down")

    def drop_outgoing(self) -> None:
        """Drop all packets that the host sends."""
        self._rule(f'iifname "{self.host}" drop')

    def drop_incoming(self) -> None:
        """Drop all packets to the host."""
        self._rule(f'oifname "{self.host}" drop')

    def drop_all(self) -> None:
        """Drop the packets between master and minions on this link. All other packets pass."""
        ports = f"{{ {self.salt_ports[0]}, {self.salt_ports[1]} }}"
        self._rule(
            *(
                f'{side} "{self.host}" meta protocol ip tcp {end} {ports} drop'
                for side in ("iifname", "oifname")
                for end in ("dport", "sport")
            )
        )

    def lose(self) -> None:
        """Drop some of the packets in both directions."""
        chance = f"numgen random mod 100 < {LOST_PERCENT} drop"
        self._rule(f'iifname "{self.host}" {chance}', f'oifname "{self.host}" {chance}')

    def throttle(self) -> None:
        """Slow down and delay the packets to the host."""
        self.network.on_switch(["tc", "qdisc", "replace", "dev", self.host, "root", "tbf", *RATE])

    def restore(self) -> None:
        """Undo all faults. Do nothing if there are none."""
        ip("-n", self.network.name, "link", "set", "dev", self.host, "up")
        with suppress(O2Error):  # the link has no rate limit
            self.network.on_switch(["tc", "qdisc", "delete", "dev", self.host, "root"])
        if where("nft"):
            self._rule()

    def _rule(self, *rules: str) -> None:
        """Replace the rules of this host by ``rules``."""
        table = f"bridge o2_{self.host.replace('-', '_')}"
        chain = "\n".join(["type filter hook forward priority 0;", *rules])
        fresh = f"table {table} {{\nchain forward {{\n{chain}\n}}\n}}\n" if rules else ""
        self.network.on_switch(["nft", "-f", "-"], f"table {table}\ndelete table {table}\n{fresh}")


def link(directory: Path, record: Record, host: str) -> Link:
    """Return the link of a host of the cluster in ``directory``."""
    slot = Slot(record.slot)
    return Link(Network(directory), host, (slot.publish_port, slot.request_port))


def heal_all(directory: Path, record: Record) -> None:
    """Restore all links of the cluster in ``directory``."""
    for host in (MASTER, *record.minions):
        link(directory, record, host).restore()
