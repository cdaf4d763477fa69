"""One task's control channel, asynchronous.

Every call has a deadline. ``http_proxy`` is ignored; otherwise a proxy of the site would be asked for
127.0.0.1.

Use one channel per process: two devices started on one port share its connections between them, because the
plugin's server uses SO_REUSEPORT. So a channel that knows its process (``history.pid``) refuses another
process's answers.
"""

import asyncio
import errno
import select
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from salt_o2.concurrency.background_loops import is_cancel_requested
from salt_o2.core.errors import InvalidRequestError, TaskError, UnreachableError
from salt_o2.core.terminal_text import terminal_line
from salt_o2.occ.control_socket import PinnedSocket, pin
from salt_o2.occ.process_history import ProcessHistory
from salt_o2.occ.wire.codec import EVENT_STREAM, GET_STATE, STATE_STREAM, TRANSITION, codec_named
from salt_o2.occ.wire.replies import DeviceEvent, DeviceState, Reply, ReplyTimeout, RpcRefused, Trigger

__all__ = ["DeviceEvent", "DeviceState", "OccChannel", "Reply", "ReplyTimeout", "RpcRefused", "Trigger"]

OPTIONS = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
    # A device's answer is a few words long.
    ("grpc.max_receive_message_length", 65_536),
)
MOST_SAID = 300
"""Maximum characters of an error's text, which a device may have written itself."""
PROBES, PROBE_S = 40, 0.005
"""How many times, and how long apart, to check a connection before it counts as not accepted."""


