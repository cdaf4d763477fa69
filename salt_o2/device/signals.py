"""Receive SIGTERM and SIGINT while the main thread is busy or waits.

The kernel may deliver a signal to any thread; then a waiting main thread is not interrupted. Therefore the
interpreter writes the number of every signal into a pipe (``signal.set_wakeup_fd``), and a thread reads it.
"""

import os
import signal
from collections.abc import Callable
from threading import Thread

HEARD = (signal.SIGTERM, signal.SIGINT)


def listen(go_down: Callable[[], None], abort: Callable[[], None] = os.abort) -> None:
    """Call ``go_down`` at the first SIGTERM or SIGINT, and ``abort`` at a later SIGINT.

    Call this from the main thread, once per process.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in HEARD:
        signal.signal(number, lambda *_: None)
    Thread(target=_read_signals, args=(reading, go_down, abort), daemon=True).start()


def _read_signals(reading: int, go_down: Callable[[], None], abort: Callable[[], None]) -> None:
    is_asked_to_end = False
    while number := os.read(reading, 1):
        if is_asked_to_end and number[0] == signal.SIGINT:
            abort()
        elif not is_asked_to_end and number[0] in HEARD:
            is_asked_to_end = True
            go_down()
