"""Second minion with the id and key of a minion of a private cluster: a copied machine."""

import json
import shutil
from dataclasses import dataclass, field

from salt_o2.cluster import processes
from salt_o2.cluster.lifecycle import host_boot, salt_config, start
from salt_o2.cluster.lifecycle.kill import kill_daemons
from salt_o2.cluster.namespaces import Network, clone_address
from salt_o2.cluster.paths import Layout
from salt_o2.cluster.port_slots import Slot
from salt_o2.cluster.processes import Process
from salt_o2.cluster.state_file import Record

ADDRESSES_APART = 100
"""Distance of a clone's loopback address from the address of its original."""


@dataclass(slots=True)
class Clone:
    """Clone of ``host`` in the cluster at ``place``: the same keys, but separate directories."""

    place: Layout
    current: Record
    host: str
    _daemon: Process | None = field(default=None, init=False)

    @property
    def name(self) -> str:
        """Name of the clone's directories. It is short, because sockets are stored there."""
        return f"{self.host}b"

    def start(self) -> None:
        """Start the clone's minion. It signs in to the master automatically."""
        shutil.copytree(self.place.keys(self.host), self.place.keys(self.name), dirs_exist_ok=True)
        (self.current.run / self.name).mkdir(exist_ok=True, mode=0o700)
        path = self.place.config_dir(self.name) / "minion"
        path.write_text(json.dumps(self._options(), indent=1) + "\n")
        command = [*self._entrance(), *start.command(self.place, self.name)]
        output = self.place.output(self.name)
        self._daemon = processes.spawn(self.name, command, start.environment(self.place), output)

    def end(self) -> None:
        """Kill the clone's minion and agent, and remove their files."""
        if self._daemon is None:
            return
        kill_daemons([self._daemon])
        self._daemon = None
        if self.current.namespaces:
            Network(self.place.directory).remove_host(self.name)
        for folder in (self.place.home(self.name), self.current.run / self.name):
            shutil.rmtree(folder, ignore_errors=True)
        for path in (self.place.log(self.name), self.place.output(self.name)):
            path.unlink(missing_ok=True)

    def _options(self) -> dict[str, object]:
        original = salt_config.minion_config(self.place, self.current, self.host)
        return {
            **original,
            **salt_config.own_paths(self.place, self.current, self.name),
            "o2": {
                **original["o2"],
                "address": self._address(),
                "directory": str(self.place.agent(self.name)),
            },
        }

    def _address(self) -> str:
        number = self.current.minions.index(self.host)
        if self.current.namespaces:
            return clone_address(number)
        return Slot(self.current.slot).address(number + ADDRESSES_APART)

    def _entrance(self) -> list[str]:
        if not self.current.namespaces:
            return []
        network = Network(self.place.directory)
        network.add_host(self.name, self._address())
        return [*network.entrance(self.name), *host_boot.entrance(self.place, self.name)]
