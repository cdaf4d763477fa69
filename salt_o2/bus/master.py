"""Control's end of the bus: publish commands, receive agents' reports, announce events.

Commands use the master's own publish channel (2.6 ms). It stays open, because a channel that is closed
right after a burst loses most of it. The fallback channel is a Salt job. Reports arrive on the master's
event bus. All messages between agents and control are sealed (host_link.py). Announcements are not.
"""

import asyncio
import logging
import os
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import salt.channel.server
import salt.client
import salt.utils.event
from tornado.ioloop import IOLoop

from salt_o2.bus import envelope, salt_keys, salt_reader, tags
from salt_o2.bus.host_link import Body, HostLink
from salt_o2.bus.questions import OpenQuestions
from salt_o2.concurrency.background_loops import run_together
from salt_o2.concurrency.run_all import Apart
from salt_o2.core.codec import plain
from salt_o2.core.errors import InvalidRequestError, UnreachableError
from salt_o2.core.ids import HostId
from salt_o2.core.messages.announcements import Announcement
from salt_o2.core.messages.commands import Command, Downward
from salt_o2.core.messages.reports import Report
from salt_o2.sealing.handshake import ControlKey
from salt_o2.sealing.host_sessions import HostSessions, KeyOf
from salt_o2.sealing.identity import PrivateKey

log = logging.getLogger(__name__)

ASK_S = 5
FIRE_IN_OUR_LOOP = {"master_async_mworker": True}
"""Without it, Salt 3008 starts a thread for each fired event, which blocks our loop meanwhile."""
INVITE_AFTER_S = (0.0, 1.0, 1.0, 2.0, 4.0)
"""Pauses before all agents are invited after control's start, in seconds.

After the master's own restart, agents need a moment to listen again. An agent that misses all invitations
is invited by name at its next report.
"""


class MasterChannels:
    """Salt's part of the bus of control; the simulator has a model of it."""

    def key(self, opts: dict[str, Any]) -> PrivateKey:
        """Return the key by which minions identify the master."""
        return salt_keys.of_master(opts)

    def accepted(self, opts: dict[str, Any]) -> KeyOf:
        """Return a function that finds the key of a host that the master has accepted."""
        return salt_keys.accepted(opts)

    def publisher(self, opts: dict[str, Any]) -> Any:
        """Return a new connection to the master's publish channel."""
        return salt.channel.server.PubServerChannel.factory(dict(opts))

    def events(self, opts: dict[str, Any]) -> Any:
        """Return a new connection to the master's event bus."""
        more = {**opts, **FIRE_IN_OUR_LOOP}
        return salt.utils.event.get_event("master", opts=more, listen=True, io_loop=IOLoop.current())

    def unpack(self, raw: bytes) -> tuple[str, dict[str, Any]]:
        """Return the tag and the data of an event."""
        tag, event = salt.utils.event.SaltEvent.unpack(raw)
        return tag, event

    def run_job(self, opts: dict[str, Any], host: str, arguments: Mapping[str, str]) -> None:
        """Start ``o2.deliver`` on ``host`` as a Salt job; call it in a thread."""
        with salt.client.get_local_client(mopts=dict(opts)) as local:
            local.run_job([host], envelope.FUNCTION, [arguments], tgt_type="list")


SALT = MasterChannels()


