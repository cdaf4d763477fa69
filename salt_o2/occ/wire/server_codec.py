"""The device's side of the control channel: reads requests and writes replies, in both codecs.

A request that would crash a C++ plugin (a value that is no text, no srcState) is refused like any malformed
body.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from salt_o2.core.errors import InvalidRequestError
from salt_o2.occ.wire.codec import Lite, Protobuf
from salt_o2.occ.wire.replies import DeviceEvent, DeviceState, Reply


@dataclass(frozen=True, slots=True)
class Asked:
    """A transition that a controller requests."""

    source: str
    event: str
    arguments: Mapping[str, str]


class ServerCodec(Protocol):
    """One encoding on the side of the device."""

    name: str

    def path(self, method: str) -> str:
        """Return the HTTP/2 path of ``method``."""

    def asked(self, body: bytes) -> Asked:
        """Read a transition request; raise InvalidRequestError if it cannot be read."""

    def check(self, body: bytes) -> None:
        """Raise InvalidRequestError unless ``body`` is a request without content."""

    def put_state(self, state: DeviceState) -> bytes:
        """Write the reply to GetState."""

    def put_reply(self, reply: Reply) -> bytes:
        """Write the reply to a transition."""

    def put_event(self, event: DeviceEvent) -> bytes:
        """Write one message of the EventStream."""

    def put_moved(self, state: str, passing: bool) -> bytes:
        """Write one message of the StateStream."""


class ServerLiteCodec(Lite):
    """JSON; the plugin refuses a body that is no object."""

    def check(self, body: bytes) -> None:
        """Refuse a body that is not a JSON object."""
        _object(body)

    def asked(self, body: bytes) -> Asked:
        """Read srcState, transitionEvent and arguments; the latter may be absent or null."""
        found = _object(body)
        entries = found.get("arguments") or []
        texts = [found.get("srcState"), found.get("transitionEvent")]
        if not isinstance(entries, list) or not all(isinstance(text, str) for text in texts):
            raise InvalidRequestError(
                f"srcState and transitionEvent must be texts, arguments a list: {found!r}"
            )
        return Asked(str(texts[0]), str(texts[1]), dict(_entry(entry) for entry in entries))

    def put_state(self, state: DeviceState) -> bytes:
        """Write state and pid."""
        return _dump({"state": state.state, "pid": state.pid})

    def put_reply(self, reply: Reply) -> bytes:
        """Write trigger, state, transitionEvent and ok."""
        return _dump(
            {
                "trigger": int(reply.trigger),
                "state": reply.state,
                "transitionEvent": reply.event,
                "ok": reply.ok,
            }
        )

    def put_event(self, event: DeviceEvent) -> bytes:
        """Write the type of the event."""
        return _dump({"event": {"type": int(event)}})

    def put_moved(self, state: str, passing: bool) -> bytes:
        """Refuse: OCClite has no StateStream."""
        raise InvalidRequestError(f"OCClite has no StateStream to announce {state} ({passing=}) on")


class ServerProtobufCodec(Protobuf):
    """Protobuf messages of the service ``occ_pb.Occ``."""

    def check(self, body: bytes) -> None:
        """Accept any body: the requests without content have no fields that could be wrong."""

    def asked(self, body: bytes) -> Asked:
        """Read a TransitionRequest."""
        try:
            found = self.pb.TransitionRequest.FromString(body)
        except Exception as error:
            raise InvalidRequestError(f"not a TransitionRequest: {error}") from error
        arguments = {entry.key: entry.value for entry in found.arguments}
        return Asked(found.srcState, found.transitionEvent, arguments)

    def put_state(self, state: DeviceState) -> bytes:
        """Write a GetStateReply."""
        return bytes(self.pb.GetStateReply(state=state.state, pid=state.pid).SerializeToString())

    def put_reply(self, reply: Reply) -> bytes:
        """Write a TransitionReply."""
        message = self.pb.TransitionReply(
            trigger=int(reply.trigger), state=reply.state, transitionEvent=reply.event, ok=reply.ok
        )
        return bytes(message.SerializeToString())

    def put_event(self, event: DeviceEvent) -> bytes:
        """Write an EventStreamReply."""
        inner = self.pb.DeviceEvent(type=int(event))
        return bytes(self.pb.EventStreamReply(event=inner).SerializeToString())

    def put_moved(self, state: str, passing: bool) -> bytes:
        """Write a StateStreamReply."""
        kind = self.pb.STATE_INTERMEDIATE if passing else self.pb.STATE_STABLE
        return bytes(self.pb.StateStreamReply(type=kind, state=state).SerializeToString())


SERVED: dict[str, type[ServerLiteCodec] | type[ServerProtobufCodec]] = {
    "OCClite": ServerLiteCodec,
    "OCC": ServerProtobufCodec,
}


def _object(body: bytes) -> dict[str, object]:
    try:
        found = json.loads(body)
    except ValueError as error:
        raise InvalidRequestError(f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise InvalidRequestError(f"not a JSON object: {found!r}")
    return found


def _entry(entry: object) -> tuple[str, str]:
    match entry:
        case {"key": str(key), "value": str(value)}:
            return key, value
    raise InvalidRequestError(f"an argument must have a key and a value, both of them texts: {entry!r}")


def _dump(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()
