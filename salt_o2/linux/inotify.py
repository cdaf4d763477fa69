"""Waiting until something in a folder is written, by Linux's inotify: nothing is looked at again and again.

libc is called directly: it is three functions, and none of the libraries that we have wraps them.
"""

import asyncio
import contextlib
import ctypes
import logging
import os
from pathlib import Path
from types import TracebackType
from typing import Self

log = logging.getLogger(__name__)

MODIFIED, MOVED_SELF, DELETED_SELF = 0x2, 0x800, 0x400
"""``<linux/inotify.h>``: IN_MODIFY, IN_MOVE_SELF, IN_DELETE_SELF."""
LOOK_AGAIN_S = 0.5
"""How often a folder is looked at that cannot be watched: the system gives out only so many watches."""


class DirectoryWatch:
    """What happens to the files of one folder, or to itself, from the beginning of the ``with`` on."""

    def __init__(self, folder: Path) -> None:
        """Watch ``folder``."""
        self._folder = folder
        self._fd = -1

    def __enter__(self) -> Self:
        """Begin to watch."""
        libc = ctypes.CDLL(None, use_errno=True)
        self._fd = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        mask = MODIFIED | MOVED_SELF | DELETED_SELF
        if self._fd < 0 or libc.inotify_add_watch(self._fd, os.fsencode(self._folder), mask) < 0:
            log.warning("cannot watch %s: %s", self._folder, os.strerror(ctypes.get_errno()))
            self._close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Watch no longer."""
        self._close()

    async def wait(self, timeout_s: float) -> bool:
        """Return whether anything was written since the last look, as soon as it is, or the time is over."""
        if self._fd < 0:
            await asyncio.sleep(min(timeout_s, LOOK_AGAIN_S))
            return timeout_s > LOOK_AGAIN_S
        loop, written = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._fd, written.set)
        try:
            async with asyncio.timeout(timeout_s):
                await written.wait()
        except TimeoutError:
            return False
        finally:
            loop.remove_reader(self._fd)
        self._forget()
        return True

    def _forget(self) -> None:
        """Take what happened off the list: that something did is enough."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._fd, 64 * 1024):
                pass

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
