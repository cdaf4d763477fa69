"""The same life of the same workflow through Salt O², as a client of control sees it."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.steps import Times
from salt_o2.control.client import ControlClient


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
    """Create the environment; the first word of CONFIGURE divides bring-up from configure."""
    configuring: list[float] = []

    def watch(progress: dict[str, Any]) -> None:
        if progress.get("transition") == "CONFIGURE" and not configuring:
            configuring.append(time.perf_counter() - progress["elapsed_s"])

    begin = time.perf_counter()
    environment = control.request("env_create", {"workflow": workflow, "vars": variables}, watch)
    end = time.perf_counter()
    divide = configuring[0] if configuring else end
    times.seconds["bring-up"], times.seconds["configure"] = divide - begin, end - divide
    return str(environment["id"])


def peak_memory_mb(pids: Iterable[int]) -> list[float]:
    """Return the peak resident memory of each process, in MB."""
    return [_peak(pid) / 1024 for pid in pids]


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])
