"""Writes to the store what may follow a moment later, and again and again while the disk takes nothing."""

import asyncio
import logging

from salt_o2.control.storage.store import Store

log = logging.getLogger(__name__)

FLUSH_S = 0.2
"""How long what was only heard may wait for its place in the journal."""
FLUSH_AGAIN_S = 1.0


class DeferredFlush:
    """Sees to it that ``store`` is flushed soon after something was noted."""

    def __init__(self, store: Store) -> None:
        """Nothing is due yet."""
        self._store = store
        self._due: asyncio.TimerHandle | None = None

    def schedule(self) -> None:
        """Something was noted: write it within ``FLUSH_S`` seconds."""
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(FLUSH_S, self._flush)

    def forget(self) -> None:
        """Write nothing more, as after the end of the process."""
        if self._due is not None:
            self._due.cancel()

    def _flush(self) -> None:
        self._due = None
        try:
            self._store.flush()
            again = bool(self._store.trouble)  # until there is room
        except Exception:
            log.exception("the journal was not written; trying again in %g s", FLUSH_AGAIN_S)
            again = True
        if again:
            self._due = asyncio.get_running_loop().call_later(FLUSH_AGAIN_S, self._flush)
