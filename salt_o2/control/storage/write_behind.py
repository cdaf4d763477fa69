"""Commit deferred writes to the store after a short delay; repeat while the disk cannot be written."""

import asyncio
import logging

from salt_o2.control.storage.store import Store

log = logging.getLogger(__name__)

FLUSH_S = 0.2
"""Seconds that reports may wait for their commit to the journal."""
FLUSH_AGAIN_S = 1.0


class DeferredFlush:
    """Flushes ``store`` soon after new data was appended."""

    def __init__(self, store: Store) -> None:
        """Begin without a scheduled flush."""
        self._store = store
        self._due: asyncio.TimerHandle | None = None

    def schedule(self) -> None:
        """Schedule a flush of new data within ``FLUSH_S`` seconds."""
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(FLUSH_S, self._flush)

    def forget(self) -> None:
        """Cancel the scheduled flush, as at the end of the process."""
        if self._due is not None:
            self._due.cancel()

    def _flush(self) -> None:
        self._due = None
        try:
            self._store.flush()
            again = bool(self._store.trouble)  # until the disk has room
        except Exception:
            log.exception("the journal was not written; trying again in %g s", FLUSH_AGAIN_S)
            again = True
        if again:
            self._due = asyncio.get_running_loop().call_later(FLUSH_AGAIN_S, self._flush)
