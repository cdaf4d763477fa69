"""Kill the daemons of a private cluster, as a power cut of the control system alone would.

Tasks are not affected: each leads its own session and continues to run. `up` in the same directory restarts
the same cluster.
"""

import signal
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from salt_o2.cluster import state_file
from salt_o2.cluster.paths import layout
from salt_o2.cluster.processes import Process, members, names_of, wait_until_gone
from salt_o2.core.errors import O2Error, UnknownNameError

Say = Callable[[str], None]

GONE_S = 10.0
"""Time limit for the kernel to end a killed process, in seconds."""


def kill(directory: str | Path, only: Collection[str] = (), say: Say = lambda _: None) -> dict[str, Any]:
    """Kill the daemons of the cluster in ``directory`` and their engines: all, or ``only`` some.

    Raises:
        UnknownNameError: if there is no such cluster, or no such daemon in it.
        O2Error: if the kernel does not end a process in time.
    """
    place = layout(directory)
    current = state_file.read(place)
    if current is None:
        raise UnknownNameError(f"there is no cluster in {place.directory}")
    known = [process.name for process in current.processes]
    if unknown := set(only) - set(known):
        raise UnknownNameError(
            f"no daemon {', '.join(sorted(unknown))} in {place.directory}; daemons there: {', '.join(known)}"
        )
    victims = [process for process in current.processes if not only or process.name in only]
    survivors = kill_daemons(victims)
    if survivors:
        raise O2Error(f"{names_of(survivors)} do not end after SIGKILL: see dmesg")
    say(f"killed {names_of(victims)}; tasks continue")
    return {"directory": str(place.directory), "killed": [one.name for one in victims]}


def kill_daemons(daemons: Sequence[Process]) -> list[Process]:
    """Kill each daemon with all of its session; return the processes that do not end.

    All processes are stopped first, until no new one is found. Otherwise a supervisor would restart its
    children when they are killed, and a missed child would keep the daemon's ports.
    """
    everyone = _stopped(daemons)
    for one in everyone:
        one.send(signal.SIGKILL)
    return wait_until_gone(everyone, GONE_S)


def _stopped(daemons: Sequence[Process]) -> list[Process]:
    """Stop each daemon with all of its session, and return the processes."""
    found: dict[int, Process] = {}
    fresh = list(daemons)
    while fresh:
        for one in fresh:
            one.send(signal.SIGSTOP)
            found[one.pid] = one
        processes = [member for daemon in daemons for member in members(daemon)]
        fresh = [member for member in processes if member.pid not in found]
    return list(found.values())