class MasterBus:
    """Bus of control. Use it inside the engine's own process and loop only."""

    def __init__(self, opts: dict[str, Any], channels: MasterChannels = SALT) -> None:
        """Store the master's options."""
        self._channels = channels
        self._opts = opts
        self._channel: Any = None
        self._events: Any = None
        self._link: HostLink | None = None
        self._questions = OpenQuestions()
        self._key_of: KeyOf = lambda _: None

    async def listen(
        self, on_report: Callable[[Report], None], kept_incarnation: Callable[[HostId], str] = lambda _: ""
    ) -> None:
        """Pass every report of an agent to ``on_report``, until cancelled.

        ``kept_incarnation`` returns the agent of a host that gets commands, if more than one has signed in.

        Raises:
            LoopEnded: Salt's own loop, which reads the master's events, has ended.
        """
        self.open(on_report, kept_incarnation)
        loops = {
            "events": salt_reader.wait_for_end(lambda: self._events.subscriber, "events of the master's bus"),
            "invitations": self._invite_all(),
        }
        await run_together(loops)

    def open(
        self, on_report: Callable[[Report], None], kept_incarnation: Callable[[HostId], str] = lambda _: ""
    ) -> None:
        """Connect to the master, see :meth:`listen`."""
        self._key_of = self._channels.accepted(self._opts)
        key = ControlKey(self._channels.key(self._opts), os.urandom(16), os.urandom(32))
        self._link = HostLink(HostSessions(key, self._key_of, os.urandom), kept_incarnation, time.time)
        self._channel = self._channels.publisher(self._opts)
        self._events = self._channels.events(self._opts)
        self._events.set_event_handler(lambda raw: self._receive_event(raw, on_report))

    async def send(self, messages: Sequence[Downward]) -> None:
        """Publish ``messages`` to their hosts, in as few publications as is sensible.

        A host without a session is invited to sign in, and gets its commands after that.

        Raises:
            Exception: the error of the first message that could not be sent; the other ones have been sent.
        """
        apart, bodies = Apart("publishing commands"), dict[str, list[Body]]()
        for message in messages:
            with apart:
                if sealed := self._opened().seal(message):
                    bodies.setdefault(message.host, []).extend(sealed)
        for bundle in envelope.split_by_size(bodies):
            with apart:
                await self._publish(bundle)
        apart.raise_first()

    async def send_as_job(self, commands: Sequence[Command]) -> None:
        """Send ``commands`` as Salt jobs ``o2.deliver``, which reach the agent through its minion.

        Raises:
            Exception: the error of the first command that could not be sent; the other ones have been sent.
        """
        apart = Apart("commands as Salt jobs")
        await asyncio.gather(*(self._send_job(command, apart) for command in commands))
        apart.raise_first()

    async def _send_job(self, command: Command, apart: Apart) -> None:
        with apart:
            for body in self._opened().seal(command):
                await asyncio.to_thread(self._run_job, command.host, body)

    def _run_job(self, host: str, body: Body) -> None:
        arguments = {kind: b64encode(data).decode() for kind, data in body.items()}
        self._channels.run_job(self._opts, host, arguments)

    async def _publish(self, bodies: Mapping[str, Sequence[Body]]) -> None:
        await self._channel.publish(envelope.publication(bodies))

    async def _invite_all(self) -> None:
        for pause_s in INVITE_AFTER_S:
            await asyncio.sleep(pause_s)
            await self._publish({envelope.ALL: [self._opened().invitation()]})
        await asyncio.get_running_loop().create_future()  # a loop runs as long as its engine

    def _opened(self) -> HostLink:
        if self._link is None:
            raise UnreachableError("control is not connected to its master yet")
        return self._link

    async def _receive_event(self, raw: bytes, on_report: Callable[[Report], None]) -> None:
        # Check the raw tag first: unpacking every event of a busy master would cost more than all our work.
        if raw.startswith(tags.AGENTS.encode()):
            tag, event = self._channels.unpack(raw)
            answer = self._opened().receive(tags.host_of(tag), event.get("data"))
            if answer.answer is not None and answer.host:
                self._take_answer(answer.host, answer.answer)
            if answer.report:
                on_report(answer.report)
            if answer.host and answer.replies:
                await self._publish({answer.host: answer.replies})
        elif raw.startswith(tags.KEYS.encode()):
            _, event = self._channels.unpack(raw)
            self._forget_if_refused(HostId(str(event.get("id"))))

    def _take_answer(self, host: HostId, data: Any) -> None:
        try:
            self._questions.add_part(host, data)
        except InvalidRequestError as error:
            log.warning("ignored an answer of %s: %s", host, error)

    def _forget_if_refused(self, host: HostId) -> None:
        """End the sessions of ``host`` if its key is no longer accepted. Every minion can forge the event."""
        if self._key_of(host) is None:
            self._opened().forget(host)

    async def ask(self, host: HostId, verb: str, arguments: Sequence[Any], wait_s: float = 0.0) -> Any:
        """Return the answer of the agent on ``host``, inside its session.

        The agent itself may wait for ``wait_s`` seconds.

        Raises:
            UnreachableError: if the agent does not answer.
            TaskError: if it answers with an error.
        """
        return await self._questions.ask(host, verb, arguments, ASK_S + wait_s, self.send)

    async def announce(self, announcement: Announcement) -> None:
        """Put ``announcement`` on the Salt bus, for reactor rules and other listeners."""
        await self._events.fire_event_async(plain(announcement), tags.of(announcement))

    def refusals(self) -> Mapping[HostId, str]:
        """Return the refused messages by host, in words; empty if none was refused."""
        return {name: str(refused) for name, refused in self._opened().refusals.items()}

    def close(self) -> None:
        """Disconnect."""
        if self._channel is not None:
            self._channel.close()
        if self._events is not None:
            self._events.destroy()