class OccChannel:
    """The control channel of the process that listens on ``port``; ``codec`` is ``OCC`` or ``OCClite``.

    Create and use it inside one event loop. It connects at the first call. If the process has made the Unix
    socket ``private``, the channel uses only that, and never the port.
    """

    def __init__(self, port: int, codec: str, host: str = "127.0.0.1", private: Path | None = None) -> None:
        """Store the address; see the class."""
        self.host, self.port, self.codec = host, port, codec_named(codec)
        self.history = ProcessHistory()
        self.private = private
        """Where the process may have made its Unix socket."""
        self.pinned: PinnedSocket | None = None
        """The Unix socket of the process, once it was found."""
        self._channel: Any = None
        self._methods: dict[str, Any] = {}

    def __str__(self) -> str:
        """Return the address for messages."""
        if self.pinned is not None:
            return f"the socket of port {self.port} ({self.codec.name})"
        return f"{self.host}:{self.port} ({self.codec.name})"

    async def listening(self) -> bool:
        """Return whether a process accepts connections there, without gRPC's reconnection delays."""
        if self.pinned is None and self.private is not None and (found := pin(self.private)) is not None:
            await self.close()
            self.pinned = found
        if self.pinned is not None:
            return self.pinned.accepts()
        with socket.socket() as probe:
            probe.setblocking(False)
            if probe.connect_ex((self.host, self.port)) not in (0, errno.EINPROGRESS):
                return False
            # On the loopback this is immediate, so it does not need the event loop.
            decided = select.poll()
            decided.register(probe, select.POLLOUT)
            for _ in range(PROBES):
                if decided.poll(0):
                    return probe.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
                await asyncio.sleep(PROBE_S)
        return False

    async def get_state(self, timeout_s: float) -> DeviceState:
        """Ask for the state of the process.

        Raises:
            ReplyTimeout: the process did not answer within ``timeout_s`` seconds.
            UnreachableError: no process listens there, or not the process that this channel belongs to.
            RpcRefused: the server does not know the method: it uses the other codec.
        """
        body = await self.call(GET_STATE, self.codec.ask(), timeout_s)
        found: DeviceState = self._read(self.codec.state, body, GET_STATE)
        if self.history.pid not in (None, found.pid):
            raise UnreachableError(
                f"process {found.pid} answered at {self} instead of process {self.history.pid}: "
                "two processes share the port; stop the other one"
            )
        return found

    async def transition(
        self, source: str, event: str, arguments: Mapping[str, str], timeout_s: float
    ) -> Reply:
        """Request one step and return the reply without judging it.

        A FairMQ device never answers an event that is legal by name but not in its state, and after that may
        answer no request at all. Use :func:`salt_o2.occ.driver.send_event`, which checks the state first.

        Raises:
            ReplyTimeout: the process did not answer within ``timeout_s`` seconds; it must be killed.
            UnreachableError: the process ended.
            RpcRefused: the process is not in the state ``source`` or does not know the event.
        """
        body = await self.call(TRANSITION, self.codec.order(source, event, arguments), timeout_s)
        found: Reply = self._read(self.codec.reply, body, TRANSITION)
        return found

    async def events(self) -> AsyncIterator[DeviceEvent]:
        """Yield the signals of the process; end when the process closes its stream in good order.

        OCC closes it when the device exits, OCClite on ERROR too. A FairMQ device under OCC on which a stream
        was ever opened hangs for ever after ERROR instead of exiting: the caller that opens one must kill it
        then.

        Raises:
            UnreachableError: the process ended without closing the stream (a crash, or SIGKILL).
        """
        async for body in self._stream(EVENT_STREAM):
            yield self._read(self.codec.event, body, EVENT_STREAM)

    async def states(self) -> AsyncIterator[str]:
        """Yield every state entered from now on, including transient ones (OCC only).

        Raises:
            InvalidRequestError: OCClite has no such stream.
            UnreachableError: the process ended without closing the stream.
        """
        if self.codec.name != "OCC":
            raise InvalidRequestError(
                f"{self} has no StateStream: only OCC has one; ask for the state instead"
            )
        async for body in self._stream(STATE_STREAM):
            yield self._read(self.codec.moved, body, STATE_STREAM)

    async def call(self, method: str, body: bytes, timeout_s: float) -> bytes:
        """Send ``body`` unchanged to any method, and return the reply unchanged.

        Raises the same errors as the other methods.
        """
        try:
            answer = await self._method(method)(body, timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            raise self._fault(method, error, timeout_s) from error
        except asyncio.CancelledError as error:
            if is_cancel_requested():
                raise
            raise UnreachableError(f"the connection to {self} was closed during {method}") from error
        return bytes(answer)

    async def close(self) -> None:
        """Close all connections; the process is not affected."""
        channel, self._channel, self._methods = self._channel, None, {}
        pinned, self.pinned = self.pinned, None
        if channel is not None:
            await channel.close()
        if pinned is not None:
            pinned.close()

    def _open(self) -> Any:
        if self._channel is None:
            if self.pinned is None and self.private is not None:
                self.pinned = pin(self.private)
            address = self.pinned.address if self.pinned else f"{self.host}:{self.port}"
            self._channel = grpc.aio.insecure_channel(address, options=OPTIONS)
        return self._channel

    def _method(self, name: str) -> Any:
        """Return the callable of the method ``name``, created once: that costs a quarter of a call."""
        if name not in self._methods:
            self._methods[name] = self._open().unary_unary(self.codec.path(name))
        return self._methods[name]

    async def _stream(self, method: str) -> AsyncIterator[bytes]:
        call = self._open().unary_stream(self.codec.path(method))(self.codec.ask())
        try:
            async for body in call:
                yield body
        except grpc.aio.AioRpcError as error:
            raise self._fault(method, error, None) from error
        except asyncio.CancelledError as error:
            if is_cancel_requested():
                raise
            raise UnreachableError(f"the connection to {self} was closed during {method}") from error
        finally:
            call.cancel()

    def _fault(self, method: str, error: Any, timeout_s: float | None) -> Exception:
        status, details = error.code(), terminal_line(str(error.details() or ""))[:MOST_SAID]
        if status is grpc.StatusCode.DEADLINE_EXCEEDED:
            return ReplyTimeout(f"{method} at {self} was not answered within {timeout_s:.3g} s")
        if status is grpc.StatusCode.UNAVAILABLE:
            return UnreachableError(f"no process answers {method} at {self}: {details}")
        if status is grpc.StatusCode.UNIMPLEMENTED:
            details = f"no such method there; does the process speak the other codec? {details}".rstrip()
        return RpcRefused(f"{method} at {self} was refused: {status.name} {details}".rstrip(), status.name)

    def _read(self, decode: Any, body: bytes, method: str) -> Any:
        try:
            return decode(body)
        except Exception as error:
            what = f"{len(body)} bytes that cannot be read: they begin {body[:60]!r}"
            raise TaskError(f"{self} answered {method} with {what}") from error
