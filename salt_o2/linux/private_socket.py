"""A unix socket for the programs of one user: no other user can open it; a removed one is recreated.

A cleaner of temporary files, or a user, may remove the file of a socket. Existing connections stay, but no
program can connect any more, and neither the kernel nor ZeroMQ reports it.
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
"""How often to check a socket's file: one ``stat``. A watch would end with its directory."""
UNBIND_S = 0.2
"""ZeroMQ unbinds in the background and removes the file then: it must not remove the new file."""


def bind_privately(socket: Any, path: Path) -> None:
    """Make ``socket`` listen at ``path``; no other user can connect at any moment.

    Raises:
        zmq.ZMQError: the socket cannot be created there.
        OSError: the directory of the socket cannot be created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    former = os.umask(0o177)
    try:
        socket.bind(f"ipc://{path}")
    finally:
        os.umask(former)


async def keep_bound(socket: Any, path: Path) -> None:
    """Make ``socket`` listen at ``path`` again whenever its file is missing, until cancelled."""
    while True:
        await asyncio.sleep(LOOK_S)
        if path.is_socket():
            continue
        log.warning("the socket %s was removed; creating it again", path)
        with suppress(zmq.ZMQError):
            socket.unbind(f"ipc://{path}")
        await asyncio.sleep(UNBIND_S)
        try:
            bind_privately(socket, path)
        except (OSError, zmq.ZMQError) as error:
            log.error("the socket %s cannot be created again: %s", path, error)
