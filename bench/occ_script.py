"""Start and drive the same processes over OCC from a script, without a control system, all at once."""

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.timings import Times
from salt_o2.control.planning.plan_builder import make_plan
from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.plan.plan import Plan, PlannedTask
from salt_o2.core.states import TaskEvent, TaskState
from salt_o2.occ.channel import OccChannel
from salt_o2.occ.driver import send_event, wait_ready
from salt_o2.workflow.expansion.loader import load
from salt_o2.workflow.sources.directory import Directory

READY_TIMEOUT_S = 120.0
STEP_TIMEOUT_S = 60.0


def plan_of(directory: Path, workflow: str, variables: dict[str, str]) -> Plan:
    """Return the plan of ``workflow`` on this host."""
    inventory = Inventory()
    facts = HostFacts(address="127.0.0.1", network="here", cpus=1000.0, memory_mb=1e6)
    inventory.add_host("here", facts)
    numbers = iter(range(1_000_000))
    loaded = load(Directory(directory), workflow, variables=variables)
    return make_plan(loaded, inventory, "bare", lambda: f"bare{next(numbers)}")


async def measure(plan: Plan) -> Times:
    """Start, run and stop the processes of ``plan`` once and return the times."""
    times = Times()
    with tempfile.TemporaryDirectory() as output:
        devices = [Device(task, Path(output)) for task in plan.tasks]
        try:
            with times.of("bring-up"):
                await asyncio.gather(*(device.start() for device in devices))
            for step, event in (
                ("configure", TaskEvent.CONFIGURE),
                ("start", TaskEvent.START),
                ("stop", TaskEvent.STOP),
                ("reset", TaskEvent.RESET),
            ):
                with times.of(step):
                    await asyncio.gather(*(device.fire(event) for device in devices))
            with times.of("teardown"):
                await asyncio.gather(*(device.end() for device in devices))
        finally:
            for device in devices:
                device.kill()
    return times


class Device:
    """One process and its control channel."""

    def __init__(self, task: PlannedTask, output: Path) -> None:
        self._task = task
        self._output = output / task.id
        self._channel: OccChannel | None = None
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        launch = self._task.launch
        port = launch.control_port
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {**os.environ, "PATH": path, "OCC_CONTROL_PORT": str(port)}
        command = launch.command_line if launch.shell else [launch.value, *launch.arguments]
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                shell=launch.shell,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        assert port is not None
        self._channel = OccChannel(port, launch.codec)
        outcome = await wait_ready(self._channel, launch.mode, lambda _pid: True, READY_TIMEOUT_S)
        self._check("launch", outcome.state, TaskState.STANDBY)

    async def fire(self, event: TaskEvent) -> None:
        assert self._channel is not None
        arguments = self._task.properties if event is TaskEvent.CONFIGURE else {"run_number": "1"}
        outcome = await send_event(self._channel, self._task.launch.mode, event, arguments, STEP_TIMEOUT_S)
        if outcome.failure:
            raise RuntimeError(f"{self._task.path}: {event}: {outcome.failure}")

    async def end(self) -> None:
        assert self._process is not None
        await self.fire(TaskEvent.EXIT)
        await asyncio.to_thread(self._process.wait, STEP_TIMEOUT_S)
        await self.close()

    async def close(self) -> None:
        if self._channel is not None:
            await self._channel.close()

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _check(self, asked: str, state: TaskState, expected: TaskState) -> None:
        if state is not expected:
            raise RuntimeError(f"{self._task.path}: {asked}: {state} instead of {expected}")
