"""Channels of a device: ZeroMQ sockets, compatible with FairMQ's zeromq transport on the wire.

A FairMQ message of several parts is a ZeroMQ message of as many frames, without a header. A wait ends at
once when a request arrives. Only the thread that runs the device uses this module. zmq is loaded late.
"""

import random
import socket
import time
from collections.abc import Sequence
from typing import Any

from salt_o2.core.errors import InvalidRequestError, UnreachableError
from salt_o2.device.control.wakeable_queue import Inbox
from salt_o2.device.transport.endpoint import Endpoint

RETRY_S = 0.05
BIND_ATTEMPTS = 1000

Parts = list[bytes]


class Channels:
    """All sockets of a device, from COMPLETE INIT to RESET DEVICE."""

    def __init__(
        self, device_id: str, endpoints: Sequence[Endpoint], inbox: Inbox[Any], io_threads: int
    ) -> None:
        """Store the settings of the sockets. Open nothing yet."""
        import zmq

        self._zmq, self._inbox, self._id = zmq, inbox, device_id
        self._context = zmq.Context(io_threads)
        self.endpoints: dict[str, list[Endpoint]] = {}
        self._sockets: dict[str, list[Any]] = {}
        for end in endpoints:
            self.endpoints.setdefault(end.name, []).append(end)
            self._sockets.setdefault(end.name, []).append(None)
        self.counts: dict[tuple[str, int], list[int]] = {(e.name, e.index): [0, 0, 0, 0] for e in endpoints}
        """For each socket: messages and bytes received, messages and bytes sent."""

    def bind(self) -> dict[str, str]:
        """Bind the sockets. Return changed properties: addresses that were chosen here.

        Raises:
            InvalidRequestError: if an address is in use or malformed.
        """
        changed = {}
        for end in self._all():
            if end.method == "bind":
                chosen = ",".join(self._attach(end, address, bound) for address, bound in end.addresses)
                if "@" not in end.address and chosen != end.address:
                    changed[f"chans.{end.name}.{end.index}.address"] = chosen
        return changed

    def connect(self, timeout_s: float) -> None:
        """Connect the sockets within ``timeout_s`` seconds, or until a request arrives.

        A peer need not exist, but its name must resolve.

        Raises:
            UnreachableError: if a host name does not resolve in that time.
        """
        deadline = time.monotonic() + timeout_s
        for end in self._all():
            if end.method != "bind":
                for address, bound in end.addresses:
                    self._connect(end, address, bound, deadline)

    def close(self) -> None:
        """Close all sockets. Wait up to ``linger`` for unsent messages."""
        for end in self._all():
            found = self._sockets[end.name][end.index]
            if found is not None:
                found.close(linger=end.linger)
        self._context.term()

    def send(self, name: str, parts: Sequence[bytes], index: int, timeout_ms: int) -> bool:
        """Send one message. Return False if no peer accepts it in time or a request is pending."""
        found = self._socket(name, index)
        if not self._do(found, self._zmq.POLLOUT, timeout_ms, lambda: self._transmit(found, parts)):
            return False
        count = self.counts[name, index]
        count[2] += 1
        count[3] += sum(map(len, parts))
        return True

    def receive(self, name: str, index: int, timeout_ms: int) -> Parts | None:
        """Return one message; None if none arrives in time or a request is pending."""
        found, parts = self._socket(name, index), []

        def get() -> None:
            parts.extend(found.recv_multipart(self._zmq.NOBLOCK))

        if not self._do(found, self._zmq.POLLIN, timeout_ms, get):
            return None
        count = self.counts[name, index]
        count[0] += 1
        count[1] += sum(map(len, parts))
        return parts

    def ready(self, names: Sequence[str], timeout_ms: int) -> list[tuple[str, int]]:
        """Wait until a channel has a message. Return name and index of each socket that has one."""
        poller, owners = self._zmq.Poller(), {}
        poller.register(self._inbox.fileno(), self._zmq.POLLIN)
        for name in names:
            for index, found in enumerate(self._sockets[name]):
                poller.register(found, self._zmq.POLLIN)
                owners[found] = (name, index)
        return [owners[found] for found, _ in poller.poll(timeout_ms) if found in owners]

    def _all(self) -> list[Endpoint]:
        return [end for ends in self.endpoints.values() for end in ends]

    def _socket(self, name: str, index: int) -> Any:
        try:
            found = self._sockets[name][index]
        except (KeyError, IndexError):
            known = ", ".join(map(str, self._all())) or "none"
            raise InvalidRequestError(
                f"no channel {name}[{index}] was configured; there are: {known}"
            ) from None
        if found is None:
            raise InvalidRequestError(f"channel {name}[{index}] is not open yet")
        return found

    def _transmit(self, found: Any, parts: Sequence[bytes]) -> None:
        found.send_multipart(parts, self._zmq.NOBLOCK)

    def _do(self, found: Any, flag: int, timeout_ms: int, act: Any) -> bool:
        """Run ``act``, waiting for ``found`` while it would block; return whether it succeeded."""
        deadline = None if timeout_ms < 0 else time.monotonic() + timeout_ms / 1000
        while self._inbox.empty():
            try:
                act()
            except self._zmq.Again:
                if not self._wait(found, flag, deadline):
                    return False
            else:
                return True
        return False

    def _wait(self, found: Any, flag: int, deadline: float | None) -> bool:
        remaining_ms = -1 if deadline is None else max(0, round((deadline - time.monotonic()) * 1000))
        poller = self._zmq.Poller()
        poller.register(found, flag)
        poller.register(self._inbox.fileno(), self._zmq.POLLIN)
        return bool(poller.poll(remaining_ms))

    def _open(self, end: Endpoint) -> Any:
        found = self._sockets[end.name][end.index]
        if found is None:
            zmq = self._zmq
            found = self._context.socket(getattr(zmq, end.type.upper()))
            found.set(zmq.IDENTITY, f"{self._id}.{end}.{end.type}".encode()[:255])
            found.set(zmq.SNDHWM, end.snd_buf_size)
            found.set(zmq.RCVHWM, end.rcv_buf_size)
            found.set(zmq.LINGER, end.linger)
            if end.snd_kernel_size:
                found.set(zmq.SNDBUF, end.snd_kernel_size)
            if end.rcv_kernel_size:
                found.set(zmq.RCVBUF, end.rcv_kernel_size)
            if end.type == "sub":
                found.set(zmq.SUBSCRIBE, b"")
            self._sockets[end.name][end.index] = found
        return found

    def _attach(self, end: Endpoint, address: str, bound: bool) -> str:
        """Bind or connect one address; return the resulting address."""
        found, address = self._open(end), _numeric(address, bound)
        if not bound:
            found.connect(address)
            return address
        for _ in range(BIND_ATTEMPTS):
            try:
                found.bind(address)
            except self._zmq.ZMQError as error:
                if not (end.auto_bind and address.startswith("tcp:")):
                    raise InvalidRequestError(f"channel {end} cannot bind {address}: {error}") from error
                port = random.randint(end.port_range_min, end.port_range_max)
                address = f"{address.rpartition(':')[0]}:{port}"
            else:
                return address
        raise InvalidRequestError(
            f"channel {end} found no free port between {end.port_range_min} and {end.port_range_max}"
        )

    def _connect(self, end: Endpoint, address: str, bound: bool, deadline: float) -> None:
        while self._inbox.empty():
            try:
                self._attach(end, address, bound)
            except OSError as error:  # the name does not resolve, or not yet
                if time.monotonic() > deadline:
                    raise UnreachableError(f"channel {end} cannot connect {address}: {error}") from error
                time.sleep(RETRY_S)
            else:
                return


def _numeric(address: str, bound: bool) -> str:
    """Resolve the host of a tcp address, as FairMQ does."""
    host, colon, port = address.removeprefix("tcp://").rpartition(":")
    if not address.startswith("tcp://") or (bound and host == "*") or not colon:
        return address
    return f"tcp://{socket.gethostbyname(host)}:{port}"
