"""Rules about data. FairMQ messages are plain ZeroMQ messages, so a plain socket can be the peer."""

import asyncio
from typing import Any

import zmq
import zmq.asyncio

from salt_o2.device.conformance.device_under_test import PATIENCE_S, Deviation, Trial, expect, free_port
from salt_o2.occ import fairmq_states as n

PEERS = {"push": zmq.PULL, "pull": zmq.PUSH, "pub": zmq.SUB, "sub": zmq.PUB}
MESSAGES, SIZE = 1500, 2000
"""More than all buffers between two sockets hold. All messages pass only if the device reads them."""


async def sends_over_ipc(trial: Trial) -> None:
    """It sends and takes messages over abstract ipc addresses."""
    await _exchange(trial, {name: trial.address(name) for name in trial.channels})


async def sends_over_path(trial: Trial) -> None:
    """It sends and takes messages over ipc sockets with a path."""
    await _exchange(trial, {name: f"ipc://{trial.folder / name}" for name in trial.channels})


async def sends_over_tcp(trial: Trial) -> None:
    """It sends and takes messages over tcp, bound to all addresses by tcp://*."""
    await _exchange(trial, {name: f"tcp://*:{free_port()}" for name in trial.channels})


async def connects(trial: Trial) -> None:
    """It reaches READY without a peer, and sends and takes messages once there is one."""
    await _exchange(trial, {name: trial.address(name) for name in trial.channels}, bind=False)


async def _exchange(trial: Trial, addresses: dict[str, str], bind: bool = True) -> None:
    """Run the device between plain sockets: write to its inputs and check its outputs."""
    device = await trial.start()
    await device.configure(trial.properties(addresses, bind=bind))
    with zmq.asyncio.Context() as context:
        sockets = {name: _peer(context, kind, addresses[name], bind) for name, kind in trial.channels.items()}
        try:
            await device.go(n.READY, "RUN", n.RUNNING)
            await _flow(trial.channels, sockets)
            await device.go(n.RUNNING, "STOP", n.READY)
        finally:
            for found in sockets.values():
                found.close(linger=0)


async def _flow(channels: dict[str, str], sockets: dict[str, Any]) -> None:
    fed = [asyncio.create_task(_feed(sockets[name])) for name, kind in channels.items() if kind == "pull"]
    read = [asyncio.create_task(_drain(sockets[name])) for name, kind in channels.items() if kind == "push"]
    try:
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*fed)
            while read and not all(task.done() or task.get_name() == "seen" for task in read):
                await asyncio.sleep(0.01)
    except TimeoutError:
        what = "it does not take messages" if not all(task.done() for task in fed) else "nothing comes out"
        raise Deviation(f"{what} within {PATIENCE_S:.0f} s") from None
    finally:
        for task in (*fed, *read):
            task.cancel()
        await asyncio.gather(*fed, *read, return_exceptions=True)


async def _feed(found: Any) -> None:
    for number in range(MESSAGES):
        await found.send(f"Hello #{number} of trial.1".encode().ljust(SIZE, b"."))


async def _drain(found: Any) -> None:
    while True:
        parts = await found.recv_multipart()
        expect(len(parts) >= 1, "received a message without parts")
        task = asyncio.current_task()
        if task is not None:
            task.set_name("seen")


def _peer(context: Any, kind: str, address: str, device_binds: bool) -> Any:
    if kind not in PEERS:
        raise Deviation(f"data of a channel of type {kind} is not checked, only of {', '.join(PEERS)}")
    found = context.socket(PEERS[kind])
    found.set(zmq.SNDHWM, 1)
    found.set(zmq.RCVHWM, 1)
    if kind == "pub":
        found.set(zmq.SUBSCRIBE, b"")
    if device_binds:
        found.connect(address.replace("*", "127.0.0.1"))
    else:
        found.bind(address)
    return found


RULES = (sends_over_ipc, sends_over_path, sends_over_tcp, connects)
