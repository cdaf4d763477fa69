"""Build control from its parts and run it until its process receives SIGTERM."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from salt_o2.concurrency.background_loops import run_engine, spawn
from salt_o2.concurrency.daemon_thread import run_in_daemon_thread
from salt_o2.control import components
from salt_o2.control.hosts.bus import Bus
from salt_o2.control.hosts.report_queue import ReportQueue
from salt_o2.control.request_server import SOCKET, RequestServer
from salt_o2.control.storage.retention import Retention
from salt_o2.control.unavailable import open_store_or_refuse
from salt_o2.core.ids import HostId
from salt_o2.core.messages.reports import Report
from salt_o2.integration import registry
from salt_o2.site.configuration import Configuration
from salt_o2.site.resources import (
    NOTHING,
    MasterContext,
    configuration_of,
    open_resources,
    with_a_backend,
)
from salt_o2.site.settings import Site

log = logging.getLogger(__name__)
SECRETS_S = 5.0
"""How long requests wait for the secret entries after a start, and how often control tries to read them."""
Listen = Callable[[Callable[[Report], None], Callable[[HostId], str]], Coroutine[Any, Any, None]]


async def serve(
    site: Site,
    bus: Bus,
    listen: Listen,
    sock_dir: Path,
    around: MasterContext = NOTHING,
    faults: tuple[str, ...] = (),
) -> None:
    """Own all environments until SIGTERM; ``listen`` passes each report on ``bus`` to its first argument.

    Its second argument returns which agent of a host control accepts: only that agent receives commands.
    ``around`` has what only the master's process has, for templates and their configuration. ``faults`` are
    settings of the site that control cannot use; every status request shows them.

    Raises:
        LoopEnded: if a background loop of control ended; its supervisor starts another control.
    """
    integrations, left_out = registry.load(site.integrations)
    site, no_backend = with_a_backend(site, around)
    site = open_resources(site, around, integrations)
    faults = (*faults, *left_out, *no_backend)
    for fault in faults:
        log.error("a setting of the site is not valid, control uses its default: %s", fault)
    store = await open_store_or_refuse(site.database, sock_dir / SOCKET)
    try:
        control = components.build(
            site, bus, store, integrations=integrations, pillar_of=around.pillar_of, faults=faults
        )
        inbox = ReportQueue()
        configuration = configuration_of(site)
        secrets = configuration.secrets
        server = RequestServer(control.dispatcher, sock_dir / SOCKET, secrets.mask, secrets.occur_in)
        retention = Retention(store, site.journal)
        loops = {
            "bus": listen(inbox.put, control.hosts.kept_incarnation),
            "control": control.run(),
            "journal": retention.run(),
            "reports": inbox.run(control.reports.receive),
            "requests": _serve_masked(server, configuration),
        }
        await run_engine("control", loops)
    finally:
        store.close()


async def _serve_masked(server: RequestServer, configuration: Configuration) -> None:
    """Serve requests once the secret entries of the configuration are known, or their backend is silent."""
    reading = spawn("the secret entries", _read_secrets(configuration), set())
    await asyncio.wait({reading}, timeout=SECRETS_S)
    try:
        await server.run()
    finally:
        reading.cancel()


async def _read_secrets(configuration: Configuration) -> None:
    while not await run_in_daemon_thread(lambda: configuration.secrets.read_all(configuration.backend)):
        await asyncio.sleep(SECRETS_S)
