"""Serves the control channel of a process as FairMQ's OCC and OCClite plugins do.

On a port it listens without encryption, and shares its port with another server of the same account that
requests it: the plugins do so, and it is grpc's default. It differs from the plugins where they have defects.
It listens on the loopback and on the given addresses instead of all, or at a Unix socket of mode 0600 only.
It refuses an event that is not allowed in the present state (FAILED_PRECONDITION) instead of never answering.
A stream that its client gave up holds no thread. After ERROR the process exits, whatever streams were opened
before.
"""

import os
import socket
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, Protocol

import grpc

from salt_o2.core.errors import InvalidRequestError
from salt_o2.occ.control_socket import ServedSocket
from salt_o2.occ.fairmq_states import ERROR, EXITING, PASSING
from salt_o2.occ.wire.codec import EVENT_STREAM, GET_STATE, STATE_STREAM, TRANSITION
from salt_o2.occ.wire.replies import DeviceEvent, DeviceState, Reply, RpcRefused
from salt_o2.occ.wire.server_codec import SERVED, Asked, ServerCodec

LOOPBACK, EVERYWHERE = "127.0.0.1", "0.0.0.0"
THREADS = 64
"""Maximum number of threads, which are started on demand. Every open stream holds one."""

Changes = SimpleQueue[str | None]
"""States in the order in which they are entered; None ends the reader."""


class Served(Protocol):
    """The process behind the control channel."""

    def state(self) -> DeviceState:
        """Return the present state."""

    def transition(self, asked: Asked) -> Reply:
        """Execute one step; raise RpcRefused, with gRPC's name of the status, to answer by an error."""

    def subscribe(self, changes: Changes) -> None:
        """Put every state entered from now on into ``changes``."""

    def unsubscribe(self, changes: Changes) -> None:
        """Stop putting states into ``changes``."""


class OccServer:
    """The server of one process; ``codec`` is ``OCC`` or ``OCClite``."""

    def __init__(
        self,
        served: Served,
        port: int,
        codec: str,
        addresses: Iterable[str] = (),
        private: ServedSocket | None = None,
    ) -> None:
        """Bind the port on the loopback, and on those of ``addresses`` that this machine has; 0.0.0.0 is all.

        With a ``private`` socket, bind no port.

        Raises:
            OSError: the port, or the socket, cannot be bound.
        """
        self._server = grpc.server(ThreadPoolExecutor(THREADS), handlers=[_Methods(served, SERVED[codec]())])
        if private is not None:
            self.port = port
            self._take_privately(private)
            return
        wanted = dict.fromkeys(addresses)
        first = EVERYWHERE if EVERYWHERE in wanted else LOOPBACK
        self.port = self._bind(first, port)
        for address in wanted if first == LOOPBACK else ():
            if address != LOOPBACK and is_address_here(address):
                self._bind(address, self.port)

    def _take_privately(self, private: ServedSocket) -> None:
        # The process has no other thread yet that creates files.
        former = os.umask(0o177)
        try:
            self._server.add_insecure_port(private.address)
        except RuntimeError as error:
            raise OSError(f"the control socket {private.address} cannot be opened: {error}") from error
        finally:
            os.umask(former)

    def _bind(self, address: str, port: int) -> int:
        shown = f"[{address}]" if ":" in address else address
        try:
            return int(self._server.add_insecure_port(f"{shown}:{port}"))
        except RuntimeError as error:
            raise OSError(f"control port {port} of {address} cannot be opened: {error}") from error

    def start(self) -> None:
        """Start to answer requests."""
        self._server.start()

    def stop(self, grace_s: float) -> None:
        """Accept no more requests; end when those in progress are answered, or after ``grace_s`` seconds."""
        self._server.stop(grace_s).wait()


def is_address_here(address: str) -> bool:
    """Return whether this machine has ``address``; behind an address translation it may not."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


class _Methods(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Finds the method of a path; other paths get UNIMPLEMENTED, which a client of the other codec sees."""

    def __init__(self, served: Served, codec: ServerCodec) -> None:
        self.served, self.codec = served, codec
        unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
        methods: dict[str, Any] = {
            GET_STATE: unary(self._get_state),
            TRANSITION: unary(self._transition),
            EVENT_STREAM: stream(self._event_stream),
        }
        if codec.name == "OCC":
            methods[STATE_STREAM] = stream(self._state_stream)
        self.methods = {codec.path(name): handler for name, handler in methods.items()}

    def service(self, call: Any) -> Any:
        """Return the handler of ``call``, or None."""
        return self.methods.get(call.method)

    def _get_state(self, body: bytes, context: Any) -> bytes:
        self._read(self.codec.check, body, context)
        return self.codec.put_state(self.served.state())

    def _transition(self, body: bytes, context: Any) -> bytes:
        asked = self._read(self.codec.asked, body, context)
        try:
            return self.codec.put_reply(self.served.transition(asked))
        except RpcRefused as error:
            # The OCClite plugin reports only CANCELLED where OCC explains the mismatch.
            if self.codec.name == "OCClite" and error.status == "INVALID_ARGUMENT":
                context.abort(grpc.StatusCode.CANCELLED, "")
            context.abort(grpc.StatusCode[error.status], str(error))
            raise

    def _event_stream(self, body: bytes, context: Any) -> Iterator[bytes]:
        self._read(self.codec.check, body, context)
        for state in self._changes(context):
            if state == EXITING or (state == ERROR and self.codec.name == "OCClite"):
                yield self.codec.put_event(DeviceEvent.NULL)
                return
            if state == ERROR:
                context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")

    def _state_stream(self, body: bytes, context: Any) -> Iterator[bytes]:
        self._read(self.codec.check, body, context)
        for state in self._changes(context):
            yield self.codec.put_moved(state, state in PASSING)
            if state == EXITING:
                return
            if state == ERROR:
                context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")

    def _changes(self, context: Any) -> Iterator[str]:
        changes: Changes = SimpleQueue()
        self.served.subscribe(changes)
        context.add_callback(lambda: changes.put(None))
        try:
            while (state := changes.get()) is not None:
                yield state
        finally:
            self.served.unsubscribe(changes)

    def _read(self, read: Callable[[bytes], Any], body: bytes, context: Any) -> Any:
        try:
            return read(body)
        except InvalidRequestError:
            context.abort(grpc.StatusCode.CANCELLED, "")
            raise
