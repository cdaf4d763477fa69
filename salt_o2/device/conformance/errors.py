"""Rules about failing steps: the reply is ok=false by DEVICE_ERROR in ERROR; the exit code is 1."""

import socket
from collections.abc import Mapping

from salt_o2.device.conformance.device_under_test import STEPS, Subject, Trial, expect
from salt_o2.occ import fairmq_states as n
from salt_o2.occ.wire.replies import Reply, Trigger


async def port_in_use(trial: Trial) -> None:
    """BIND of a port that is taken fails."""
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        address = f"tcp://*:{taken.getsockname()[1]}"
        addresses = dict.fromkeys(trial.channels, address)
        await _fails(await trial.start(), trial.properties(addresses), "BIND")


async def unknown_transport(trial: Trial) -> None:
    """A transport that does not exist fails in COMPLETE INIT."""
    await _fails(await trial.start(), trial.properties() | {"transport": "pigeon"}, "COMPLETE INIT")


async def no_number(trial: Trial) -> None:
    """A channel's number that is none fails in INIT DEVICE."""
    name = next(iter(trial.channels))
    for value in ("", "often"):
        properties = trial.properties() | {f"chans.{name}.0.rateLogging": value}
        await _fails(await trial.start(), properties, "INIT DEVICE")


async def number_as_text(trial: Trial) -> None:
    """A number that the plugins push as a text (sndTimeoutMs) fails in COMPLETE INIT."""
    name = next(iter(trial.channels))
    properties = trial.properties() | {f"chans.{name}.0.sndTimeoutMs": "100"}
    await _fails(await trial.start(), properties, "COMPLETE INIT")


async def unknown_type(trial: Trial) -> None:
    """A socket type that does not exist fails at BIND at the latest."""
    name = next(iter(trial.channels))
    properties = trial.properties() | {f"chans.{name}.0.type": "pigeon"}
    await _fails(await trial.start(), properties, "COMPLETE INIT", "BIND")


async def error_found(trial: Trial) -> None:
    """ERROR FOUND leads from anywhere to ERROR, and the device ends with exit code 1."""
    for until in (n.IDLE, n.BOUND, n.READY):
        device = await trial.start()
        await device.configure(trial.properties(), until=until)
        reply = await device.step(until, "ERROR FOUND")
        wanted = Reply(True, Trigger.DEVICE_ERROR, n.ERROR, "ERROR FOUND")
        expect(reply == wanted, f"it was answered by {reply}, and not {wanted}")
        await device.ends(1)


async def _fails(device: Subject, properties: Mapping[str, str], *events: str) -> None:
    """Configure until one of ``events`` fails. All earlier steps must succeed."""
    state = n.IDLE
    while True:
        move = STEPS[state]
        reply = await device.step(state, move.event, properties if state == n.IDLE else {})
        if not reply.ok:
            break
        expect(move.event != events[-1], f"{move.event} succeeded")
        state = move.target
    expect(move.event in events, f"{move.event} failed: {device.last_words()}")
    wanted = Reply(False, Trigger.DEVICE_ERROR, n.ERROR, move.event)
    expect(reply == wanted, f"{move.event} was answered by {reply}, and not {wanted}")
    await device.ends(1)


RULES = (port_in_use, unknown_transport, no_number, number_as_text, unknown_type, error_found)
