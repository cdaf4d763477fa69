"""Encoding of requests and replies: OCC (protobuf) and OCClite (JSON). A server uses only one of them.

OCClite's method names are bare, without service and slashes. Its plugin ends by SIGSEGV if an argument's
value is not a JSON string or if srcState is missing. So both codecs convert every value to text and always
send srcState.
"""

import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Protocol

from salt_o2.core.errors import InvalidRequestError, TaskError
from salt_o2.core.terminal_text import terminal_line
from salt_o2.occ.wire.replies import DeviceEvent, DeviceState, Reply, Trigger

MOST_WORD = 100
"""Maximum characters of a state or an event that a device names."""
GET_STATE, TRANSITION, EVENT_STREAM, STATE_STREAM = "GetState", "Transition", "EventStream", "StateStream"


class Codec(Protocol):
    """One encoding of the control channel."""

    name: str

    def path(self, method: str) -> str:
        """Return the HTTP/2 path of ``method``."""

    def ask(self) -> bytes:
        """Return the body of a request without content."""

    def order(self, source: str, event: str, arguments: Mapping[str, object]) -> bytes:
        """Return the body of a transition request."""

    def state(self, body: bytes) -> DeviceState:
        """Read the reply to GetState."""

    def reply(self, body: bytes) -> Reply:
        """Read the reply to a transition."""

    def event(self, body: bytes) -> DeviceEvent:
        """Read one message of the EventStream."""

    def moved(self, body: bytes) -> str:
        """Read one message of the StateStream: the state that was entered."""


def word(value: object) -> str:
    """Return a word from a device, clipped and on one line: it goes into logs and to terminals."""
    return terminal_line(str(value)[:MOST_WORD])


def text(value: object) -> str:
    """Return ``value`` as a device expects it: true and false as ``1`` and ``0``, None as empty text."""
    return str(int(value)) if isinstance(value, bool) else "" if value is None else str(value)


class Lite:
    """OCClite: JSON bodies under bare method names. It has no StateStream."""

    name = "OCClite"

    def path(self, method: str) -> str:
        """Return the bare ``method``."""
        return method

    def ask(self) -> bytes:
        """Return an empty object: an empty body is answered by CANCELLED."""
        return b"{}"

    def order(self, source: str, event: str, arguments: Mapping[str, object]) -> bytes:
        """Return srcState, transitionEvent and arguments, every value a JSON string, all in ASCII."""
        # Devices send no orders, so they start without this module.
        import msgspec

        entries = [{"key": text(key), "value": text(value)} for key, value in arguments.items()]
        request = {"srcState": source, "transitionEvent": event, "arguments": entries}
        body = msgspec.json.encode(request)
        return body if body.isascii() else json.dumps(request).encode()

    def state(self, body: bytes) -> DeviceState:
        """Read ``{"state": ..., "pid": ...}``."""
        found = _fields(body)
        return DeviceState(word(found["state"]), int(found["pid"]))

    def reply(self, body: bytes) -> Reply:
        """Read ``{"trigger": ..., "state": ..., "transitionEvent": ..., "ok": ...}``."""
        found = _fields(body)
        trigger = Trigger(int(found.get("trigger", 0)))
        return Reply(found.get("ok") is True, trigger, word(found["state"]), word(found["transitionEvent"]))

    def event(self, body: bytes) -> DeviceEvent:
        """Read ``{"event": {"type": ...}}``."""
        return DeviceEvent(int(_fields(body)["event"]["type"]))

    def moved(self, body: bytes) -> str:
        """Refuse: OCClite has no StateStream."""
        raise InvalidRequestError(f"OCClite has no StateStream, and yet it sent {body!r}")


class Protobuf:
    """OCC: protobuf bodies of the service ``occ_pb.Occ``. The generated module is loaded on first use."""

    name = "OCC"

    def __init__(self) -> None:
        """Load the messages."""
        self.pb = _messages()

    def path(self, method: str) -> str:
        """Return the method under its service."""
        return f"/occ_pb.Occ/{method}"

    def ask(self) -> bytes:
        """Return the empty message."""
        return b""

    def order(self, source: str, event: str, arguments: Mapping[str, object]) -> bytes:
        """Return a TransitionRequest."""
        request = self.pb.TransitionRequest(srcState=source, transitionEvent=event)
        for key, value in arguments.items():
            request.arguments.add(key=text(key), value=text(value))
        return bytes(request.SerializeToString())

    def state(self, body: bytes) -> DeviceState:
        """Read a GetStateReply."""
        found = self.pb.GetStateReply.FromString(body)
        return DeviceState(word(found.state), found.pid)

    def reply(self, body: bytes) -> Reply:
        """Read a TransitionReply."""
        found = self.pb.TransitionReply.FromString(body)
        return Reply(found.ok, Trigger(found.trigger), word(found.state), word(found.transitionEvent))

    def event(self, body: bytes) -> DeviceEvent:
        """Read an EventStreamReply."""
        return DeviceEvent(self.pb.EventStreamReply.FromString(body).event.type)

    def moved(self, body: bytes) -> str:
        """Read a StateStreamReply."""
        return word(self.pb.StateStreamReply.FromString(body).state)


CODECS: dict[str, type[Lite] | type[Protobuf]] = {"OCClite": Lite, "OCC": Protobuf}


def codec_named(name: str) -> Codec:
    """Return the codec ``OCC`` or ``OCClite``.

    Raises:
        InvalidRequestError: the name is neither.
    """
    try:
        return CODECS[name]()
    except KeyError:
        raise InvalidRequestError(
            f"unknown codec {name!r} of the control channel: use OCC or OCClite"
        ) from None


def _fields(body: bytes) -> dict[str, Any]:
    found = json.loads(body)
    if not isinstance(found, dict):
        raise TaskError(f"an object was expected, not {found!r}")
    return found


def _messages() -> ModuleType:
    from salt_o2.occ.wire import occ_pb2

    return occ_pb2
