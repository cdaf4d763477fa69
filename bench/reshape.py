"""A running environment is reshaped, beside a full redeploy that leads to the same.

Two environments run: one is reshaped, the other is not concerned. What the other's sink misses meanwhile is
counted from its output, where the Python sink says how many messages came and how many did not.
"""

import re
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

from salt_o2 import cluster
from salt_o2.control.client import ControlClient
from salt_o2.control.render import table

WORKFLOW = "fairmq-ex-1-n-1"
TOTALS = re.compile(r"total: (\d+) missing: (\d+)")
NEWS_S = 3.0
"""A sink tells its totals every second."""
Row = tuple[str, ...]


def main(rounds: int = 3) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="o2-bench-") as directory:
        status = cluster.up(directory, minions=2)
        try:
            with ControlClient(status["control_socket"]) as control:
                _print(_measure(control, rounds))
        finally:
            cluster.down(directory)


def _measure(control: ControlClient, rounds: int) -> tuple[list[Row], str]:
    other = _run(control, 2)
    before = _totals(control, other)
    rows = [
        _row("exclude, include 1 of 50 tasks", *_rounds(control, rounds, _exclude_and_include, (48, 48))),
        _row("scale 10 -> 20 -> 10", *_rounds(control, rounds, _scale, (10, 20))),
    ]
    time.sleep(NEWS_S)
    arrived, missing = (
        after - earlier for after, earlier in zip(_totals(control, other), before, strict=True)
    )
    _end(control, other)
    return rows, f"an environment beside them: {arrived} messages at its sink meanwhile, {missing} missing"


def _rounds(
    control: ControlClient,
    rounds: int,
    reshape: Callable[[ControlClient, str], None],
    sizes: tuple[int, int],
) -> tuple[list[float], list[float]]:
    """Return the seconds of ``reshape`` there and back, and of two redeploys to the same ``sizes``."""
    reshaped, redeployed = [], []
    for _ in range(rounds):
        environment = _run(control, sizes[0])
        begin = time.perf_counter()
        reshape(control, environment["id"])
        reshaped.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        for size in (sizes[1], sizes[0]):
            _end(control, environment)
            environment = _run(control, size)
        redeployed.append(time.perf_counter() - begin)
        _end(control, environment)
    return reshaped, redeployed


def _exclude_and_include(control: ControlClient, id: str) -> None:
    role = "diamond.processors.processor7"
    control.request("env_modify", {"id": id, "exclude": [role]})
    control.request("env_modify", {"id": id, "include": [role]})


def _scale(control: ControlClient, id: str) -> None:
    for processors in (20, 10):
        control.request("env_modify", {"id": id, "scale": {"processor": processors}})


def _run(control: ControlClient, processors: int) -> dict[str, Any]:
    variables = {"processors": str(processors), "rate": "20"}
    made = control.request("env_create", {"workflow": WORKFLOW, "vars": variables})
    running: dict[str, Any] = control.request("env_control", {"id": made["id"], "event": "START_ACTIVITY"})
    return running


def _end(control: ControlClient, environment: dict[str, Any]) -> None:
    control.request("env_destroy", {"id": environment["id"], "force": True, "allow_in_running_state": True})


def _totals(control: ControlClient, environment: dict[str, Any]) -> tuple[int, int]:
    sink = next(task for task in environment["tasks"] if task["path"].endswith(".sink"))
    text = str(control.request("task_log", {"id": sink["id"], "lines": 20}))
    arrived, missing = (TOTALS.findall(text) or [("0", "0")])[-1]
    return int(arrived), int(missing)


def _row(what: str, reshaped: list[float], redeployed: list[float]) -> Row:
    ours, theirs = statistics.median(reshaped), statistics.median(redeployed)
    return what, f"{ours:.3f}", f"{theirs:.3f}", f"{theirs / ours:.1f}"


def _print(found: tuple[list[Row], str]) -> None:
    rows, beside = found
    print("\na running environment reshaped, there and back, beside two full redeploys")
    print(table(("CHANGE", "RESHAPED (s)", "REDEPLOYED (s)", "TIMES QUICKER"), rows))
    print(beside, flush=True)
