"""Keeps an engine running: a child process does the work, and is replaced whenever it ends.

Salt checks its engines every ten seconds, which is long for a run. The child is a fork of a process that has
already imported everything. It ends with its parent, however the parent ends. A child that is killed is
replaced at once. A child that fails soon after its start is replaced after a pause, which doubles each time
up to the ten seconds that Salt itself would take.
"""

import ctypes
import fcntl
import logging
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

log = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1
"""prctl(2)."""
STARTED_S = 1.0
"""A child that was killed earlier than this may be killed by its own start: the next one waits."""
LIVED_S = 10.0
"""A child that ran longer has not failed at its start: the next pause is the first one again."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0
TOLD = (signal.SIGTERM, signal.SIGINT)


def supervised(work: Callable[[], None]) -> None:
    """Do ``work`` in a child process, again whenever it ends, until this process gets a signal to end.

    The log has the reason why a child ended, and the traceback of an exception of ``work``.
    """
    signals: list[int] = []
    child = [-1]
    readable, writable = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def pass_on(number: int, _frame: FrameType | None) -> None:
        signals.append(number)
        with suppress(BlockingIOError):
            os.write(writable, b".")
        _send(child[0], number)

    for number in TOLD:
        signal.signal(number, pass_on)
    pause_s = FIRST_PAUSE_S
    while not signals:
        begin = time.monotonic()
        pid = _fork(work)
        child[0] = os.pidfd_open(pid)
        # The signal arrived during the fork.
        if signals:
            _send(child[0], signals[-1])
        _, status = os.waitpid(pid, 0)
        handle, child[0] = child[0], -1
        os.close(handle)
        if signals:
            return
        lived_s = time.monotonic() - begin
        pause_s = FIRST_PAUSE_S if lived_s >= LIVED_S else pause_s
        killed_at_work = os.WIFSIGNALED(status) and lived_s >= STARTED_S
        log.error("process %d %s; another is started", pid, _end_of(status))
        if not killed_at_work:
            # A signal ends the pause.
            select.select([readable], [], [], pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Wait until no other process is in this block with the same ``path``, a file that is created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", opener=_privately) as lock:
        # A user that can open the file can hold its lock and block the engine.
        os.fchmod(lock.fileno(), 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("another engine of this kind runs here (%s); waiting for its end", path)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _end_of(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"was killed by signal {os.WTERMSIG(status)}"
    return f"ended with exit code {os.WEXITSTATUS(status)}, without a stop request"


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
        log.critical("a part of the engine failed", exc_info=True)
    finally:
        logging.shutdown()
        os._exit(code)


def _send(handle: int, number: int) -> None:
    """Send a signal to the child of a pidfd: no other process gets it, and the child may have ended."""
    if handle != -1:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, number)
