"""Waits for writes in a directory by Linux's inotify, without repeated polling.

libc is called directly: only three functions are needed, and no installed library wraps them.
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
"""Polling period of a directory that cannot be watched: the system limits the number of watches."""


class DirectoryWatch:
    """Changes of the files of one directory, or of the directory itself, from the start of ``with`` on."""

    def __init__(self, folder: Path) -> None:
        """Watch ``folder``."""
        self._folder = folder
        self._fd = -1

    def __enter__(self) -> Self:
        """Start to watch."""
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
        """Stop watching."""
        self._close()

    async def wait(self, timeout_s: float) -> bool:
        """Return whether a file was written since the last call, as soon as one is, or at the timeout."""
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
        """Discard the queued events: it is enough to know that one occurred."""
        with contextlib.suppress(BlockingIOError):
            while os.read(self._fd, 64 * 1024):
                pass

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
