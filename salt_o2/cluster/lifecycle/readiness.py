"""Readiness of a cluster: control knows every minion's agent, and every minion accepts jobs.

Agents sign in to the master independently, mostly before the minion that runs them has done so.
"""

import socket
import time
from collections.abc import Callable
from pathlib import Path

from salt_o2.client.control_client import ControlClient
from salt_o2.cluster.paths import API, Layout
from salt_o2.cluster.port_slots import Slot
from salt_o2.cluster.state_file import Record
from salt_o2.core.errors import O2Error, UnreachableError

Say = Callable[[str], None]

REPORTS = "ACTIVE"
"""Status of a host whose agent reports, as in core/recovery/host_liveness.py (slow to import)."""
_POLL_S = 0.05
_TAIL_LINES = 15


def known_hosts(control_socket: Path) -> set[str]:
    """Return the hosts whose agents report to control; none if control does not answer."""
    try:
        with ControlClient(control_socket) as control:
            hosts = control.request("host_list", timeout_s=5)
            return {host["id"] for host in hosts if host["status"] == REPORTS}
    except UnreachableError:
        return set()


def wait_until_ready(layout: Layout, record: Record, timeout_s: float, say: Say) -> None:
    """Return when all minions of ``record`` are ready.

    Raises:
        O2Error: when one of its daemons has died, or after ``timeout_s``; with the end of the log.
    """
    deadline = time.monotonic() + timeout_s
    missing = set(record.minions)
    while missing:
        _check(layout, record, missing, deadline, timeout_s)
        time.sleep(_POLL_S)
        ready = {host for host in known_hosts(record.control_socket) & missing if takes_jobs(layout, host)}
        for host in sorted(ready):
            say(f"{host} is ready")
        missing -= ready
    while record.api and not is_listening(Slot(record.slot).api_port):
        _check(layout, record, {API}, deadline, timeout_s)
        time.sleep(_POLL_S)


def _check(layout: Layout, record: Record, missing: set[str], deadline: float, timeout_s: float) -> None:
    """Raise O2Error if a daemon has ended, or the time is over."""
    for process in record.dead:
        raise O2Error(
            f"{process.name} ended while starting; the end of its log:\n{tail(layout, process.name)}"
        )
    if time.monotonic() > deadline:
        raise O2Error(_too_slow(layout, record, missing, timeout_s))


def is_listening(port: int) -> bool:
    """Return whether a process listens on ``port`` of the loopback address."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def takes_jobs(layout: Layout, minion: str) -> bool:
    """Return whether the minion has logged, in this start, that it accepts jobs.

    Source: `salt/minion.py`, `tune_in`.
    """
    try:
        return "Minion is ready to receive requests!" in layout.log(minion).read_text(errors="replace")
    except FileNotFoundError:
        return False


def _too_slow(layout: Layout, record: Record, missing: set[str], timeout_s: float) -> str:
    late = "master" if len(missing) == len(record.minions) else min(missing)
    return (
        f"{', '.join(sorted(missing))} not ready after {timeout_s:g} s; "
        f"the last lines of {layout.log(late)}:\n{tail(layout, late)}"
    )


def tail(layout: Layout, daemon: str, lines: int = _TAIL_LINES) -> str:
    """Return the last lines of a daemon's log and of its terminal output."""
    found: list[str] = []
    for path in (layout.log(daemon), layout.output(daemon)):
        if path.exists():
            found += path.read_text(errors="replace").splitlines()[-lines:]
    return "\n".join(found[-2 * lines :]) or f"(nothing in {layout.logs})"
