"""Boot id of each host of a private cluster, and the sudden end of such a host.

Hosts of one machine share its kernel and its boot id. Where a host is a network namespace, its daemons and
tasks are also in a mount namespace, in which a file of the host covers the kernel's boot id: all programs
of the host read that file. Its content changes when the host is rebooted.
"""

import signal
import uuid
from pathlib import Path

from salt_o2.cluster.namespaces import NAMED, Network, tool
from salt_o2.cluster.paths import Layout
from salt_o2.cluster.processes import Process, marked, names_of, wait_until_gone
from salt_o2.core.errors import O2Error

BOOT_ID = "/proc/sys/kernel/random/boot_id"
GONE_S = 10.0
"""Time limit for the kernel to end a killed process, in seconds."""
MOUNT = f'mount --bind "$1" {BOOT_ID} && shift && exec "$@"'


def entrance(place: Layout, host: str) -> list[str]:
    """Return the command prefix for a command that must see the boot id of ``host``.

    Mounts of the machine are visible on the host; mounts of the host are not visible on the machine.
    """
    path = place.boot_id(host)
    if not path.exists():
        renew(place, host)
    unshare = [tool("unshare"), "--mount", "--propagation", "slave", "--"]
    return [*unshare, "/bin/sh", "-c", MOUNT, "sh", str(path)]


def renew(place: Layout, host: str) -> None:
    """Give the next boot of ``host`` another id."""
    path = place.boot_id(host)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{uuid.uuid4()}\n")


def end_host(place: Layout, host: str) -> list[Process]:
    """Kill all processes in the network namespace of ``host``, as a loss of power does; return them.

    All processes are stopped first, until no new one is found: a supervisor would restart its child.

    Raises:
        O2Error: if a process does not end.
    """
    found: dict[int, Process] = {}
    while fresh := [one for one in processes_on(place, host) if one.pid not in found]:
        for one in fresh:
            one.send(signal.SIGSTOP)
            found[one.pid] = one
    for one in found.values():
        one.send(signal.SIGKILL)
    if survivors := wait_until_gone(found.values(), GONE_S):
        raise O2Error(f"{names_of(survivors)} do not end after SIGKILL: see dmesg")
    return list(found.values())


def processes_on(place: Layout, host: str) -> list[Process]:
    """Return the processes in the network namespace of ``host`` that carry the cluster's marker."""
    own = (NAMED / Network(place.directory).of(host)).stat().st_ino
    return [one for one in marked(place.directory) if _network_of(one.pid) == own]


def _network_of(pid: int) -> int | None:
    try:
        return Path(f"/proc/{pid}/ns/net").stat().st_ino
    except OSError:
        return None
