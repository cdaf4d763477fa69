"""The process at the other end of a ZeroMQ socket: a client hears at once that it is gone.

The kernel closes the connections of a process that ends, in whatever way. ZeroMQ notices that and connects
again by itself, to a process that knows nothing of the request; only its monitor (zmq_socket_monitor(3))
tells of the first connection's end. A process that is stopped, or gets no processor time, keeps its
connections.
"""

import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import zmq

Socket = zmq.Socket[Any]


def open_socket(context: "zmq.Context[Any]", kind: int) -> Socket:
    """Return a new socket of ``context``; handlers of signals run before or after, not in between.

    A handler that raises before the context has noted the socket would leave one that is never closed, and
    the end of a context waits for all of its sockets: for ever.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        opened: Socket = context.socket(kind)
        return opened
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def watched(socket: Socket) -> Iterator[Socket]:
    """Yield a socket that can be read as soon as a connection of ``socket`` has ended.

    Begin to watch before ``socket`` connects.
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
