"""Probe whether processes on another machine respond, without a message of their agent.

A server at a task's port sends first: a gRPC server sends its SETTINGS (RFC 9113, 3.4) and a ZeroMQ socket
its greeting (ZMTP 3.1) as soon as a client has connected. The kernel still accepts connections for a stopped
process, but the process sends nothing. The probe reads only the first byte, and sends nothing.
"""

import asyncio
import errno
import logging
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

log = logging.getLogger(__name__)

OWN_FAULT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EADDRNOTAVAIL})
"""Errors that concern this machine only, and prove nothing about the other one."""
MOST_AT_ONCE = 256
"""Connections of all probes together."""


LATE = 2.0
"""Multiple of the deadline after which a missing answer proves nothing: control did not run meanwhile."""


class PortProbe:
    """Probes ports with a bounded number of connections."""

    def __init__(self, at_once: int = MOST_AT_ONCE) -> None:
        """Open at most ``at_once`` connections."""
        self._turn = asyncio.Semaphore(at_once)

    async def speaks(self, address: str, ports: Sequence[int], deadline_s: float) -> bool | None:
        """Return whether a process at any of ``ports`` sends a byte within ``deadline_s``.

        ``None`` if the probe is inconclusive: this machine has no connections left, or this process did not
        run when the time was over.
        """
        return await self._any([self._first_byte(address, port, deadline_s) for port in ports])

    async def is_up(self, address: str, ports: Sequence[int], deadline_s: float) -> bool | None:
        """Return whether a machine is at ``address``: its kernel accepts or refuses a connection."""
        return await self._any([self._reaction(address, port, deadline_s) for port in ports])

    async def _any(self, questions: Sequence[Coroutine[Any, Any, bool | None]]) -> bool | None:
        """Return true at the first positive result; else ``None`` if one of them is inconclusive."""
        asking = [asyncio.ensure_future(question) for question in questions]
        answers: list[bool | None] = []
        try:
            for answered in asyncio.as_completed(asking):
                answers.append(await answered)
                if answers[-1]:
                    return True
        finally:
            for one in asking:
                one.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
        return None if None in answers else False

    async def _first_byte(self, address: str, port: int, deadline_s: float) -> bool | None:
        async with self._turn:
            begun = _now()
            try:
                async with asyncio.timeout(deadline_s):
                    reader, writer = await asyncio.open_connection(address, port)
                    try:
                        return bool(await reader.read(1))
                    finally:
                        await _close(writer)
            except TimeoutError:
                return _none_if_late(begun, deadline_s)
            except OSError as error:
                return _none_if_ours(error)

    async def _reaction(self, address: str, port: int, deadline_s: float) -> bool | None:
        async with self._turn:
            begun = _now()
            try:
                async with asyncio.timeout(deadline_s):
                    _, writer = await asyncio.open_connection(address, port)
                await _close(writer)
            except ConnectionRefusedError:
                return True
            except TimeoutError:
                return _none_if_late(begun, deadline_s)
            except OSError as error:
                return _none_if_ours(error)
        return True


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()  # no data is left to send
    with suppress(OSError):
        await writer.wait_closed()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _none_if_late(begun: float, deadline_s: float) -> bool | None:
    """Return ``None`` if this process did not run at the deadline: it may have missed the answer."""
    return None if _now() - begun > LATE * deadline_s else False


def _none_if_ours(error: OSError) -> bool | None:
    if error.errno in OWN_FAULT:
        log.warning("control cannot probe hosts, this machine has no free connection: %s", error)
        return None
    return False
