"""Send requests to control from the event loop: each runs in a thread, with the client that coconut uses."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from salt_o2.client.control_client import REQUEST_TIMEOUT_S, ControlClient

MOST_AT_ONCE = 64
"""Requests to control under way at most; later ones wait for their turn."""


class ControlGateway:
    """The way to one control."""

    def __init__(self, socket: Path) -> None:
        """Send requests to the control that listens at ``socket``."""
        self._socket = socket
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="control")

    async def request(
        self,
        verb: str,
        arguments: dict[str, Any],
        user: str,
        progress: Callable[[dict[str, Any]], None] | None = None,
        timeout_s: float = REQUEST_TIMEOUT_S,
    ) -> Any:
        """Return the result of ``verb``; call ``progress`` in the event loop with each step.

        The request goes on if the caller is cancelled.

        Raises:
            O2Error: the error of control, or that control does not answer.
        """
        loop = asyncio.get_running_loop()

        def report(step: dict[str, Any]) -> None:
            if progress is not None:
                loop.call_soon_threadsafe(progress, step)

        def send() -> Any:
            with ControlClient(self._socket, user) as client:
                return client.request(verb, arguments, report, timeout_s)

        return await loop.run_in_executor(self._threads, send)

    def close(self) -> None:
        """Accept no more requests. Requests under way are not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)
