"""What was started: one JSON file in the cluster's directory, replaced in one step."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from salt_o2.cluster.paths import SOCKET_NAME, Layout
from salt_o2.cluster.processes import Process
from salt_o2.core.errors import O2Error

HEARTBEAT_S = 3.0
"""A few hosts may tell more often that they are there than two thousand, and are missed sooner."""


@dataclass(frozen=True, slots=True)
class Record:
    """A cluster that was started and not yet taken down."""

    slot: int
    minions: tuple[str, ...]
    workers: int
    run: Path
    """Where its sockets lie."""
    processes: tuple[Process, ...] = ()
    heartbeat_s: float = HEARTBEAT_S
    namespaces: bool = False
    """Whether each daemon is in a network namespace of its own (namespaces.py)."""

    @property
    def control_socket(self) -> Path:
        """Control's local socket, in the master's ``sock_dir``."""
        return self.run / "master" / SOCKET_NAME

    @property
    def dead(self) -> tuple[Process, ...]:
        """The daemons that have ended."""
        return tuple(process for process in self.processes if not process.alive)

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of all daemons that do not run, also of those that were never started."""
        alive = {process.name for process in self.processes if process.alive}
        return tuple(name for name in ("master", *self.minions) if name not in alive)


def write(layout: Layout, record: Record) -> None:
    """Put ``record`` on disk: either the old or the new one is there, whatever happens."""
    fresh = layout.record.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(record), default=str, indent=1) + "\n")
    fresh.replace(layout.record)


def read(layout: Layout) -> Record | None:
    """Return what was started here, or ``None`` if nothing was.

    Raises:
        O2Error: if the file is not what we wrote.
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
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise O2Error(
            f"{layout.record} is damaged ({error}): look for its daemons with `ps`, then remove the file"
        ) from error
