"""The agent's socket for processes of its own host: users' commands, and control's fallback channel.

One request is one msgpack map ``{verb, arguments}``, one answer ``{result}`` or ``{error}``, which is
``{kind, message, fields}``, see core/errors.py.
"""

import asyncio
import contextlib
import inspect
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgpack
import zmq
import zmq.asyncio

from salt_o2.agent.agent import Agent
from salt_o2.agent.request_handlers import Deliver, RequestHandlers, no_session
from salt_o2.concurrency.background_loops import is_cancel_requested, run_together, spawn
from salt_o2.core.codec import plain
from salt_o2.core.errors import InvalidRequestError, O2Error, as_document
from salt_o2.core.socket_paths import socket_path
from salt_o2.linux.private_socket import bind_privately, keep_bound

log = logging.getLogger(__name__)
AT_MOST = 64 * 1024 * 1024
"""Maximum size of one request in bytes: enough for all commands of a host with some thousand tasks."""


async def serve(agent: Agent, sock_dir: str | Path, deliver: Deliver = no_session) -> None:
    """Answer requests for ``agent`` until cancelled; only this user can send requests.

    ``deliver`` processes a message of control that arrived as a Salt job.

    Raises:
        InvalidRequestError: the path ``sock_dir`` is too long for a socket.
        zmq.ZMQError: the socket cannot be created there.
    """
    path, context = socket_path(sock_dir), zmq.asyncio.Context()
    socket = context.socket(zmq.ROUTER)
    socket.linger, socket.maxmsgsize = 0, AT_MOST
    doing: set[asyncio.Task[None]] = set()
    try:
        bind_privately(socket, path)
        await run_together(
            {
                "requests": _take_requests(socket, RequestHandlers(agent, deliver), doing),
                "the socket's file": keep_bound(socket, path),
            }
        )
    finally:
        for task in doing:
            task.cancel()
        await asyncio.gather(*doing, return_exceptions=True)
        socket.close()
        context.term()
        path.unlink(missing_ok=True)


async def _take_requests(
    socket: "zmq.asyncio.Socket", verbs: RequestHandlers, doing: set[asyncio.Task[None]]
) -> None:
    while True:
        frames = await socket.recv_multipart()
        spawn("a request to the agent", _answer(socket, verbs, frames), doing)


async def _answer(socket: "zmq.asyncio.Socket", verbs: RequestHandlers, frames: list[bytes]) -> None:
    *envelope, request_bytes = frames
    try:
        answer = {"result": plain(await _carry_out(verbs, request_bytes))}
    except O2Error as error:
        answer = {"error": as_document(error)}
    # A defect in a handler must reach the client.
    except (Exception, asyncio.CancelledError) as error:
        if isinstance(error, asyncio.CancelledError) and is_cancel_requested():
            raise
        log.exception("a request at the agent's socket failed")
        answer = {"error": {"kind": "O2Error", "message": f"the agent failed: {error!r}"}}
    # The client may have disconnected.
    with contextlib.suppress(zmq.ZMQError):
        await socket.send_multipart([*envelope, msgpack.packb(answer)])


async def _carry_out(verbs: RequestHandlers, request_bytes: bytes) -> Any:
    verb, arguments = _read(request_bytes)
    chosen: Callable[..., Awaitable[Any]] | None = verbs.table.get(verb)
    if chosen is None:
        raise InvalidRequestError(f"the agent knows no {verb!r}, only {', '.join(verbs.table)}")
    try:
        asked = inspect.signature(chosen).bind(**arguments)
    except TypeError as error:
        raise InvalidRequestError(f"{verb}: {error}") from error
    # An error of the handler does not mean that the request is invalid.
    return await chosen(*asked.args, **asked.kwargs)


def _read(request_bytes: bytes) -> tuple[str, dict[str, Any]]:
    try:
        request = msgpack.unpackb(request_bytes)
        verb, arguments = request["verb"], request["arguments"]
    except Exception as error:
        raise InvalidRequestError(f"not a request: {error!r}") from error
    if not isinstance(verb, str) or not isinstance(arguments, dict):
        raise InvalidRequestError("a request has a verb, which is text, and arguments, which are a map")
    return verb, arguments
