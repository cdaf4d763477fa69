"""Waits at a ZeroMQ socket without ever missing a signal.

Python runs a signal's handler between two of its instructions, and only records a signal that arrives while C
code waits. A signal that interrupts a wait ends the wait at once. A signal that arrives a moment before the
wait starts, or that the system delivers to another thread, interrupts nothing. Ctrl-C would then take effect
only when the answer arrives, which may take minutes. So signals are also written into a pipe
(signal.set_wakeup_fd), and the wait listens to the pipe too.
"""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import zmq

Readable = Callable[[float], bool]
"""Returns whether there is a message to read, when one arrives or after so many seconds at the latest.

Raises ``ConnectionResetError`` if there is none and the process at the other end has ended.
"""


@contextmanager
def signal_safe_poll(socket: "zmq.Socket[bytes]", ended: "zmq.Socket[bytes]") -> Iterator[Readable]:
    """Yield a function that waits for ``socket``; signal handlers run, and may raise, while it waits.

    ``ended`` can be read once the connection has ended (client/connection_monitor.py).
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
            # The process sent a message before it ended.
            if socket.poll(0):
                return True
            raise ConnectionResetError
        if pipe is not None:
            pipe.empty()


class _Pipe:
    """A pipe into which signals are written during a wait; an earlier receiver still gets them."""

    def __init__(self) -> None:
        self.hear, self.tell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.former = signal.set_wakeup_fd(self.tell, warn_on_full_buffer=False)

    def empty(self) -> None:
        """Read the signals, and pass them to the earlier receiver."""
        with suppress(BlockingIOError):
            signals = os.read(self.hear, 512)
            if self.former != -1:
                # The earlier receiver may be full or closed.
                with suppress(OSError):
                    os.write(self.former, signals)

    def close(self) -> None:
        try:
            signal.set_wakeup_fd(self.former)
        # The earlier receiver may have been closed.
        except (OSError, ValueError):
            signal.set_wakeup_fd(-1)
        self.empty()
        os.close(self.hear)
        os.close(self.tell)


@contextmanager
def _signals() -> Iterator[_Pipe | None]:
    """Yield the pipe of signals; ``None`` outside the main thread, in which alone handlers run."""
    if threading.current_thread() is not threading.main_thread():
        yield None
        return
    pipe = _Pipe()
    try:
        yield pipe
    finally:
        pipe.close()
