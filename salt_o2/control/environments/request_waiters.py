"""Requests under way, each with a future that completes when the request has ended."""

import asyncio
from collections.abc import Callable


class RequestWaiters:
    """One future for each request under way, by the request's name."""

    def __init__(self) -> None:
        """Begin without requests."""
        self._waiting: dict[str, asyncio.Future[None]] = {}

    async def wait(self, request: str, begin: Callable[[], object]) -> None:
        """Call ``begin``, and wait until the request named ``request`` has been completed.

        Raises:
            Exception: the error with which the request was completed, if any.
        """
        answer = self._waiting[request] = asyncio.get_running_loop().create_future()
        try:
            begin()
            await answer
        finally:
            del self._waiting[request]

    def complete(self, request: str, error: Exception | None) -> None:
        """Complete ``request`` with ``error`` or with success; ignore a request that is no longer awaited."""
        answer = self._waiting.get(request)
        if answer is None or answer.done():
            return
        if error:
            answer.set_exception(error)
        else:
            answer.set_result(None)
