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
from salt_o2.core.messages.bounds import unpack_bounded
from salt_o2.linux.private_socket import bind_privately, keep_bound

log = logging.getLogger(__name__)

SOCKET = "o2_control.ipc"
PROGRESS_EVERY_S = 0.05
MOST_AT_ONCE = 2000
"""Requests served at the same time; control refuses further ones at once."""
MOST_BYTES = 4 * 1024 * 1024
"""Bytes of one request at most; the largest is a configuration to import."""
MOST_ENTRIES = 20_000
"""Entries of all lists and maps in a request: control checks each in its loop while other requests wait."""
STORES_SECRETS = ("config_set", "config_import")
"""Requests that may have the value of a secret entry, because they write entries."""
GUESS_PAUSE_S = 2.0
"""Pause before the refusal of a request that has the value of a secret entry."""
LARGE = 2_000
"""Parts of an answer above which a thread encodes it."""
LONGEST_PATH = 107
"""Longest address of a unix socket on Linux."""


class RequestHandler(Protocol):
    """Serves requests; ``salt_o2.control.dispatcher`` implements it."""

    async def serve(self, verb: str, arguments: Mapping[str, Any], user: str, progress: Progress, /) -> Any:
        """Return the result of ``verb``."""


def _as_it_is(body: Any) -> Any:
    return body


def _has_none(_arguments: Any) -> bool:
    return False


class RequestServer:
    """Accepts requests at a unix socket that only its owner may open."""

    def __init__(
        self,
        dispatcher: RequestHandler,
        path: Path,
        mask: Callable[[Any], Any] = _as_it_is,
        has_secret: Callable[[Any], bool] = _has_none,
    ) -> None:
        """Serve requests at the socket ``path`` with ``dispatcher``; send each answer as ``mask`` returns it.

        A request whose arguments have a secret value is refused, because the masked answer would confirm a
        guess.

        Raises:
            InvalidRequestError: if the path is too long for a unix socket.
        """
        if len(str(path)) > LONGEST_PATH:
            raise InvalidRequestError(
                f"{path} is longer than a unix socket's {LONGEST_PATH} bytes; shorten sock_dir"
            )
        self._dispatcher = dispatcher
        self._mask, self._has_secret = mask, has_secret
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
        work = _Exchange(router, peer, self._mask).serve(self._dispatcher, frame, self._has_secret)
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

    async def serve(
        self, dispatcher: RequestHandler, frame: bytes, has_secret: Callable[[Any], bool]
    ) -> None:
        try:
            request = _read(frame)
            self._id = str(request.get("id", ""))
            self._send("progress", {})
            await _refuse_secrets(request, has_secret)
            result = await dispatcher.serve(
                str(request.get("verb", "")),
                {} if request.get("arguments") is None else request["arguments"],
                str(request.get("user", "")),
                self._progress,
            )
            if _is_large(result):
                self._send_packed(await asyncio.to_thread(self._packed, "result", result))
            else:
                self._send_packed(self._packed("result", result))
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
        self._send_packed(self._packed(kind, body))

    def _packed(self, kind: str, body: Any) -> bytes:
        packed: bytes = msgpack.packb({"id": self._id, kind: self._mask(plain(body))})
        return packed

    def _send_packed(self, packed: bytes) -> None:
        frames = [self._peer, packed]
        # A client that has gone, or reads slowly, must not delay other requests.
        with suppress(zmq.ZMQError):
            self._router.send_multipart(frames, flags=zmq.DONTWAIT)


async def _refuse_secrets(request: dict[str, Any], has_secret: Callable[[Any], bool]) -> None:
    """Return if no argument has the value of a secret entry, or the request stores such an entry.

    Raises:
        InvalidRequestError: else, after a pause that makes guesses slow.
    """
    if request.get("verb") in STORES_SECRETS or not has_secret(request.get("arguments")):
        return
    log.warning("%.60r sent the value of a secret entry in %.60r", request.get("user"), request.get("verb"))
    await asyncio.sleep(GUESS_PAUSE_S)
    raise InvalidRequestError(
        "the request contains the value of an entry that o2:secrets marks. Nothing was done. Leave the value "
        "out: templates read the entry themselves"
    )


def _is_large(value: Any) -> bool:
    """Return whether the loop would stop for long to encode ``value``. O(1)."""
    todo, seen = [value], 0
    while todo and seen < LARGE:
        part = todo.pop()
        seen += 1 + (len(part) // 100 if isinstance(part, str) else 0)
        if isinstance(part, Mapping):
            todo += list(part.values())[:LARGE]
        elif isinstance(part, list | tuple):
            todo += part[:LARGE]
    return seen >= LARGE


def _read(frame: bytes) -> dict[str, Any]:
    try:
        request = unpack_bounded(frame, MOST_ENTRIES)
    except ValueError as error:
        raise InvalidRequestError(f"a request must be one msgpack map: {error}") from error
    if not isinstance(request, dict):
        raise InvalidRequestError(f"a request must be one msgpack map, not {type(request).__name__}")
    return request
