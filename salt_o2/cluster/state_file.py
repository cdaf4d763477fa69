"""Record of the started cluster: one JSON file in the cluster's directory, replaced atomically."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from salt_o2.cluster.paths import API, LINK_NAME, SOCKET_NAME, Layout
from salt_o2.cluster.processes import Process
from salt_o2.core.errors import O2Error

HEARTBEAT_S = 3.0
"""Few hosts may report more often than two thousand hosts, and are missed sooner."""


@dataclass(frozen=True, slots=True)
class Record:
    """A cluster that was started and not yet taken down."""

    slot: int
    minions: tuple[str, ...]
    workers: int
    run: Path
    """Directory of its sockets."""
    processes: tuple[Process, ...] = ()
    heartbeat_s: float = HEARTBEAT_S
    namespaces: bool = False
    """Whether each daemon has its own network namespace (namespaces.py)."""
    api: bool = False
    """Whether salt-api runs beside the master, with the HTTP interface."""

    @property
    def control_socket(self) -> Path:
        """Control's local socket, in the master's ``sock_dir``."""
        return self.run / "master" / SOCKET_NAME

    @property
    def sign_in_link(self) -> Path:
        """File with the one-time sign-in link of the HTTP interface; it exists until it is used."""
        return self.run / "master" / LINK_NAME

    @property
    def daemons(self) -> tuple[str, ...]:
        """Names of all daemons that the cluster has."""
        return ("master", *((API,) if self.api else ()), *self.minions)

    @property
    def dead(self) -> tuple[Process, ...]:
        """Daemons that have ended."""
        return tuple(process for process in self.processes if not process.alive)

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of all daemons that do not run, including those that were never started."""
        alive = {process.name for process in self.processes if process.alive}
        return tuple(name for name in self.daemons if name not in alive)


def write(layout: Layout, record: Record) -> None:
    """Write ``record`` to disk atomically: after a crash, the old or the new record exists."""
    fresh = layout.record.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(record), default=str, indent=1) + "\n")
    fresh.replace(layout.record)


def read(layout: Layout) -> Record | None:
    """Return the record of the started cluster; ``None`` if no cluster was started.

    Raises:
        O2Error: if the file is not in our format.
    """
    try:
        raw = json.loads(layout.record.read_text())
        processes = tuple(Process(**process) for process in raw["processes"])
        return Record(
            raw["slot"],
            tuple(raw["minions"]),
            raw["workers"],
            Path(raw["run"]),
            processes,
            raw.get("heartbeat_s", HEARTBEAT_S),
            raw.get("namespaces", False),
            raw.get("api", False),
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise O2Error(
            f"{layout.record} is damaged ({error}): find its daemons with `ps`, then remove the file"
        ) from error
