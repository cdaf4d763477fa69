"""Sampler, two processors and a sink as real processes, driven as an agent drives them."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from salt_o2.core.states import ControlMode, TaskEvent
from salt_o2.device.conformance.device_under_test import channel_properties, free_port
from salt_o2.occ.channel import OccChannel
from salt_o2.occ.driver import send_event, wait_ready

OURS = str(Path(sys.executable).with_name("o2-device"))
PATIENCE_S = 30.0


class Running:
    """One process with its control channel and its output file."""

    def __init__(self, name, command, codec, folder, mode=ControlMode.FAIRMQ):
        self.name, self.mode = name, mode
        self.channel = OccChannel(free_port(), codec)
        self.output = folder / f"{name}.out"
        port = str(self.channel.port)
        fairmq = ["--id", name, "--session", folder.name, "-P", codec] if mode is ControlMode.FAIRMQ else []
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, *fairmq, "--control-port", port],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=folder,
                env=os.environ | {"OCC_CONTROL_PORT": port},
            )

    async def ready(self):
        outcome = await wait_ready(self.channel, self.mode, lambda pid: pid == self.process.pid, PATIENCE_S)
        assert outcome.failure is None, f"{self.name}: {outcome.failure}: {self.text()}"

    async def fire(self, event, arguments=None):
        outcome = await send_event(self.channel, self.mode, TaskEvent(event), arguments or {}, PATIENCE_S)
        assert outcome.failure is None, f"{self.name}: {outcome.failure}: {self.text()}"
        return outcome

    async def says(self, pattern, since=0):
        """Wait until the output has ``pattern`` after that many characters; return all it has there."""
        async with asyncio.timeout(PATIENCE_S):
            while not (found := re.findall(pattern, self.text()[since:])):
                assert self.process.poll() is None, f"{self.name} ended: {self.text()}"
                await asyncio.sleep(0.02)
        return found

    async def reaches(self, state):
        async with asyncio.timeout(PATIENCE_S):
            while (await self.channel.get_state(PATIENCE_S)).state != state:
                await asyncio.sleep(0.01)

    async def code(self):
        return await asyncio.to_thread(self.process.wait, PATIENCE_S)

    def text(self):
        return self.output.read_text(errors="replace")


class Stage:
    """Starts processes in a folder; ends whatever is left of them."""

    def __init__(self, folder):
        self.folder, self.running = folder, []

    def start(self, name, command, codec="OCClite", mode=ControlMode.FAIRMQ):
        self.running.append(Running(name, command, codec, self.folder, mode))
        return self.running[-1]

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        for running in self.running:
            if running.process.poll() is None:
                os.killpg(running.process.pid, signal.SIGKILL)
            running.process.wait()
            await running.channel.close()


def diamond(first, second):
    """Properties of sampler, processors and sink for these addresses (bound, and as peers see them)."""
    pull, push = {}, {}
    for name, (bound, seen) in {"data1": first, "data2": second}.items():
        push[name] = (channel_properties(name, "push", "bind", bound), seen)
        pull[name] = channel_properties(name, "pull", "connect", seen)
    processor = pull["data1"] | channel_properties("data2", "push", "connect", second[1])
    return {
        "sampler": push["data1"][0],
        "processor1": processor,
        "processor2": processor,
        "sink": channel_properties("data2", "pull", "bind", second[0]),
    }
