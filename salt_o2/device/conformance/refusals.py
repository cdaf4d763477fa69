"""Rules about invalid requests."""

from salt_o2.device.conformance.device_under_test import PATIENCE_S, Deviation, Subject, Trial, expect
from salt_o2.occ import fairmq_states as n
from salt_o2.occ.channel import OccChannel
from salt_o2.occ.wire.codec import TRANSITION
from salt_o2.occ.wire.replies import ReplyTimeout, RpcRefused

NO_EVENTS = ("AUTO", "INIT_DEVICE", "init device", "", "FOO", "CONFIGURE", "START")
NO_ANSWER_S = 1.0


async def other_codec(trial: Trial) -> None:
    """A client of the other codec gets UNIMPLEMENTED, and does no harm."""
    device = await trial.start()
    other = OccChannel(device.channel.port, "OCC" if trial.codec == "OCClite" else "OCClite")
    try:
        status = await _status(other.get_state(PATIENCE_S))
    finally:
        await other.close()
    expect(status == "UNIMPLEMENTED", f"it got {status}")
    expect(await device.state() == n.IDLE, "its state has changed")


async def wrong_source(trial: Trial) -> None:
    """A step from a state that the device is not in is refused, and changes nothing."""
    device = await trial.start()
    wanted = "INVALID_ARGUMENT" if trial.codec == "OCC" else "CANCELLED"
    for source, event in ((n.READY, "RUN"), (n.RUNNING, "STOP"), ("", "INIT DEVICE"), ("NOWHERE", "END")):
        text = await _refusal(device, source, event, wanted)
        if trial.codec == "OCC":
            said = f"state mismatch: source: {source} current: {n.IDLE}"
            expect(said in text, f"{text!r} does not say {said!r}")


async def unknown_event(trial: Trial) -> None:
    """A name that is no event is refused as UNKNOWN, and changes nothing."""
    device = await trial.start()
    for event in NO_EVENTS:
        await _refusal(device, n.IDLE, event, "UNKNOWN")


async def malformed(trial: Trial) -> None:
    """OCClite answers an empty or malformed body by CANCELLED."""
    device = await trial.start()
    for body in (b"", b"{", b"\x00\x01"):
        status = await _status(device.channel.call(TRANSITION, body, PATIENCE_S))
        expect(status == "CANCELLED", f"{body!r} was answered by {status}")
    expect(await device.state() == n.IDLE, "its state has changed")


async def illegal_event(trial: Trial) -> None:
    """An event that is not possible in the state is never carried out (FairMQ never answers it)."""
    for until, event in ((n.IDLE, "RUN"), (n.READY, "END"), (n.READY, "RESET DEVICE")):
        device = await trial.start()
        await device.configure(trial.properties(bind=False), until=until)
        try:
            reply = await device.channel.transition(until, event, {}, NO_ANSWER_S)
            raise Deviation(f"{event} in {until} was answered by {reply}")
        except ReplyTimeout:
            continue
        except RpcRefused as error:
            expect(error.status == "FAILED_PRECONDITION", f"{event} in {until} was refused: {error}")
            expect(await device.state() == until, f"{event} in {until} led to {await device.state()}")


async def _refusal(device: Subject, source: str, event: str, wanted: str) -> str:
    try:
        reply = await device.step(source, event)
    except RpcRefused as error:
        expect(error.status == wanted, f"{event!r} from {source!r} was refused by {error}, not {wanted}")
        expect(await device.state() == n.IDLE, f"{event!r} from {source!r} changed its state")
        return str(error)
    raise Deviation(f"{event!r} from {source!r} was answered by {reply}")


async def _status(asking: object) -> str:
    try:
        return f"no error but {await asking!r}"  # type: ignore[misc]
    except RpcRefused as error:
        return error.status


RULES = (other_codec, wrong_source, unknown_event, illegal_event)
OCCLITE_RULES = (malformed,)
