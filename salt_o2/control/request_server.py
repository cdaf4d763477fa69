"""Control's local socket: ZeroMQ ROUTER, msgpack, one reply stream per request.

The client is in client/control_client.py.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import msgpack
import zmq
import zmq.asyncio

from salt_o2.concurrency.background_loops import is_cancel_requested, run_together, spawn
from salt_o2.control.requests.arguments import Progress
from salt_o2.core.codec import plain
from salt_o2.core.errors import InvalidRequestError, O2Error, as_document
from salt_o2.linux.private_socket import bind_privately, keep_bound

log = logging.getLogger(__name__)

SOCKET = "o2_control.ipc"
PROGRESS_EVERY_S = 0.05
MOST_AT_ONCE = 2000
"""Requests served at the same time; control refuses further ones at once."""
MOST_BYTES = 4 * 1024 * 1024
"""Bytes of one request at most; the largest is a configuration to import."""
MOST_ENTRIES = 10_000
"""Entries of one list or map in a request: control checks each in its loop while other requests wait."""
LONGEST_PATH = 107
"""Longest address of a unix socket on Linux."""


class RequestHandler(Protocol):
    """Serves requests; ``salt_o2.control.dispatcher`` implements it."""

    async def serve(self, verb: str, arguments: Mapping[str, Any], user: str, progress: Progress, /) -> Any:
        """Return the result of ``verb``."""


def _as_it_is(body: Any) -> Any:
    return body


class RequestServer:
    """Accepts requests at a unix socket that only its owner may open."""

    def __init__(
        self, dispatcher: RequestHandler, path: Path, mask: Callable[[Any], Any] = _as_it_is
    ) -> None:
        """Serve requests at the socket ``path`` with ``dispatcher``; send each answer as ``mask`` returns it.

        Raises:
            InvalidRequestError: if the path is too long for a unix socket.
        """
        if len(str(path)) > LONGEST_PATH:
            raise InvalidRequestError(
                f"{path} is longer than a unix socket's {LONGEST_PATH} bytes; shorten sock_dir"
            )
        self._dispatcher = dispatcher
        self._mask = mask
        self._path = path
        self._serving: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until cancelled."""
        with zmq.asyncio.Context() as context, context.socket(zmq.ROUTER) as router:
            router.linger, router.maxmsgsize = 0, MOST_BYTES
            self._path.unlink(missing_ok=True)
            bind_privately(router, self._path)
            try:
                await run_together(
                    {
                        "requests": self._take_requests(router),
                        "the socket's file": keep_bound(router, self._path),
                    }
                )
            finally:
                await self._finish()

    async def _take_requests(self, router: Any) -> None:
        while True:
            peer, frame = await router.recv_multipart()
            self._spawn(router, peer, frame)

    def _spawn(self, router: Any, peer: bytes, frame: bytes) -> None:
        if len(self._serving) >= MOST_AT_ONCE:
            _Exchange(router, peer, self._mask).refuse(frame)
            return
        work = _Exchange(router, peer, self._mask).serve(self._dispatcher, frame)
        spawn("a request to control", work, self._serving)

    async def _finish(self) -> None:
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        self._path.unlink(missing_ok=True)


class _Exchange:
    """One request and its replies."""

    def __init__(self, router: Any, peer: bytes, mask: Callable[[Any], Any]) -> None:
        self._router = router
        self._mask = mask
        self._peer = peer
        self._id = ""
        self._last_progress = 0.0
        self._phase: tuple[object, ...] = ()

    def refuse(self, frame: bytes) -> None:
        """Refuse a request because too many are under way; those continue."""
        with suppress(InvalidRequestError):
            self._id = str(_read(frame).get("id", ""))
        message = f"control serves {MOST_AT_ONCE} requests, which is the limit: try again later"
        self._send("error", {"kind": "UnreachableError", "message": message})

    async def serve(self, dispatcher: RequestHandler, frame: bytes) -> None:
        try:
            request = _read(frame)
            self._id = str(request.get("id", ""))
            self._send("progress", {})
            result = await dispatcher.serve(
                str(request.get("verb", "")),
                {} if request.get("arguments") is None else request["arguments"],
                str(request.get("user", "")),
                self._progress,
            )
            self._send("result", plain(result))
        except O2Error as error:
            self._send("error", as_document(error))
        except asyncio.CancelledError as error:
            if is_cancel_requested():
                raise
            self._fail(error)
        except Exception as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """Log a defect of control, and return an error to the client."""
        log.error("request %s failed: %r", self._id, error, exc_info=error)
        self._send(
            "error", {"kind": "O2Error", "message": f"internal error of control: {error!r}; see its log"}
        )

    def _progress(self, progress: dict[str, Any]) -> None:
        """Send ``progress`` if a phase begins or is complete, or if the last one was sent a while ago."""
        now = time.monotonic()
        complete = 0 < progress["total"] == progress["done"]
        phase = (progress["environment"], progress["state"], progress["transition"], complete)
        if phase != self._phase or now - self._last_progress >= PROGRESS_EVERY_S:
            self._phase, self._last_progress = phase, now
            self._send("progress", plain(progress))

    def _send(self, kind: str, body: Any) -> None:
        frames = [self._peer, msgpack.packb({"id": self._id, kind: self._mask(body)})]
        # A client that has gone, or reads slowly, must not delay other requests.
        with suppress(zmq.ZMQError):
            self._router.send_multipart(frames, flags=zmq.DONTWAIT)


def _read(frame: bytes) -> dict[str, Any]:
    try:
        request = msgpack.unpackb(frame, max_array_len=MOST_ENTRIES, max_map_len=MOST_ENTRIES)
    except ValueError as error:
        raise InvalidRequestError(f"a request must be one msgpack map: {error}") from error
    if not isinstance(request, dict):
        raise InvalidRequestError(f"a request must be one msgpack map, not {type(request).__name__}")
    return request
