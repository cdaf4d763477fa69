"""Modify a running environment, and compare it with two full deployments that lead to the same plan.

Two environments run: one is modified, the other is not. The messages that the sink of the other misses are
counted from its output, where the Python sink reports how many messages came and how many did not.

    of 12 tasks    ten processors of a diamond become twenty: nearly all tasks
    of 50 tasks    ten of a farm become twenty beside forty others (bench/synthetic_workflow.py)
    with the pool  the same with ten tasks in the pool; the deployments use the pool too
"""

import re
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench import synthetic_workflow
from salt_o2 import cluster
from salt_o2.client.control_client import ControlClient
from salt_o2.presentation.layout import table

TOTALS = re.compile(r"total: (\d+) missing: (\d+)")
NEWS_S = 3.0
"""A sink reports its totals every second."""
Row = tuple[str, ...]


@dataclass(frozen=True)
class Subject:
    """What is modified: a workflow, the variable with the number of tasks, and the name of their roles."""

    workflow: str
    count: str
    role: str
    keep: bool = False
    """Whether departing tasks are transferred to the pool, also by the deployments."""


DIAMOND = Subject("fairmq-ex-1-n-1", "processors", "processor")
FARM, POOLED = (
    Subject(synthetic_workflow.WORKFLOW, "epns", "epn"),
    Subject(synthetic_workflow.WORKFLOW, "epns", "epn", keep=True),
)


Reshape = Callable[[ControlClient, Subject, str], None]


def main(rounds: int = 3) -> None:
    """Measure and print the table."""
    with tempfile.TemporaryDirectory(prefix="o2-bench-") as directory:
        status = cluster.up(directory, minions=2, workers=3)
        synthetic_workflow.write(directory)
        try:
            with ControlClient(status["control_socket"]) as control:
                _print(_measure(control, rounds))
        finally:
            cluster.down(directory)


def _measure(control: ControlClient, rounds: int) -> tuple[list[Row], str]:
    other = _run(control, DIAMOND, 2)
    before = _totals(control, other)
    changes: tuple[tuple[str, Subject, Reshape, tuple[int, int]], ...] = (
        ("exclude, include 1 of 50 tasks", DIAMOND, _exclude_and_include, (48, 48)),
        ("scale 10 -> 20 -> 10, of 12 tasks", DIAMOND, _scale, (10, 20)),
        ("scale 10 -> 20 -> 10, of 50 tasks", FARM, _scale, (10, 20)),
        ("the same with the pool", POOLED, _scale, (10, 20)),
    )
    rows = [
        _row(name, *_rounds(control, rounds, subject, change, sizes))
        for name, subject, change, sizes in changes
    ]
    control.request("pool_clean", {"all": True}, timeout_s=120.0)
    time.sleep(NEWS_S)
    arrived, missing = (
        after - earlier for after, earlier in zip(_totals(control, other), before, strict=True)
    )
    _end(control, DIAMOND, other)
    return rows, f"an environment beside them: {arrived} messages at its sink meanwhile, {missing} missing"


def _rounds(
    control: ControlClient,
    rounds: int,
    subject: Subject,
    reshape: Reshape,
    sizes: tuple[int, int],
) -> tuple[list[float], list[float]]:
    """Return the seconds of ``reshape`` there and back, and of two redeploys to the same ``sizes``."""
    reshaped, redeployed = [], []
    for _ in range(rounds):
        environment = _run(control, subject, sizes[0])
        if subject.keep:
            reshape(control, subject, environment["id"])  # what leaves here waits for the next
        begin = time.perf_counter()
        reshape(control, subject, environment["id"])
        reshaped.append(time.perf_counter() - begin)
        begin = time.perf_counter()
        for size in (sizes[1], sizes[0]):
            _end(control, subject, environment)
            environment = _run(control, subject, size)
        redeployed.append(time.perf_counter() - begin)
        _end(control, subject, environment)
    return reshaped, redeployed


def _exclude_and_include(control: ControlClient, _subject: Subject, id: str) -> None:
    role = "diamond.processors.processor7"
    control.request("env_modify", {"id": id, "exclude": [role]})
    control.request("env_modify", {"id": id, "include": [role]})


def _scale(control: ControlClient, subject: Subject, id: str) -> None:
    for number in (20, 10):
        wanted = {"id": id, "scale": {subject.role: number}, "keep_tasks": subject.keep}
        control.request("env_modify", wanted)


def _run(control: ControlClient, subject: Subject, number: int) -> dict[str, Any]:
    variables = {subject.count: str(number), "rate": "20"}
    made = control.request("env_create", {"workflow": subject.workflow, "vars": variables})
    running: dict[str, Any] = control.request("env_control", {"id": made["id"], "event": "START_ACTIVITY"})
    return running


def _end(control: ControlClient, subject: Subject, environment: dict[str, Any]) -> None:
    how = {"force": True, "allow_in_running_state": True, "keep_tasks": subject.keep}
    control.request("env_destroy", {"id": environment["id"], **how})


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
