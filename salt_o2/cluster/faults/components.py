"""Components of a private cluster that may fail, each with its process.

The agent of a minion is found by the lock of its directory, which one process at a time holds. Control
reports its own pid.
"""

import os
from contextlib import suppress
from pathlib import Path

from salt_o2.client.control_client import ControlClient
from salt_o2.cluster import state_file
from salt_o2.cluster.paths import Layout, layout
from salt_o2.cluster.processes import Process, members
from salt_o2.core.errors import UnreachableError


def control_pid(directory: str | Path) -> int | None:
    """Return the pid of control's process; ``None`` if control does not answer."""
    current = state_file.read(layout(directory))
    if current is None:
        return None
    try:
        with ControlClient(current.control_socket) as control:
            return int(control.request("info", timeout_s=5)["pid"])
    except UnreachableError:
        return None


def agent_pid(directory: str | Path, minion: str) -> int | None:
    """Return the pid of the agent's process of ``minion``; ``None`` if no agent runs."""
    place = layout(directory)
    leader = daemon(directory, minion)
    found = members(leader) if leader else []
    return next((one.pid for one in found if _has_open(one.pid, _lock(place, minion))), None)


def daemon(directory: str | Path, name: str) -> Process | None:
    """Return the leader of a daemon's processes, for ``master`` or a minion."""
    current = state_file.read(layout(directory))
    return next((one for one in current.processes if one.name == name), None) if current else None


def _lock(place: Layout, minion: str) -> Path:
    return place.agent(minion) / "lock"


def _has_open(pid: int, path: Path) -> bool:
    with suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208
            with suppress(OSError):  # the file was closed meanwhile
                if Path(f"/proc/{pid}/fd/{name}").readlink() == path:
                    return True
    return False
