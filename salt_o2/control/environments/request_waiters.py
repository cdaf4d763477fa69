"""Who has asked for something that takes a while, and waits for the answer."""

import asyncio
from collections.abc import Callable


class RequestWaiters:
    """One future for each request under way, by the request's name."""

    def __init__(self) -> None:
        """Nobody waits yet."""
        self._waiting: dict[str, asyncio.Future[None]] = {}

    async def wait(self, request: str, begin: Callable[[], object]) -> None:
        """Begin something that will be answered under ``request``, and wait for the answer.

        Raises:
            Exception: the answer, if that is what it is.
        """
        answer = self._waiting[request] = asyncio.get_running_loop().create_future()
        try:
            begin()
            await answer
        finally:
            del self._waiting[request]

    def complete(self, request: str, error: Exception | None) -> None:
        """Answer ``request``, if whoever asked is still there."""
        answer = self._waiting.get(request)
        if answer is None or answer.done():
            return
        if error:
            answer.set_exception(error)
        else:
            answer.set_result(None)
