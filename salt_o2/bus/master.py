"""Control's end of the bus: publishes commands, hears agents' reports, announces events.

The quick way down is the master's own publish channel (2.6 ms), kept open: a channel closed right after a
burst loses most of it. The sure way is a Salt job. The way up is the master's event bus.
"""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from typing import Any

import salt.channel.server
import salt.client
import salt.utils.event
from tornado.ioloop import IOLoop

from salt_o2.apart import Apart
from salt_o2.aside import aside
from salt_o2.bus import envelope, reading, tags
from salt_o2.core import host_reports
from salt_o2.core.codec import plain
from salt_o2.core.effects import News
from salt_o2.core.errors import Unreachable
from salt_o2.core.ids import HostId
from salt_o2.core.messages import Command, Downward, Report

log = logging.getLogger(__name__)

ASK_S = 5
FIRE_IN_OUR_LOOP = {"master_async_mworker": True}
"""Without it Salt 3008 starts a thread for each event that is fired, and our loop stands still meanwhile."""


class MasterBus:
    """The bus as control sees it; to be used inside the engine's own process and loop only."""

    def __init__(self, opts: dict[str, Any]) -> None:
        """Take the master's options."""
        self._opts = opts
        self._channel: Any = None
        self._events: Any = None

    async def listen(self, heard: Callable[[Report], None]) -> None:
        """Give every report of an agent to ``heard``, until cancelled.

        Raises:
            LoopEnded: Salt's own loop, which reads the master's events, has ended.
        """
        self.open(heard)
        await reading.wait_for_end(lambda: self._events.subscriber, "events of the master's bus")

    def open(self, heard: Callable[[Report], None]) -> None:
        """Connect to the master; every report of an agent is given to ``heard``."""
        self._channel = salt.channel.server.PubServerChannel.factory(dict(self._opts))
        self._events = salt.utils.event.get_event(
            "master", opts={**self._opts, **FIRE_IN_OUR_LOOP}, listen=True, io_loop=IOLoop.current()
        )
        self._events.set_event_handler(lambda raw: _hear(raw, heard))

    async def send(self, messages: Sequence[Downward]) -> None:
        """Publish ``messages`` to their hosts, in as few publications as is sensible.

        Raises:
            Exception: what the first message raised that could not be sent; the others have been sent.
        """
        bodies: dict[str, list[dict[str, Any]]] = {}
        for message in messages:
            bodies.setdefault(message.host, []).append(_body(message))
        apart = Apart("publishing commands")
        for bundle in envelope.bundles(bodies):
            with apart:
                await self._channel.publish(envelope.seal(bundle))
        apart.raise_first()

    async def insist(self, commands: Sequence[Command]) -> None:
        """Send ``commands`` as Salt jobs ``o2.drive``, the way that a person would also take.

        Raises:
            Exception: what the first command raised that could not be sent; the others have been sent.
        """
        apart = Apart("commands as Salt jobs")
        await asyncio.gather(*(self._send_job(command, apart) for command in commands))
        apart.raise_first()

    async def _send_job(self, command: Command, apart: Apart) -> None:
        with apart:
            await asyncio.to_thread(self._run_job, command)

    def _run_job(self, command: Command) -> None:
        with salt.client.get_local_client(mopts=dict(self._opts)) as local:
            local.run_job([command.host], envelope.FUNCTION, [plain(command)], tgt_type="list")

    async def ask(self, host: str, function: str, arguments: Sequence[Any], wait_s: float = 0.0) -> Any:
        """Return what an execution module's function returns on ``host``, as an ordinary Salt job.

        The function itself may wait for ``wait_s`` seconds.

        Raises:
            Unreachable: if the minion does not answer, or answers with an error.
        """
        run = aside if wait_s else asyncio.to_thread
        return await run(self._ask, host, function, arguments, ASK_S + math.ceil(wait_s))

    def _ask(self, host: str, function: str, arguments: Sequence[Any], limit_s: int) -> Any:
        with salt.client.get_local_client(mopts=dict(self._opts)) as local:
            answer = local.cmd(
                [host], function, list(arguments), tgt_type="list", timeout=limit_s, full_return=True
            )
        said = answer.get(host)
        if not said:
            raise Unreachable(f"minion {host} has not answered {function} within {limit_s} s")
        if said.get("retcode"):
            raise Unreachable(f"minion {host} answered {function} with: {said.get('ret')}")
        return said["ret"]

    async def announce(self, news: News) -> None:
        """Put ``news`` on the Salt bus, for reactor rules and whoever else listens."""
        await self._events.fire_event_async(plain(news), tags.of(news))

    def close(self) -> None:
        """Disconnect."""
        if self._channel is not None:
            self._channel.close()
        if self._events is not None:
            self._events.destroy()


def _body(message: Downward) -> dict[str, Any]:
    return {"kind": type(message).__name__, "message": plain(message)}


async def _hear(raw: bytes, heard: Callable[[Report], None]) -> None:
    # Look at the raw tag first: unpacking every event of a busy master would cost more than all our work.
    if not raw.startswith(tags.AGENTS.encode()):
        return
    tag, event = salt.utils.event.SaltEvent.unpack(raw)
    host = HostId(tags.host_of(tag))
    report = _read(event, host)
    # The master has verified who sent the event; an agent may speak for its own host only.
    if not event.get("id") == report.host == host:
        log.warning("ignored a report about %s that %s sent under %s", report.host, event.get("id"), tag)
        return
    heard(report)


def _read(event: Any, host: HostId) -> Report:
    """Return the report in ``event``, as far as it can be read; what cannot be is told on the host's row."""
    try:
        return host_reports.report_of(envelope.unpack(event["data"]["report"]), host)
    except Exception as error:  # whatever was packed, the next event must be heard
        return host_reports.unreadable(host, f"it cannot be unpacked: {error!r}")
