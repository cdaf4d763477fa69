"""An agent's end of the bus: hears commands on the master's publish channel, reports on a request channel.

Both channels sign in with the minion's own key and are the agent's own, so that a command does not wait
for the minion to start a job process.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import salt.channel.client
import salt.exceptions
import salt.minion
import salt.pillar
from tornado.ioloop import IOLoop

from salt_o2.background import is_cancel_requested
from salt_o2.bus import envelope, reading, tags
from salt_o2.bus.minion_keys import keys_made
from salt_o2.bus.minion_master import Masters
from salt_o2.core.codec import plain, typed
from salt_o2.core.errors import InvalidRequest, Unreachable
from salt_o2.core.messages import Command, Downward, Inquiry, Notice, Report

log = logging.getLogger(__name__)

Heard = Callable[[Downward], Awaitable[None]]
SignedIn = Callable[[dict[str, Any]], Awaitable[None]]

RETRY_S = 1.0
"""How long after a failed sign-in the next one is tried."""


class MinionBus:
    """The bus as an agent sees it; to be used inside the engine's own process and loop only."""

    def __init__(
        self, opts: dict[str, Any], masters: Masters | None = None, send_timeout_s: float = 5.0
    ) -> None:
        """Take the minion's options; they need not know the master's address yet.

        ``masters`` says which of several masters to follow; without it the options name the only one.
        """
        self._opts = dict(opts) | {"auth_tries": 1}  # what has timed out once does so for ever: begin anew
        self._masters, self._timeout_s = masters, send_timeout_s
        self._up: Any = None
        self._down: Any = None

    async def run(self, heard: Heard, signed_in: SignedIn) -> None:
        """Sign in to the master, however long it takes, and listen until cancelled.

        Every message for this host is given to ``heard``; ``signed_in`` gets the minion's pillar first.

        Raises:
            LoopEnded: Salt's own loop, which reads the master's publications, has ended.
        """
        await keys_made(Path(self._opts["pki_dir"]))
        if self._masters is None or not self._masters.are_several:
            await self._listen(heard, signed_in)
            return
        while True:
            await self._follow(self._masters, heard, signed_in)

    @property
    def master(self) -> str:
        """Return the master that is followed; empty as long as none is known."""
        return str(self._opts.get("master_ip", ""))

    async def _follow(self, masters: Masters, heard: Heard, signed_in: SignedIn) -> None:
        """Listen to the master that the minion uses, until the minion uses another one."""
        self._opts.update(await masters.find())
        log.warning("of the masters %s the agent follows %s", ", ".join(masters.names), self.master)
        listening = asyncio.ensure_future(self._listen(heard, signed_in))
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

    async def _listen(self, heard: Heard, signed_in: SignedIn) -> None:
        while True:
            try:
                await self._open(heard)
                break
            except (salt.exceptions.SaltException, OSError, asyncio.CancelledError) as error:
                if isinstance(error, asyncio.CancelledError) and is_cancel_requested():
                    raise
                log.warning("cannot sign in to the master yet: %r", error)
                self.close()
                await asyncio.sleep(RETRY_S)
        await signed_in(await self._pillar())
        await reading.wait_for_end(lambda: self._down.transport, "publications of the master")

    async def _pillar(self) -> dict[str, Any]:
        # Engines start before the minion has its pillar, so the agent asks for its own.
        grains = self._opts.get("grains", {})
        pillar = salt.pillar.get_async_pillar(self._opts, grains, self._opts["id"], self._opts.get("saltenv"))
        try:
            compiled: dict[str, Any] = await pillar.compile_pillar()
            return compiled
        except (salt.exceptions.SaltException, OSError) as error:
            log.error("no pillar for %s: %s", self._opts["id"], error)
            return {}
        finally:
            pillar.destroy()

    async def _open(self, heard: Heard) -> None:
        self._opts.update(await asyncio.to_thread(_resolve_master, self._opts))
        self._down = salt.channel.client.AsyncPubChannel.factory(self._opts, io_loop=IOLoop.current())
        await self._down.connect()

        async def receive(payload: dict[str, Any]) -> None:
            for message in _read(payload.get("load", {}), self._opts["id"]):
                try:
                    await heard(message)
                except Exception:  # whatever is wrong with one message, the next must be heard
                    log.exception("could not take in %s", type(message).__name__)

        self._down.on_recv(receive)
        self._renew_up()  # only now: a report that is given up during the sign-in would spoil it

    def _renew_up(self) -> None:
        """Have a fresh request channel: one whose request was given up never finds its way back."""
        spoilt, self._up = self._up, None
        if spoilt is not None:
            spoilt.close()
        self._up = salt.channel.client.AsyncReqChannel.factory(self._opts, io_loop=IOLoop.current())

    async def send(self, report: Report) -> None:
        """Bring ``report`` to the master's bus.

        Raises:
            Unreachable: if the master does not take it in time; the agent tries again later.
        """
        if self._up is None:
            raise Unreachable(f"{self._opts['id']} has not signed in to its master yet")
        load = {
            "id": self._opts["id"],
            "cmd": "_minion_event",
            "tag": tags.agent(self._opts["id"]),
            "data": {"report": envelope.pack(plain(report))},
            "pretag": None,
        }
        sending = asyncio.ensure_future(self._up.send(load, timeout=self._timeout_s, tries=1))
        sending.add_done_callback(_take_result)
        try:
            # All channels of this process share one sign-in. A send that is given up must not cancel it: the
            # future of the sign-in would stay cancelled, and every later send with it.
            await asyncio.shield(sending)
        except (salt.exceptions.SaltException, OSError, asyncio.CancelledError) as error:
            self._renew_up()
            if isinstance(error, asyncio.CancelledError):
                if is_cancel_requested():
                    raise
                self._sign_in_again()
            raise Unreachable(
                f"the master did not take the report of {self._opts['id']}: {error!r}"
            ) from error

    def _sign_in_again(self) -> None:
        """Replace a shared sign-in that was cancelled: Salt would raise CancelledError for ever."""
        self._up.auth.authenticate().add_done_callback(_take_result)

    def close(self) -> None:
        """Disconnect."""
        for channel in (self._down, self._up):
            if channel is not None:
                channel.close()
        self._up = self._down = None


def _take_result(future: "asyncio.Future[Any]") -> None:
    """Look at what came of ``future``: nothing waits for it any more, and asyncio would complain."""
    if not future.cancelled():
        future.exception()


def _resolve_master(opts: dict[str, Any]) -> dict[str, Any]:
    if "master_uri" in opts:
        return {}
    resolved: dict[str, Any] = salt.minion.resolve_dns(opts)
    return resolved


KINDS: dict[str, type[Downward]] = {"Command": Command, "Inquiry": Inquiry, "Notice": Notice}


def _read(load: dict[str, Any], host: str) -> list[Downward]:
    try:
        bodies = envelope.unseal(load, host)
    except (InvalidRequest, KeyError, TypeError, ValueError) as error:
        log.warning("ignored a publication for %s that has no messages: %s", host, error)
        return []
    return [message for body in bodies if (message := _message(body, host)) is not None]


def _message(body: dict[str, Any], host: str) -> Downward | None:
    try:
        return typed(body["message"], KINDS[body["kind"]])
    except (InvalidRequest, KeyError, TypeError, ValueError) as error:
        log.warning("ignored one message for %s that cannot be read: %s", host, error)
        return None
