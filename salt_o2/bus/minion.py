"""Agent's end of the bus: receive commands on the master's publish channel, report on a request channel.

Both channels sign in with the minion's key and belong to the agent, so a command does not wait for the
minion to start a job process. Through them the agent signs in to control. All later messages between the
two are sealed (control_link.py).
"""

import asyncio
import logging
import os
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import salt.channel.client
import salt.exceptions
import salt.minion
import salt.pillar
from tornado.ioloop import IOLoop

from salt_o2.bus import envelope, salt_keys, salt_reader, tags
from salt_o2.bus.control_link import ControlLink
from salt_o2.bus.minion_master import Masters
from salt_o2.bus.questions import Answering
from salt_o2.concurrency.background_loops import is_cancel_requested, run_together, spawn
from salt_o2.core.errors import InvalidRequestError, UnreachableError
from salt_o2.core.ids import HostId
from salt_o2.core.messages.commands import Downward, Question
from salt_o2.core.messages.reports import Report
from salt_o2.sealing.agent_session import AgentSession
from salt_o2.sealing.identity import PrivateKey, PublicKey

log = logging.getLogger(__name__)

RETRY_S = 1.0
"""Delay before the next sign-in to the master after a failed one, in seconds."""
FIRST_GREETING_S, LAST_GREETING_S = 0.5, 10.0
"""First and longest wait for the answer to a hello before it is sent again. The wait doubles each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Interface of the agent to its bus."""

    incarnation: str
    """Distinguishes this agent from earlier agents of its host."""
    on_message: Callable[[Downward], Awaitable[None]]
    """Processes each message of control."""
    signed_in: Callable[[dict[str, Any]], Awaitable[None]]
    """Receives the minion's pillar after the sign-in to the master."""
    on_question: Callable[[Question], Awaitable[Any]]
    """Returns the answer to a question of control."""
    established: Callable[[], Awaitable[None]]
    """Called when a session with control is established: control has no data of this agent yet."""


class MinionChannels:
    """Salt's part of the bus of an agent; the simulator has a model of it."""

    async def keys_made(self, opts: dict[str, Any]) -> None:
        """Wait until the minion has its keys and a master has accepted them."""
        await salt_keys.keys_made(Path(opts["pki_dir"]))

    def keys(self, opts: dict[str, Any]) -> tuple[PrivateKey, PublicKey]:
        """Return the minion's own key and its master's public key.

        Raises:
            OSError: one of them does not exist yet.
        """
        return salt_keys.of_minion(opts)

    def publications(self, opts: dict[str, Any]) -> Any:
        """Return a new channel for the publications of the master."""
        return salt.channel.client.AsyncPubChannel.factory(opts, io_loop=IOLoop.current())

    def requests(self, opts: dict[str, Any]) -> Any:
        """Return a new channel for requests to the master."""
        return salt.channel.client.AsyncReqChannel.factory(opts, io_loop=IOLoop.current())

    async def resolve(self, opts: dict[str, Any]) -> dict[str, Any]:
        """Return the options that name the address of the master."""
        return await asyncio.to_thread(_resolve_master, opts)

    async def pillar(self, opts: dict[str, Any]) -> dict[str, Any]:
        """Return the minion's pillar; empty, with a line in the log, if the master gives none."""
        # Engines start before the minion has its pillar, so the agent requests its own.
        grains = opts.get("grains", {})
        pillar = salt.pillar.get_async_pillar(opts, grains, opts["id"], opts.get("saltenv"))
        try:
            compiled: dict[str, Any] = await pillar.compile_pillar()
            return compiled
        except (salt.exceptions.SaltException, OSError) as error:
            log.error("no pillar for %s: %s", opts["id"], error)
            return {}
        finally:
            pillar.destroy()


SALT = MinionChannels()


