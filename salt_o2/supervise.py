"""Keeps an engine's work alive: a child process does it, and is started again the moment it is killed.

Salt looks after its engines every ten seconds, which is long for whoever waits. The child is a fork of a
process that has imported everything already. It ends with its parent, in whatever way that ends.
"""

import ctypes
import logging
import os
import signal
import time
from collections.abc import Callable
from types import FrameType

log = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1
"""prctl(2)."""
LIVED_S = 1.0
"""One that lived shorter is given a pause before the next, so that what cannot live costs nothing."""
PAUSE_S = 1.0
TOLD = (signal.SIGTERM, signal.SIGINT)


def supervised(work: Callable[[], None]) -> None:
    """Do ``work`` in a child process, again if it is killed, until it returns or we are told to end.

    What goes wrong in ``work`` itself is logged and ends this too: Salt will try again in its time.
    """
    told: list[int] = []
    child = [0]

    def tell(number: int, _frame: FrameType | None) -> None:
        told.append(number)
        _send(child[0], number)

    for number in TOLD:
        signal.signal(number, tell)
    while not told:
        begin = time.monotonic()
        child[0] = _fork(work)
        if told:  # in just that moment
            _send(child[0], told[-1])
        _, status = os.waitpid(child[0], 0)
        if not os.WIFSIGNALED(status):
            return
        log.error("process %d was killed by signal %d; starting another", child[0], os.WTERMSIG(status))
        if time.monotonic() - begin < LIVED_S and not told:
            time.sleep(PAUSE_S)


def _fork(work: Callable[[], None]) -> int:
    """Return the pid of a child that does ``work`` and then ends."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        for number in TOLD:
            signal.signal(number, signal.SIG_DFL)
        if os.getppid() == parent:
            work()
            code = 0
    except BaseException:
        log.critical("what an engine does has failed", exc_info=True)
    finally:
        logging.shutdown()
        os._exit(code)


def _send(pid: int, number: int) -> None:
    """Tell the child; it is not waited for yet, so its pid is nobody else's."""
    if pid:
        os.kill(pid, number)
