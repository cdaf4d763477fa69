"""Run the same steps of the same workflow through Salt O², as a client of control."""

import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from bench.timings import Times
from salt_o2.client.control_client import ControlClient


def measure(socket: Path, workflow: str, variables: dict[str, str]) -> Times:
    """Create, run and destroy an environment once and return the times."""
    times = Times()
    with ControlClient(socket) as control:
        environment = _create(control, workflow, variables, times)
        for step, event in (("start", "START_ACTIVITY"), ("stop", "STOP_ACTIVITY"), ("reset", "RESET")):
            with times.of(step):
                control.request("env_control", {"id": environment, "event": event})
        with times.of("teardown"):
            control.request("env_destroy", {"id": environment})
    return times


def _create(control: ControlClient, workflow: str, variables: dict[str, str], times: Times) -> str:
    """Create the environment; bring-up ends and configure begins when it was DEPLOYED."""
    begin = time.time()
    environment = control.request("env_create", {"workflow": workflow, "vars": variables})
    end = time.time()
    deployed = _moment(control, str(environment["id"]), "DEPLOYED")
    times.seconds["bring-up"], times.seconds["configure"] = deployed - begin, end - deployed
    return str(environment["id"])


def _moment(control: ControlClient, environment: str, state: str) -> float:
    """Return the time at which ``environment`` first entered ``state``, in seconds since the epoch."""
    lines = control.request("env_history", {"id": environment, "limit": 1_000_000})
    return next(
        datetime.fromisoformat(line["at"]).timestamp()
        for line in lines
        if line["kind"] == "AnnounceState" and line["what"]["state"] == state
    )


def peak_memory_mb(pids: Iterable[int]) -> list[float]:
    """Return the peak resident memory of each process, in MB."""
    return [_peak(pid) / 1024 for pid in pids]


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])
