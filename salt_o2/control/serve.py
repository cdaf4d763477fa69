"""Puts control together and runs it until its process is told to stop."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from salt_o2 import integration
from salt_o2.control.calls import Caller
from salt_o2.control.closed import opened
from salt_o2.control.control import Control
from salt_o2.control.desk import Desk
from salt_o2.control.furnishing import NOTHING, Surroundings, furnish, services_of
from salt_o2.control.inbox import Inbox
from salt_o2.control.outbox import Bus
from salt_o2.control.server import SOCKET, RequestServer
from salt_o2.control.site import Site, timeouts
from salt_o2.core.messages import Report

Opener = Callable[[Callable[[Report], None]], None]


async def serve(
    site: Site, bus: Bus, open_bus: Opener, sock_dir: Path, around: Surroundings = NOTHING
) -> None:
    """Own all environments until SIGTERM; ``open_bus`` connects ``bus`` and is told who hears reports.

    ``around`` has what only the master's process has, for templates and their configuration.
    """
    integrations = integration.load(site.integrations)
    site = furnish(site, around, integrations)
    store = await opened(site.database, sock_dir / SOCKET)
    try:
        control = Control(
            bus,
            store,
            heartbeat_s=site.heartbeat_s,
            limits=lambda plan: timeouts(site, plan.variables),
            caller=Caller(integrations, services_of(site)),
            pool=site.pool,
        )
        inbox = Inbox()
        open_bus(inbox.put)
        server = RequestServer(Desk(control, site), sock_dir / SOCKET)
        await _until_told(control.run(), inbox.run(control.hear), server.run())
    finally:
        store.close()


async def _until_told(*jobs: "asyncio._CoroutineLike[None]") -> None:
    """Run ``jobs`` until SIGTERM or SIGINT, or until one of them fails."""
    running = asyncio.gather(*jobs)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)
    with suppress(asyncio.CancelledError):
        await running
