"""What can go wrong with the link of one host of a private cluster, done at the switch.

A link that is cut is down, and so is the carrier that its host sees. Everything else are rules about what the
bridge forwards, in a table of the host's own (nftables, family bridge), and a rate for what it is sent (tc,
tbf): a queue that fills up delays. Rules apply to hosts as a whole or to Salt's two ports only.
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
"""Slow enough to delay what Salt and the devices say, fast enough for TCP to go on."""


@dataclass(frozen=True, slots=True)
class Link:
    """The link of ``host``, a minion or the master; ``salt_ports`` are where the master listens."""

    network: Network
    host: str
    salt_ports: tuple[int, int]

    def cut(self) -> None:
        """Nothing gets through, in either direction."""
        ip("-n", self.network.name, "link", "set", "dev", self.host, "down")

    def drop_outgoing(self) -> None:
        """Nothing that the host sends gets through."""
        self._rule(f'iifname "{self.host}" drop')

    def drop_incoming(self) -> None:
        """Nothing that is sent to the host gets through."""
        self._rule(f'oifname "{self.host}" drop')

    def drop_all(self) -> None:
        """Master and minions cannot hear each other over this link; all else gets through."""
        ports = f"{{ {self.salt_ports[0]}, {self.salt_ports[1]} }}"
        self._rule(
            *(
                f'{side} "{self.host}" meta protocol ip tcp {end} {ports} drop'
                for side in ("iifname", "oifname")
                for end in ("dport", "sport")
            )
        )

    def lose(self) -> None:
        """Some of the packets are lost, in both directions."""
        chance = f"numgen random mod 100 < {LOST_PERCENT} drop"
        self._rule(f'iifname "{self.host}" {chance}', f'oifname "{self.host}" {chance}')

    def throttle(self) -> None:
        """What is sent to the host comes slowly, and late."""
        self.network.on_switch(["tc", "qdisc", "replace", "dev", self.host, "root", "tbf", *RATE])

    def restore(self) -> None:
        """Undo all of it; nothing happens if the link is whole."""
        ip("-n", self.network.name, "link", "set", "dev", self.host, "up")
        with suppress(O2Error):  # its queue was never another
            self.network.on_switch(["tc", "qdisc", "delete", "dev", self.host, "root"])
        if where("nft"):
            self._rule()

    def _rule(self, *rules: str) -> None:
        """Have exactly these rules for this host."""
        table = f"bridge o2_{self.host.replace('-', '_')}"
        chain = "\n".join(["type filter hook forward priority 0;", *rules])
        fresh = f"table {table} {{\nchain forward {{\n{chain}\n}}\n}}\n" if rules else ""
        self.network.on_switch(["nft", "-f", "-"], f"table {table}\ndelete table {table}\n{fresh}")


def link(directory: Path, record: Record, host: str) -> Link:
    """Return the link of a host of the cluster in ``directory``."""
    slot = Slot(record.slot)
    return Link(Network(directory), host, (slot.publish_port, slot.request_port))


def heal_all(directory: Path, record: Record) -> None:
    """Have all links of the cluster in ``directory`` whole."""
    for host in (MASTER, *record.minions):
        link(directory, record, host).restore()
