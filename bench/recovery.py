"""Measure the recovery from faults: processes killed in a run, control killed, an agent killed.

Times of processes come from the journal of control, which has the moment of each report. They begin
with the clock just before the kill. Beside them: start, configure and start of as many devices by a script.
"""

import asyncio
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from bench import occ_script
from salt_o2 import cluster
from salt_o2.client.agent_client import connect
from salt_o2.client.control_client import ControlClient
from salt_o2.cluster.faults.components import agent_pid
from salt_o2.cluster.lifecycle.salt_config import packaged
from salt_o2.core.errors import O2Error
from salt_o2.core.states import TaskEvent
from salt_o2.presentation.layout import table

WORKFLOW = "fairmq-ex-1-n-1"
LOOK_S = 0.005
REST_S = 5.0
"""Pause between requests for the journal, which load control; the journal has the exact times."""
LONGEST_S = 120.0
ONE_IN = 50
HEARTBEAT_S = 10.0
"""An agent that is killed here must not count as a lost host."""

Row = tuple[str, ...]


def main(kinds: dict[str, str], tasks: int = 200, rounds: int = 3) -> None:
    """Measure and print, for each of ``kinds`` of devices with its ``fairmq_prefix``."""
    for kind, prefix in kinds.items():
        _main(kind, prefix, tasks, rounds)


def _main(kind: str, prefix: str, tasks: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="o2-bench-") as directory:
        status = cluster.up(directory, minions=4, workers=3, heartbeat_s=HEARTBEAT_S)
        try:
            _print(f"{tasks} {kind}", _measure(Path(directory), status, prefix, tasks, rounds))
        finally:
            cluster.down(directory)


