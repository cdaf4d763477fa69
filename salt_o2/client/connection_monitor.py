"""Detect at once that the process at the other end of a ZeroMQ socket has ended.

The kernel closes the connections of a process that ends, in whatever way. ZeroMQ detects that and
reconnects automatically, to a process that does not know the request. Only its monitor
(zmq_socket_monitor(3)) reports the end of the first connection. A process that is stopped, or gets no
processor time, keeps its connections.
"""

import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import zmq

Socket = zmq.Socket[Any]


def open_socket(context: "zmq.Context[Any]", kind: int) -> Socket:
    """Return a new socket of ``context``. Signal handlers run before or after, not in between.

    If a handler raised before the context has registered the socket, the socket would never be closed, and
    the termination of the context would wait for it for ever.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        opened: Socket = context.socket(kind)
        return opened
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def watched(socket: Socket) -> Iterator[Socket]:
    """Yield a socket that becomes readable as soon as a connection of ``socket`` has ended.

    Call this before ``socket`` connects.
    """
    address = f"inproc://o2-peer-{uuid.uuid4().hex}"
    socket.monitor(address, zmq.EVENT_DISCONNECTED)
    ended = open_socket(socket.context, zmq.PAIR)
    try:
        ended.connect(address)
        yield ended
    finally:
        if not socket.closed:
            socket.monitor(None, 0)
        ended.close(linger=0)