class MinionBus:
    """Bus of an agent. Use it inside the engine's own process and loop only."""

    def __init__(
        self,
        opts: dict[str, Any],
        masters: Masters | None = None,
        send_timeout_s: float = 5.0,
        channels: MinionChannels = SALT,
    ) -> None:
        """Store the minion's options. They need not contain the master's address yet.

        ``masters`` selects one of several masters. Without it, the options name the only one.
        """
        self._channels = channels
        # A sign-in that has timed out once never succeeds, so a new one is started.
        self._opts = dict(opts) | {"auth_tries": 1}
        self._masters, self._timeout_s = masters, send_timeout_s
        self._up: Any = None
        self._down: Any = None
        self._link: ControlLink | None = None
        self._listener: Listener | None = None
        self._answering: Answering | None = None
        self._answers: set[asyncio.Task[None]] = set()

    async def run(self, listener: Listener) -> None:
        """Sign in to the master and to its control, however long it takes, and listen until cancelled.

        Raises:
            LoopEnded: Salt's own loop, which reads the master's publications, has ended.
        """
        await self._channels.keys_made(self._opts)
        self._listener, self._answering = listener, Answering(listener.on_question)
        if self._masters is None or not self._masters.are_several:
            await self._listen(listener)
            return
        while True:
            await self._follow(self._masters, listener)

    @property
    def master(self) -> str:
        """Return the followed master; empty until one is known."""
        return str(self._opts.get("master_ip", ""))

    async def _follow(self, masters: Masters, listener: Listener) -> None:
        """Listen to the master that the minion uses, until the minion uses another one."""
        self._opts.update(await masters.find())
        log.warning("of the masters %s the agent follows %s", ", ".join(masters.names), self.master)
        listening = asyncio.ensure_future(self._listen(listener))
        changed = asyncio.ensure_future(masters.changed(dict(self._opts)))
        try:
            done, _ = await asyncio.wait({listening, changed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in (listening, changed):
                each.cancel()
            await asyncio.gather(listening, changed, return_exceptions=True)
        if listening in done:
            listening.result()
        changed.result()
        log.warning("the minion does not use master %s any more", self.master)
        self.close()

    async def _listen(self, listener: Listener) -> None:
        while True:
            try:
                await self._open(listener)
                break
            except (
                InvalidRequestError,
                salt.exceptions.SaltException,
                OSError,
                asyncio.CancelledError,
            ) as error:
                if isinstance(error, asyncio.CancelledError) and is_cancel_requested():
                    raise
                log.warning("cannot sign in to the master yet: %r", error)
                self.close()
                await asyncio.sleep(RETRY_S)
        loops = {
            "sign-in": self._sign_in(listener),
            "publications": self._read(listener),
        }
        await run_together(loops)

    async def _read(self, listener: Listener) -> None:
        await listener.signed_in(await self._channels.pillar(self._opts))
        await salt_reader.wait_for_end(lambda: self._down.transport, "publications of the master")

    async def _sign_in(self, listener: Listener) -> None:
        """Send a hello to control whenever a session is needed, and repeat it until control answers."""
        link, wait_s = self._signed_in(), FIRST_GREETING_S
        while True:
            await link.must_greet.wait()
            link.established.clear()
            with suppress(UnreachableError):
                await self._fire({"hello": link.session.greet()})
            try:
                async with asyncio.timeout(wait_s):
                    await link.established.wait()
            except TimeoutError:
                wait_s = min(2 * wait_s, LAST_GREETING_S)
                continue
            wait_s = FIRST_GREETING_S
            await listener.established()

    async def deliver(self, body: Mapping[str, Any]) -> None:
        """Process ``body``, which came as a Salt job. It may come on the publish channel, too.

        Raises:
            InvalidRequestError: it is not a message of this host's control.
            UnreachableError: the agent has not signed in to its master yet.
        """
        try:
            data = {str(kind): b64decode(text, validate=True) for kind, text in body.items()}
        except (TypeError, ValueError, AttributeError) as error:
            raise InvalidRequestError(f"not a message of control: {error}") from error
        await self._process(data)

    async def _process(self, body: Mapping[str, Any]) -> None:
        message = self._signed_in().receive(body)
        if isinstance(message, Question):
            if self._answering is not None and self._answering.is_new(message):
                spawn("an answer to control", self._reply(message, self._answering), self._answers)
        elif message is not None and self._listener is not None:
            await self._listener.on_message(message)

    async def _reply(self, question: Question, answering: Answering) -> None:
        """Send the answer to ``question``. Control repeats the question if the answer does not arrive."""
        for part in await answering.parts(question):
            try:
                await self._fire({"sealed": self._signed_in().seal_answer(part)})
            except (InvalidRequestError, UnreachableError) as error:
                log.warning("could not answer control's question %s: %s", question.verb, error)
                return

    def _signed_in(self) -> ControlLink:
        if self._link is None:
            raise UnreachableError(f"{self._opts['id']} has not signed in to its master yet")
        return self._link

    async def _open(self, listener: Listener) -> None:
        self._opts.update(await self._channels.resolve(self._opts))
        self._down = self._channels.publications(self._opts)
        await self._down.connect()
        session = AgentSession(
            HostId(self._opts["id"]), listener.incarnation, *self._channels.keys(self._opts), os.urandom
        )
        self._link = ControlLink(session)
        self._down.on_recv(self._receive)
        self._renew_up()  # not earlier: cancelling a report during the sign-in would break the sign-in

    async def _receive(self, payload: dict[str, Any]) -> None:
        try:
            bodies = envelope.bodies_for(payload.get("load", {}), self._opts["id"])
        except InvalidRequestError as error:
            log.warning("ignored a publication: %s", error)
            return
        for body in bodies:
            try:
                await self._process(body)
            except InvalidRequestError as error:
                log.warning("ignored a message under the name of control: %s", error)
            except Exception:  # an error in one message must not prevent the next
                log.exception("could not take in a message of control")

    def _renew_up(self) -> None:
        """Replace the request channel: a channel whose request was cancelled does not recover."""
        spoilt, self._up = self._up, None
        if spoilt is not None:
            spoilt.close()
        self._up = self._channels.requests(self._opts)

    async def send(self, report: Report) -> None:
        """Send ``report`` to the master's bus.

        Raises:
            UnreachableError: if the master does not accept it in time; the agent retries later.
        """
        await self._fire({"sealed": self._signed_in().seal(report)})

    async def _fire(self, data: dict[str, bytes]) -> None:
        """Put ``data`` on the master's event bus, for control.

        Raises:
            UnreachableError: if the master does not accept it in time.
        """
        if self._up is None:
            raise UnreachableError(f"{self._opts['id']} has not signed in to its master yet")
        load = {
            "id": self._opts["id"],
            "cmd": "_minion_event",
            "tag": tags.agent(self._opts["id"]),
            "data": data,
            "pretag": None,
        }
        sending = asyncio.ensure_future(self._up.send(load, timeout=self._timeout_s, tries=1))
        sending.add_done_callback(_take_result)
        try:
            # All channels of this process share one sign-in. A cancelled send must not cancel it: the
            # future of the sign-in would stay cancelled, and every later send with it.
            await asyncio.shield(sending)
        except (salt.exceptions.SaltException, OSError, asyncio.CancelledError) as error:
            self._renew_up()
            if isinstance(error, asyncio.CancelledError):
                if is_cancel_requested():
                    raise
                self._sign_in_again()
            raise UnreachableError(
                f"the master did not take a message of {self._opts['id']}: {error!r}"
            ) from error

    def _sign_in_again(self) -> None:
        """Replace a shared sign-in that was cancelled: Salt would raise CancelledError for ever."""
        self._up.auth.authenticate().add_done_callback(_take_result)

    def close(self) -> None:
        """Disconnect."""
        for answer in self._answers:
            answer.cancel()
        for channel in (self._down, self._up):
            if channel is not None:
                channel.close()
        self._up = self._down = self._link = None


def _take_result(future: "asyncio.Future[Any]") -> None:
    """Retrieve the result of ``future``. No task waits for it, and asyncio would log a warning."""
    if not future.cancelled():
        future.exception()


def _resolve_master(opts: dict[str, Any]) -> dict[str, Any]:
    if "master_uri" in opts:
        return {}
    resolved: dict[str, Any] = salt.minion.resolve_dns(opts)
    return resolved
