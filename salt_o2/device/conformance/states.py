"""Rules about states and about the replies to legal steps."""

import json

from salt_o2.core.states import ControlMode, TaskEvent
from salt_o2.device.conformance.device_under_test import PATIENCE_S, Trial, expect
from salt_o2.occ import fairmq_states as n
from salt_o2.occ.driver import send_event
from salt_o2.occ.wire.codec import TRANSITION

RUN_ARGUMENTS = {"runNumber": "42", "run_number": "42", "cleanup": "0", "run_start_time_ms": "1700000000000"}


async def two_cycles(trial: Trial) -> None:
    """Two cycles of all ten steps: each is answered with ok, EXECUTOR, its own name and its state."""
    device = await trial.start()
    for _ in range(2):
        await device.configure(trial.properties())
        await device.go(n.READY, "RUN", n.RUNNING, RUN_ARGUMENTS)
        await device.go(n.RUNNING, "STOP", n.READY, {"run_end_time_ms": "1700000001000"})
        await device.go(n.READY, "RESET TASK", n.DEVICE_READY)
        await device.go(n.DEVICE_READY, "RESET DEVICE", n.IDLE)


async def driven(trial: Trial) -> None:
    """An agent's CONFIGURE, START, STOP, RESET and EXIT all succeed."""
    device = await trial.start()
    for event in (
        TaskEvent.CONFIGURE,
        TaskEvent.START,
        TaskEvent.STOP,
        TaskEvent.RESET,
        TaskEvent.EXIT,
    ):
        arguments = trial.properties() if event is TaskEvent.CONFIGURE else {}
        outcome = await send_event(device.channel, ControlMode.FAIRMQ, event, arguments, PATIENCE_S)
        expect(outcome.failure is None, f"{event}: {outcome.failure}")
    await device.ends(0)


async def state_follows(trial: Trial) -> None:
    """GetState tells the state of the last reply, on a new connection too."""
    device = await trial.start()
    await device.configure(trial.properties(), until=n.BOUND)
    await device.channel.close()
    expect(await device.state() == n.BOUND, f"it is {await device.state()} after a reply with BOUND")


async def reset_from_bound(trial: Trial) -> None:
    """RESET DEVICE leads back from BOUND and from DEVICE READY, and CONFIGURE works after it."""
    device = await trial.start()
    for halfway in (n.BOUND, n.DEVICE_READY):
        await device.configure(trial.properties(), until=halfway)
        await device.go(halfway, "RESET DEVICE", n.IDLE)
    await device.configure(trial.properties())


async def reset_from_initialized(trial: Trial) -> None:
    """RESET DEVICE leads back from INITIALIZED, and END works after it."""
    device = await trial.start()
    await device.configure(trial.properties(), until=n.INITIALIZED)
    await device.go(n.INITIALIZED, "RESET DEVICE", n.IDLE)
    await device.go(n.IDLE, "END", n.EXITING)
    await device.ends(0)


async def stop_is_quick(trial: Trial) -> None:
    """STOP ends a device that waits for a peer."""
    device = await trial.start()
    await device.configure(trial.properties(bind=False))
    await device.go(n.READY, "RUN", n.RUNNING)
    await device.go(n.RUNNING, "STOP", n.READY)


async def any_property(trial: Trial) -> None:
    """Unknown properties are taken as texts, trees by __ptree__, and settings of channels as numbers."""
    device = await trial.start()
    tree = {"__ptree__:json:qc": json.dumps({"a": {"b": "1"}}), "__ptree__:ini:cfg": "[a]\nb=1\n"}
    await device.configure(trial.properties() | tree | {"detectors": "TPC ITS", "empty": ""})


async def arguments_absent(trial: Trial) -> None:
    """OCClite takes a transition whose arguments are absent or null."""
    for arguments in ({}, {"arguments": None}):
        device = await trial.start()
        body = {"srcState": n.IDLE, "transitionEvent": "INIT DEVICE", **arguments}
        reply = await device.channel.call(TRANSITION, json.dumps(body).encode(), PATIENCE_S)
        expect(json.loads(reply).get("ok") is True, f"{body} was answered by {reply!r}")


RULES = (
    two_cycles,
    driven,
    state_follows,
    reset_from_bound,
    reset_from_initialized,
    stop_is_quick,
    any_property,
)
OCCLITE_RULES = (arguments_absent,)