def _measure(directory: Path, status: dict[str, Any], prefix: str, tasks: int, rounds: int) -> list[Row]:
    with ControlClient(status["control_socket"]) as control:
        variables = {"processors": str(tasks - 2), "rate": "10", "recovery_restarts": "1000"}
        variables["fairmq_prefix"] = prefix
        made = control.request("env_create", {"workflow": WORKFLOW, "vars": variables})
        environment = {"id": made["id"]}
        control.request("env_control", environment | {"event": "START_ACTIVITY"})
        found = [_kill_some(control, made["id"], tasks, number) for number in range(rounds)]
        rows = [
            _row("kill -9 to detection", [each for one in found for each in one[0]], "0.050"),
            _row("kill -9 to RUNNING again", [each for one in found for each in one[1]], "1.000"),
            _row(
                "bare start, configure and start of as many at once",
                _bare(prefix, tasks // ONE_IN, rounds),
                "",
            ),
        ]
        rows += _restarts(control, directory, status, made["id"], rounds)
        control.request("env_destroy", environment | {"force": True, "allow_in_running_state": True})
    return rows


def _kill_some(control: ControlClient, id: str, tasks: int, number: int) -> tuple[list[float], list[float]]:
    """Kill one in fifty processors; return the seconds until each failure and each recovery was known."""
    shown = control.request("env_show", {"id": id})
    able = [task for task in shown["tasks"] if "processor" in task["path"]]
    victims = [able[(number + ONE_IN * n) % len(able)] for n in range(tasks // ONE_IN)]
    known = len(control.request("env_history", {"id": id, "limit": 1_000_000}))
    killed = {}
    for victim in victims:
        killed[victim["id"]] = time.time()
        os.kill(victim["pid"], signal.SIGKILL)

    def news(kind: str) -> dict[str, float]:
        lines = control.request("env_history", {"id": id, "after": known, "limit": 1_000_000})
        found = [line for line in lines if line["kind"] == kind]
        return {line["what"]["task"]: datetime.fromisoformat(line["at"]).timestamp() for line in found}

    time.sleep(REST_S)
    _until(lambda: set(news("AnnounceRecovery")) >= set(killed), "all killed tasks are back", REST_S)
    deaths, returns = news("AnnounceFailure"), news("AnnounceRecovery")
    return (
        [deaths[task] - at for task, at in killed.items() if task in deaths],
        [returns[task] - at for task, at in killed.items()],
    )


def _bare(prefix: str, devices: int, rounds: int) -> list[float]:
    """Return the seconds in which a script starts, configures and starts so many devices at once."""
    variables = {"processors": str(devices), "fairmq_prefix": prefix}
    plan = occ_script.plan_of(packaged("examples"), WORKFLOW, variables)
    tasks = [task for task in plan.tasks if "processor" in task.path]

    async def bring(device: occ_script.Device) -> float:
        begin = time.perf_counter()
        await device.start()
        await device.fire(TaskEvent.CONFIGURE)
        await device.fire(TaskEvent.START)
        return time.perf_counter() - begin

    async def measure() -> list[float]:
        with tempfile.TemporaryDirectory() as output:
            processes = [occ_script.Device(task, Path(output)) for task in tasks]
            try:
                return await asyncio.gather(*(bring(device) for device in processes))
            finally:
                for device in processes:
                    await device.close()
                    device.kill()

    return [seconds for _ in range(rounds) for seconds in asyncio.run(measure())]


def _restarts(
    control: ControlClient, directory: Path, status: dict[str, Any], id: str, rounds: int
) -> list[Row]:
    returns, adoptions, away = [], [], []
    minion = status["minions"][0]
    for _ in range(rounds):
        returns.append(_kill_control(control, id))
        seconds, gone = _kill_agent(directory, status, minion)
        adoptions.append(seconds)
        away.append(gone)
    return [
        _row("return of control after kill -9, all tasks known", returns, "3.000"),
        _row("adoption by a restarted agent, from its first moment", adoptions, "1.000"),
        _row("the same from the kill: Salt starts the engine again", away, ""),
    ]


def _kill_control(control: ControlClient, id: str) -> float:
    pid = control.request("info")["pid"]
    begin = time.perf_counter()
    os.kill(pid, signal.SIGKILL)
    _until(lambda: _all_known(control, id, pid), "control knows all tasks again", LOOK_S)
    return time.perf_counter() - begin


def _all_known(control: ControlClient, id: str, before: int) -> bool:
    try:
        if control.request("info", timeout_s=5)["pid"] == before:
            return False
        return all(task["state"] == "RUNNING" for task in control.request("env_show", {"id": id})["tasks"])
    except O2Error:
        return False


def _kill_agent(directory: Path, status: dict[str, Any], minion: str) -> tuple[float, float]:
    sock_dir = Path(status["control_socket"]).parent.parent / minion
    with connect(sock_dir, 5.0) as agent:
        expected = len(agent.tasks())
    before = agent_pid(directory, minion)
    assert before is not None
    begin = time.perf_counter()
    os.kill(before, signal.SIGKILL)
    _until(lambda: agent_pid(directory, minion) not in (None, before), "Salt starts another agent", LOOK_S)
    there = time.perf_counter()
    _until(lambda: _adopted(sock_dir) == expected, "it has adopted all tasks", LOOK_S)
    return time.perf_counter() - there, time.perf_counter() - begin


def _adopted(sock_dir: Path) -> int:
    try:
        with connect(sock_dir, 1.0) as agent:
            return sum(task["state"] == "RUNNING" for task in agent.tasks())
    except O2Error:
        return -1


def _until(condition: Callable[[], bool], what: str, every_s: float) -> None:
    end = time.monotonic() + LONGEST_S
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {LONGEST_S:g} s: {what}")
        time.sleep(every_s)


def _row(what: str, seconds: list[float], target: str) -> Row:
    if not seconds:
        return what, "0", "-", "-", target
    return what, str(len(seconds)), f"{statistics.median(seconds):.3f}", f"{max(seconds):.3f}", target


def _print(what: str, rows: list[Row]) -> None:
    print(f"\nfaults in a run of {what} on 4 minions, one in {ONE_IN} killed (s)")
    print(table(("FROM ... TO", "TIMES", "MEDIAN", "MOST", "TARGET"), rows), flush=True)
