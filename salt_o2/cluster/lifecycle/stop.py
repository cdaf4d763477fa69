"""Stop a private cluster: environments first, then daemons, then leftovers."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from salt_o2.client.control_client import ControlClient
from salt_o2.cluster import processes, state_file
from salt_o2.cluster.lifecycle.daemons import end_daemons
from salt_o2.cluster.namespaces import Network
from salt_o2.cluster.network_links import heal_all
from salt_o2.cluster.paths import Layout, layout
from salt_o2.cluster.processes import names_of
from salt_o2.cluster.state_file import Record
from salt_o2.core.errors import O2Error, UnreachableError

Say = Callable[[str], None]

PATIENCE_S = 8.0
"""Time limit for a daemon to end before it is killed, in seconds."""
DESTROY_TIMEOUT_S = 30.0


def quiet(_message: str) -> None:
    """Ignore the message."""


def down(directory: str | Path, keep: bool = False, say: Say = quiet) -> dict[str, Any]:
    """End all processes of the cluster in ``directory``, and remove the directory unless ``keep``.

    Environments are destroyed first, then the daemons end. Processes that still carry the cluster's marker
    are ended, too, and returned as ``leftovers``. There should be none.

    Raises:
        O2Error: if a process could not be ended.
    """
    place = layout(directory)
    current = state_file.read(place)
    if current and not current.dead:
        _heal(place, current)
        _destroy_environments(current, say)
    if current:
        end_daemons(current.processes, PATIENCE_S)
    leftovers = _end_leftovers(place, say)
    Network(place.directory).remove()
    if current:
        _remove_sockets(current.run)
    if current:
        _remove(place, current, keep)
    say(f"the cluster in {place.directory} is down")
    return {"directory": str(place.directory), "was_up": bool(current), "leftovers": leftovers}


def _heal(place: Layout, current: Record) -> None:
    """Restore all links, so that hosts learn that their environments end."""
    if current.namespaces:
        with suppress(O2Error):  # parts may be missing already; the remaining processes are killed
            heal_all(place.directory, current)


def _destroy_environments(current: Record, say: Say) -> None:
    try:
        with ControlClient(current.control_socket) as control:
            for environment in control.request("env_list", {"all": False}, timeout_s=5):
                say(f"destroying environment {environment['id']}")
                arguments = {"id": environment["id"], "allow_in_running_state": True, "force": True}
                control.request("env_destroy", arguments, timeout_s=DESTROY_TIMEOUT_S)
            control.request("pool_clean", {"all": True}, timeout_s=DESTROY_TIMEOUT_S)
    except UnreachableError as error:
        say(f"environments cannot be destroyed: {error}")
    except O2Error as error:
        say(f"an environment could not be destroyed: {error}")


def _end_leftovers(place: Layout, say: Say) -> list[str]:
    """End tasks and children that outlived their daemons."""
    leftovers = processes.marked(place.directory)
    if not leftovers:
        return []
    say(f"stopping {len(leftovers)} processes that were left: {names_of(leftovers)}")
    processes.end(leftovers, PATIENCE_S / 4)
    if still := processes.marked(place.directory):
        raise O2Error(f"could not stop {', '.join(f'{one.name} (pid {one.pid})' for one in still)}")
    return [one.name for one in leftovers]


def _remove_sockets(folder: Path) -> None:
    """Remove the folder of sockets; `up` has made it, with this name, for this account."""
    if folder.name.startswith("o2-") and not folder.is_symlink():
        shutil.rmtree(folder, ignore_errors=True)


def _remove(place: Layout, current: Record, keep: bool) -> None:
    """Remove our files. Remove the directory itself only if it contains nothing else."""
    if not keep:
        for ours in (place.conf, place.logs, place.srv, *map(place.home, current.daemons)):
            shutil.rmtree(ours, ignore_errors=True)
    place.record.unlink(missing_ok=True)
    with suppress(OSError):
        place.directory.rmdir()
