"""Rules about the command line and the control port."""

import asyncio
import os

from salt_o2.device.conformance.device_under_test import PATIENCE_S, Trial, expect, free_port
from salt_o2.occ.channel import OccChannel


async def idle_with_pid(trial: Trial) -> None:
    """A started device answers GetState with IDLE and its process id."""
    device = await trial.start()
    found = await device.channel.get_state(5.0)
    expect(os.getpgid(found.pid) == device.process.pid, f"{found.pid} is not a process of the command")


async def environment_wins(trial: Trial) -> None:
    """OCC_CONTROL_PORT of the environment wins over --control-port."""
    port = free_port()
    device = trial.launch(port=free_port(), env={"OCC_CONTROL_PORT": str(port)})
    device.channel.port = port
    await device.ready()


async def unknown_options(trial: Trial) -> None:
    """Options that the device does not know are accepted in silence."""
    await trial.start("--no-such-option", "7", "--another-one=x", "--shm-segment-size", "10000000")


async def unknown_plugin(trial: Trial) -> None:
    """A plugin that does not exist ends the device with exit code 1."""
    device = trial.launch("-P", "NoSuchPlugin")
    await device.ends(1)


async def shared_port(trial: Trial) -> None:
    """Two devices on one port both live and answer in turns, so a controller must compare process ids."""
    port = free_port()
    first = await trial.start(port=port)
    second = trial.launch(port=port)
    pids = set()
    for _ in range(1000):
        channel = OccChannel(port, trial.codec)
        pids.add((await channel.get_state(PATIENCE_S)).pid)
        await channel.close()
        if len(pids) > 1:
            break
        await asyncio.sleep(0.01)
    codes = [device.process.poll() for device in (first, second)]
    expect(codes == [None, None], f"they ended with {codes}")
    expect(len(pids) == 2, f"only {pids} ever answered")


RULES = (idle_with_pid, environment_wins, unknown_options, unknown_plugin, shared_port)
