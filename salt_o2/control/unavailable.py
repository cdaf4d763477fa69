"""Answer requests while control cannot open its store: refuse each one with the reason."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from salt_o2.control.request_server import RequestServer
from salt_o2.control.requests.arguments import Progress
from salt_o2.control.storage.store import Store
from salt_o2.core.errors import StorageError

log = logging.getLogger(__name__)

RETRY_S = 5.0


class UnavailableDispatcher:
    """A dispatcher that refuses every request, with the reason."""

    def __init__(self, why: StorageError) -> None:
        """Refuse because of ``why``."""
        self._why = why

    async def serve(self, _verb: str, _arguments: Mapping[str, Any], _user: str, _progress: Progress) -> Any:
        """Refuse the request.

        Raises:
            StorageError: always.
        """
        raise self._why


async def open_store_or_refuse(url: str, socket: Path, retry_s: float = RETRY_S) -> Store:
    """Return the store at ``url``; until it opens, refuse all requests at ``socket`` with the reason."""
    complained = ""
    while True:
        try:
            return Store(url)
        except StorageError as error:
            if str(error) != complained:
                log.critical("%s; trying again every %g s", error, retry_s)
                complained = str(error)
            try:
                async with asyncio.timeout(retry_s):
                    await RequestServer(UnavailableDispatcher(error), socket).run()
            except TimeoutError:
                continue
