"""Rules about the two streams."""

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import TypeVar

from salt_o2.core.errors import UnreachableError
from salt_o2.device.conformance.device_under_test import PATIENCE_S, Deviation, Subject, Trial, expect
from salt_o2.occ import fairmq_states as n
from salt_o2.occ.wire.codec import STATE_STREAM
from salt_o2.occ.wire.replies import DeviceEvent, RpcRefused

T = TypeVar("T")

PATH = [
    *(n.INITIALIZING_DEVICE, n.INITIALIZED, n.BINDING, n.BOUND, n.CONNECTING, n.DEVICE_READY),
    *(n.INITIALIZING_TASK, n.READY, n.RUNNING, n.READY, n.RESETTING_TASK, n.DEVICE_READY),
    *(n.RESETTING_DEVICE, n.IDLE, n.EXITING),
]


async def event_at_end(trial: Trial) -> None:
    """EventStream brings one NULL and then its end when the device exits; several may be open."""
    device = await trial.start()
    streams = [await _opened(device, device.channel.events()) for _ in range(3)]
    await device.go(n.IDLE, "END", n.EXITING)
    for stream in streams:
        found = await _ended(stream)
        expect(found == [DeviceEvent.NULL], f"it brought {found}")
    await device.ends(0)


async def event_at_term(trial: Trial) -> None:
    """EventStream brings one NULL and then its end when SIGTERM stops the device."""
    device = await trial.start()
    stream = await _opened(device, device.channel.events())
    device.process.send_signal(signal.SIGTERM)
    found = await _ended(stream)
    expect(found == [DeviceEvent.NULL], f"it brought {found}")
    await device.ends(0)


async def event_at_error(trial: Trial) -> None:
    """EventStream brings NULL and its end on ERROR under OCClite, and nothing under OCC."""
    device = await trial.start()
    stream = await _opened(device, device.channel.events())
    name = next(iter(trial.channels))
    await device.step(n.IDLE, "INIT DEVICE", trial.properties() | {f"chans.{name}.0.rateLogging": "x"})
    if trial.codec == "OCClite":
        found = await _ended(stream)
        expect(found == [DeviceEvent.NULL], f"it brought {found}")
        await device.ends(1)
        return
    await asyncio.wait({stream}, timeout=1.0)  # a C++ device under OCC hangs from here on, stream and all
    if stream.done():
        expect(isinstance(stream.exception(), UnreachableError), f"it ended normally: {stream}")
        await device.ends(1)
    else:
        stream.cancel()


async def event_at_kill(trial: Trial) -> None:
    """EventStream breaks off when the process is killed."""
    device = await trial.start()
    stream = await _opened(device, device.channel.events())
    device.process.kill()
    try:
        found = await _ended(stream)
    except UnreachableError:
        return
    raise Deviation(f"it ended normally, with {found}")


async def state_stream(trial: Trial) -> None:
    """StateStream brings every state, the passing ones too, and its end after EXITING; OCClite has none."""
    device = await trial.start()
    if trial.codec == "OCClite":
        try:
            await device.channel.call(STATE_STREAM, b"{}", PATIENCE_S)
        except RpcRefused as error:
            expect(error.status == "UNIMPLEMENTED", f"it was refused by {error}")
            return
        raise Deviation("it was answered")
    stream = await _opened(device, device.channel.states())
    await device.configure(trial.properties(bind=False))
    await device.go(n.READY, "RUN", n.RUNNING)
    await device.go(n.RUNNING, "STOP", n.READY)
    await device.go(n.READY, "RESET TASK", n.DEVICE_READY)
    await device.go(n.DEVICE_READY, "RESET DEVICE", n.IDLE)
    await device.go(n.IDLE, "END", n.EXITING)
    found = await _ended(stream)
    expect(found == PATH, f"it brought {found}")


async def _opened(device: Subject, stream: AsyncIterator[T]) -> "asyncio.Task[list[T]]":
    """Read a stream to its end in the background; the server surely has it when this returns."""

    async def read() -> list[T]:
        return [item async for item in stream]

    task = asyncio.create_task(read())
    for _ in range(5):  # requests of one connection arrive in order, and one after the other
        await device.state()
        await asyncio.sleep(0.02)
    return task


async def _ended(task: "asyncio.Task[list[T]]") -> list[T]:
    try:
        return await asyncio.wait_for(task, PATIENCE_S)
    except TimeoutError:
        raise Deviation("the stream did not end") from None


RULES = (event_at_end, event_at_term, event_at_error, event_at_kill, state_stream)
