"""Waiting at a ZeroMQ socket without ever missing a signal.

Python runs a signal's handler between two of its instructions, and only notes a signal that comes while C
code waits. A wait that a signal interrupts ends at once; but one that comes a moment before the wait begins,
or that the system gives to another thread, interrupts nothing: Ctrl-C would be noticed when the answer comes,
which may take minutes. So signals are written into a pipe as well (signal.set_wakeup_fd), and the wait
listens there, too.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import zmq

Readable = Callable[[float], bool]
"""Returns whether there is something to read, as soon as there is, at the latest after so many seconds.

Raises ``ConnectionResetError`` if there is not, and the process at the other end is gone.
"""


@contextmanager
def signal_safe_poll(socket: "zmq.Socket[bytes]", ended: "zmq.Socket[bytes]") -> Iterator[Readable]:
    """Yield how to wait for ``socket``; signals' handlers run, and may raise, while it waits.

    ``ended`` can be read once the connection has ended (peer.py).
    """
    poller = zmq.Poller()
    poller.register(socket, zmq.POLLIN)
    poller.register(ended, zmq.POLLIN)
    with _signals() as pipe:
        if pipe is not None:
            poller.register(pipe.hear, zmq.POLLIN)
        yield lambda seconds: _wait(poller, socket, ended, pipe, time.monotonic() + seconds)


def _wait(
    poller: zmq.Poller,
    socket: "zmq.Socket[bytes]",
    ended: "zmq.Socket[bytes]",
    pipe: "_Pipe | None",
    deadline: float,
) -> bool:
    while True:
        left_ms = max(0, int(1000 * (deadline - time.monotonic())))
        ready = dict(poller.poll(left_ms))
        if socket in ready or not ready:
            return bool(ready)
        if ended in ready:
            if socket.poll(0):  # its last words came before its end
                return True
            raise ConnectionResetError
        if pipe is not None:
            pipe.empty()


class _Pipe:
    """What signals are written into while we wait; somebody else who hears of them so still does."""

    def __init__(self) -> None:
        self.hear, self.tell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.former = signal.set_wakeup_fd(self.tell, warn_on_full_buffer=False)

    def empty(self) -> None:
        """Take the signals out, and pass them on."""
        with suppress(BlockingIOError):
            heard = os.read(self.hear, 512)
            if self.former != -1:
                with suppress(OSError):  # full, or closed since
                    os.write(self.former, heard)

    def close(self) -> None:
        try:
            signal.set_wakeup_fd(self.former)
        except (OSError, ValueError):  # closed since
            signal.set_wakeup_fd(-1)
        self.empty()
        os.close(self.hear)
        os.close(self.tell)


@contextmanager
def _signals() -> Iterator[_Pipe | None]:
    """Yield what signals are written into; ``None`` in a thread: handlers run in the main one only."""
    if threading.current_thread() is not threading.main_thread():
        yield None
        return
    pipe = _Pipe()
    try:
        yield pipe
    finally:
        pipe.close()
