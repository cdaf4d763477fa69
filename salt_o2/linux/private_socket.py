"""A unix socket for the programs of one user: no other can open it; it is made again if it is removed.

A cleaner of temporary files, or a person, may remove the file of a socket. What is connected stays connected
then, but no program can connect any more, and neither the kernel nor ZeroMQ says a word.
"""

import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import zmq

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""How often a socket's file is looked for: one ``stat``. A watch would go with its directory."""
UNBIND_S = 0.2
"""ZeroMQ unbinds in the background, and removes the file then: it must not be the new one."""


def bind_privately(socket: Any, path: Path) -> None:
    """Let ``socket`` listen at ``path``; no other user may connect, not even for a moment.

    Raises:
        zmq.ZMQError: if it cannot be made there.
        OSError: if its directory cannot be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    former = os.umask(0o177)
    try:
        socket.bind(f"ipc://{path}")
    finally:
        os.umask(former)


async def keep_bound(socket: Any, path: Path) -> None:
    """Let ``socket`` listen at ``path`` again whenever its file is gone, until cancelled."""
    while True:
        await asyncio.sleep(LOOK_S)
        if path.is_socket():
            continue
        log.warning("the socket %s was removed; making it again", path)
        with suppress(zmq.ZMQError):
            socket.unbind(f"ipc://{path}")
        await asyncio.sleep(UNBIND_S)
        try:
            bind_privately(socket, path)
        except (OSError, zmq.ZMQError) as error:
            log.error("the socket %s cannot be made again: %s", path, error)
