"""Send messages of control in order, in the background: no part of control waits for them."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from salt_o2.concurrency.background_loops import is_cancel_requested, run_together
from salt_o2.control.hosts.bus import Bus
from salt_o2.core.codec import plain, typed
from salt_o2.core.ids import HostId
from salt_o2.core.messages.announcements import Announcement, AnnounceMoves, AnnounceState
from salt_o2.core.messages.commands import Command, Downward, SurveyRequest

log = logging.getLogger(__name__)

MOST_NEWS = 10_000
"""Announcements queued at most while the bus accepts none; later ones are dropped and counted."""

ROUTINE = (AnnounceMoves, AnnounceState)
"""Announcements of states; the reason of a failure is announced separately, at once."""
ROUTINE_WAITS_S = 0.1
"""Seconds that routine announcements wait.

Each costs the master's processors some milliseconds, which the tasks and agents may need that a command of
the same moment sets in motion.
"""


class OutboundQueues:
    """Three queues, because a burst of announcements must not delay a command."""

    def __init__(
        self,
        bus: Bus,
        routine_waits_s: float = ROUTINE_WAITS_S,
        mask: Callable[[Any], Any] = lambda value: value,
        announced: Callable[[Announcement], None] = lambda _news: None,
    ) -> None:
        """Send through ``bus``; announce what ``mask`` leaves of plain data: clients of Salt see events.

        ``announced`` is called at once with each announcement, before it is masked.
        """
        self._bus, self._routine_waits_s, self._mask = bus, routine_waits_s, mask
        self._announced = announced
        self._commands: asyncio.Queue[Sequence[Downward]] = asyncio.Queue()
        self._jobs: asyncio.Queue[Command] = asyncio.Queue()
        self._announcements: asyncio.Queue[Announcement] = asyncio.Queue(MOST_NEWS)
        self._dropped = 0
        self._urgent = asyncio.Event()

    def send(self, messages: Sequence[Downward]) -> None:
        """Send ``messages`` on the publish channel."""
        if messages:
            self._commands.put_nowait(messages)

    def request_survey(self, host: HostId) -> None:
        """Request a survey from the agent on ``host``."""
        self.send([SurveyRequest(host=host)])

    def resend(self, command: Command) -> None:
        """Send ``command`` again as a Salt job: its host has not acknowledged it."""
        log.warning("%s has not acknowledged: sending it a Salt job", command.host)
        self._jobs.put_nowait(command)

    def announce(self, announcement: Announcement) -> None:
        """Queue an announcement: delay a routine one, send any other at once after earlier ones."""
        self._announced(announcement)
        if not isinstance(announcement, ROUTINE):
            self._urgent.set()
        try:
            self._announcements.put_nowait(announcement)
        except asyncio.QueueFull:
            if not self._dropped:
                log.warning(
                    "the bus accepts no announcements: they are dropped from now on, first %s", announcement
                )
            self._dropped += 1

    async def run(self) -> None:
        """Send until cancelled; log what cannot be sent: control's deadlines cover lost messages."""
        loops = {
            "commands": self._send_commands(),
            "jobs": self._send_jobs(),
            "news": self._send_announcements(),
        }
        await run_together(loops)

    async def _send_commands(self) -> None:
        while True:
            messages = await self._commands.get()
            with _Logged("command"):
                await self._bus.send(messages)

    async def _send_jobs(self) -> None:
        while True:
            commands = [await self._jobs.get()]
            while not self._jobs.empty():
                commands.append(self._jobs.get_nowait())
            with _Logged("job"):
                await self._bus.send_as_job(commands)

    async def _send_announcements(self) -> None:
        while True:
            first = await self._announcements.get()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._urgent.wait(), self._routine_waits_s)
            await self._announce(first)
            while not self._announcements.empty():
                await self._announce(self._announcements.get_nowait())
            self._urgent.clear()

    async def _announce(self, announcement: Announcement) -> None:
        if self._dropped:
            log.warning("%d announcements were dropped", self._dropped)
            self._dropped = 0
        with _Logged("announcement"):
            await self._bus.announce(self._masked(announcement))

    def _masked(self, announcement: Announcement) -> Announcement:
        found = plain(announcement)
        shown = self._mask(found)
        return announcement if shown == found else typed(shown, type(announcement))


class _Logged:
    """Log errors raised inside and continue: one bad message must not stop the ones behind it."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        unasked = isinstance(error, asyncio.CancelledError) and not is_cancel_requested()
        if not isinstance(error, Exception) and not unasked:
            return False
        log.error("could not send a %s: %r", self._what, error, exc_info=error)
        return True
