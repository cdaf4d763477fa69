"""Observe a private cluster: control's reports on environments, and the kernel's processes."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from salt_o2.client.control_client import ControlClient
from salt_o2.cluster import state_file
from salt_o2.cluster.faults.invariants import Observation, ObservedEnvironment, ObservedHost, ObservedTask
from salt_o2.cluster.paths import layout
from salt_o2.cluster.processes import marked, session_of, start_time
from salt_o2.core.errors import O2Error, UnreachableError

ASK_S = 10.0
TOTALS = re.compile(r"total: \d+ missing: (\d+)")
"""Pattern of a sink's periodic report."""
LINES = 30


def look(directory: str | Path) -> Observation:
    """Return the current observation.

    Raises:
        UnreachableError: if control does not answer.
        O2Error: if an environment or the output of a host cannot be read.
    """
    place = layout(directory)
    current = state_file.read(place)
    if current is None:
        raise UnreachableError(f"there is no cluster in {place.directory}")
    with ControlClient(current.control_socket) as control:
        listed = control.request("env_list", timeout_s=ASK_S)
        shown = [control.request("env_show", {"id": env["id"]}, timeout_s=ASK_S) for env in listed]
        environments = {env["id"]: _environment(control, env) for env in shown}
        hosts = control.request("host_list", timeout_s=ASK_S)
        pooled = control.request("pool_list", timeout_s=ASK_S)["pooled"]
    return Observation(
        environments=environments,
        orphaned_pids=orphaned_pids(place.directory, [*shown, {"tasks": pooled}]),
        hosts={host["id"]: _host(host) for host in hosts},
    )


def _environment(control: ControlClient, env: Mapping[str, Any]) -> ObservedEnvironment:
    tasks = {task["path"]: _task(task) for task in env["tasks"]}
    sinks = {task["path"]: _missing(control, task) for task in env["tasks"] if _tells(task)}
    return ObservedEnvironment(
        id=env["id"],
        state=env["state"],
        run_number=env["run_number"],
        busy=env["transition"] is not None,
        tasks=tasks,
        missing={path: count for path, count in sinks.items() if count is not None},
    )


def _host(host: Mapping[str, Any]) -> ObservedHost:
    return ObservedHost(status=host["status"], address=host["address"], heard_s=host["last_seen_s"])


def _task(task: Mapping[str, Any]) -> ObservedTask:
    return ObservedTask(
        path=task["path"],
        host=task["host"],
        pid=task["pid"],
        started=task["started"],
        state=task["state"],
        takes_part=not (task.get("excluded") or task.get("lost")),
        alive=task["pid"] is not None and start_time(task["pid"]) is not None,
        plain=task["control_port"] is None,
        why=str(task.get("excluded") or task.get("lost") or task.get("error") or ""),
    )


def _tells(task: Mapping[str, Any]) -> bool:
    return "sink" in task["class"] and task["pid"] is not None


def _missing(control: ControlClient, task: Mapping[str, Any]) -> int | None:
    """Return the number of messages that a sink misses; ``None`` if it does not report one."""
    log = control.request("task_log", {"id": task["id"], "lines": LINES}, timeout_s=ASK_S)
    totals = [found[1] for line in log["stdout"] if (found := TOTALS.search(line))]
    return int(totals[-1]) if totals else None


def orphaned_pids(directory: Path, environments: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the task processes in this cluster that neither an active environment nor the pool knows."""
    pids = [task["pid"] for env in environments for task in env["tasks"] if task["pid"]]
    ours = {session_of(pid) for pid in pids}
    tasks = [one.pid for one in marked(directory) if is_of_a_task(one.pid)]
    return [pid for pid in tasks if session_of(pid) not in ours and start_time(pid) is not None]


def is_of_a_task(pid: int) -> bool:
    """Return whether a process carries an environment id, as tasks do and daemons do not."""
    try:
        return b"\0O2_PARTITION=" in b"\0" + Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def try_to_look(directory: str | Path) -> Observation | str:
    """Return the current observation, or the reason why there is none."""
    try:
        return look(directory)
    except O2Error as error:
        return str(error)
