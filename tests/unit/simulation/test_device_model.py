"""The model of a device answers requests as a real device in Python does: each sequence runs on both."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from salt_o2.core.errors import UnreachableError
from salt_o2.occ.channel import OccChannel
from salt_o2.occ.wire.replies import ReplyTimeout, RpcRefused
from salt_o2.simulation.machine.device import Behaviour, Device, Trouble
from salt_o2.simulation.machine.event_loop import VirtualLoop
from salt_o2.simulation.machine.kernel import SimulatedKernel
from salt_o2.simulation.machine.occ_channel import SimulatedOccChannel

UP = (("IDLE", "INIT DEVICE"), ("INITIALIZING DEVICE", "COMPLETE INIT"), ("INITIALIZED", "BIND"),
      ("BOUND", "CONNECT"), ("DEVICE READY", "INIT TASK"), ("READY", "RUN"))  # fmt: skip
DOWN = (("RUNNING", "STOP"), ("READY", "RESET TASK"), ("DEVICE READY", "RESET DEVICE"), ("IDLE", "END"))
WRONG = (
    ("READY", "RUN"),
    ("IDLE", "RUN"),
    ("IDLE", "NO SUCH EVENT"),
    ("IDLE", "INIT DEVICE"),
    ("IDLE", "INIT DEVICE"),
)
EARLY_BACK = (*UP[:4], ("DEVICE READY", "RESET DEVICE"), ("IDLE", "END"))
SEQUENCES = {"up and down": UP + DOWN, "wrong requests": WRONG, "back early": EARLY_BACK}


async def answers(channel, sequence):
    """Return the state before each request and what came of it."""
    said = []
    for source, event in sequence:
        state = (await channel.get_state(10)).state
        try:
            reply = await channel.transition(source, event, {}, 10)
        except RpcRefused as error:
            said.append((state, event, error.status))
        else:
            said.append((state, event, reply.ok, reply.trigger.name, reply.state, reply.event))
    return said


async def ready(channel):
    async with asyncio.timeout(30):
        while True:
            try:
                if await channel.listening() and (await channel.get_state(5)).state == "IDLE":
                    return
            except UnreachableError:
                pass
            await asyncio.sleep(0.05)


def on_real(scene, codec):
    """Run ``scene`` with the channel of a real device."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = str(Path(sys.executable).with_name("o2-device"))
    command = [program, "sink", "--id", "sink", "-P", codec, "--color", "false", "--control-port", str(port)]
    device = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    async def work():
        channel = OccChannel(port, codec)
        try:
            await ready(channel)
            return await scene(channel)
        finally:
            await channel.close()

    try:
        return asyncio.run(work())
    finally:
        device.kill()
        device.wait()


def on_model(scene, codec, behaviour=Behaviour()):  # noqa: B008  a value
    """Run ``scene`` with the channel of a simulated device."""
    loop = VirtualLoop(Random(1))

    async def work():
        kernel = SimulatedKernel(loop, Random(2), "flp1", lambda *_: None)
        process = kernel.add_stranger(1e6)
        process.program = Device(kernel, Random(3), 30000, behaviour)
        process.program.begin(process)
        channel = SimulatedOccChannel(kernel, Random(4), 30000, codec)
        await ready(channel)
        return await scene(channel)

    try:
        return loop.run_until_complete(work())
    finally:
        loop.close()


@pytest.mark.parametrize("codec", ["OCC", "OCClite"])
def test_the_model_answers_as_a_real_device(codec):
    for name, sequence in SEQUENCES.items():

        async def scene(channel, sequence=sequence):
            return await answers(channel, sequence)

        real = on_real(scene, codec)
        if codec == "OCClite":  # this codec has one status for all mismatches of states
            real = [
                tuple("INVALID_ARGUMENT" if word == "CANCELLED" else word for word in one) for one in real
            ]
        assert on_model(scene, codec) == real, name


def test_the_model_streams_states_as_a_real_device_does_but_for_those_that_pass_at_once():
    async def scene(channel):
        seen = []

        async def follow():
            async for state in channel.states():
                seen.append(state)

        following = asyncio.create_task(follow())
        await asyncio.sleep(0.5)
        await answers(channel, UP + DOWN)
        async with asyncio.timeout(10):
            await following
        return [state for state in seen if not state.endswith("ING") or state in ("RUNNING", "EXITING")]

    real = [
        state
        for state in on_real(scene, "OCC")
        if state not in ("INITIALIZING TASK", "RESETTING TASK", "RESETTING DEVICE")
    ]
    assert list(on_model(scene, "OCC")) == real


@pytest.mark.parametrize(
    ("trouble", "error"),
    [(Trouble.HANG, ReplyTimeout), (Trouble.CRASH, UnreachableError), (Trouble.REFUSES, RpcRefused)],
)
def test_a_device_in_trouble_shows_it_in_the_step_that_was_drawn(trouble, error):
    async def scene(channel):
        await channel.transition("IDLE", "INIT DEVICE", {}, 10)
        with pytest.raises(error):
            await channel.transition("INITIALIZING DEVICE", "COMPLETE INIT", {}, 10)

    on_model(scene, "OCC", Behaviour(trouble, "COMPLETE INIT"))


def test_a_channel_refuses_the_answer_of_another_process():
    async def scene(channel):
        channel.history.pid = 4711
        with pytest.raises(UnreachableError, match="instead of process 4711"):
            await channel.get_state(1)

    on_model(scene, "OCC")
