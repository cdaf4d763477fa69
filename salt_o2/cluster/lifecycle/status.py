"""Status of a private cluster."""

from pathlib import Path
from typing import Any

from salt_o2.cluster import state_file
from salt_o2.cluster.lifecycle.readiness import known_hosts
from salt_o2.cluster.namespaces import Network
from salt_o2.cluster.paths import layout
from salt_o2.cluster.port_slots import Slot
from salt_o2.core.errors import O2Error


def is_up(directory: str | Path) -> bool:
    """Return whether a cluster was started in ``directory`` and all its daemons run."""
    current = state_file.read(layout(directory))
    return bool(current and not current.missing)


def status(directory: str | Path) -> dict[str, Any]:
    """Return the status of ``directory``: config_dir, minions, pids, control_socket, and readiness.

    Raises:
        O2Error: if no cluster was started there.
    """
    place = layout(directory)
    current = state_file.read(place)
    if current is None:
        raise O2Error(
            f"there is no cluster in {place.directory}: `coconut cluster up --dir {directory}` starts one"
        )
    known = known_hosts(current.control_socket)
    return {
        "directory": str(place.directory),
        "config_dir": str(place.conf),
        "minions": list(current.minions),
        "known": sorted(known & set(current.minions)),
        "pids": {one.name: one.pid for one in current.processes if one.alive},
        "dead": [one.name for one in current.dead],
        "control_socket": str(current.control_socket),
        "http": f"http://127.0.0.1:{Slot(current.slot).api_port}" if current.api else "",
        "sign_in": _link(current.sign_in_link),
        "namespaces": Network(place.directory).names() if current.namespaces else [],
        "ready": not current.dead and known >= set(current.minions),
    }


def _link(file: Path) -> str:
    """Return the one-time sign-in link; empty if there is none, or it was used."""
    try:
        return file.read_text().strip()
    except OSError:
        return ""
