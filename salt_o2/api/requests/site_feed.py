"""Follow control by its verb ``watch``, once for all viewers, and keep the last events for them.

    control --watch--> SiteFeed.events (a ring) <--read from its own position-- each viewer

Nothing is queued for a viewer: one that reads slowly misses events, and gets an event ``gap``.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from salt_o2.core.errors import O2Error

log = logging.getLogger(__name__)

MOST_EVENTS = 10_000
WAIT_S = 25.0
"""How long one request to control waits for a change."""
RETRY_S = 0.5
"""Pause after control did not answer."""


class Watched(Protocol):
    """Sends requests to control; ``ControlGateway`` implements it."""

    async def request(self, verb: str, arguments: dict[str, Any], user: str) -> Any:
        """Return the result of ``verb``."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event of the site."""

    number: int
    """Its position in this feed, from 1 on."""
    id: str
    """``EPOCH.REVISION`` of an announcement of control; empty for all others, which repeat a last state."""
    kind: str
    data: dict[str, Any]


class SiteFeed:
    """The events of the site, and whether control answers."""

    def __init__(self, control: Watched, user: str, clock: Callable[[], float]) -> None:
        """Watch ``control`` as ``user``; ``clock`` returns seconds since the epoch."""
        self._control, self._user, self._clock = control, user, clock
        self.events: deque[Event] = deque(maxlen=MOST_EVENTS)
        self.epoch, self.revision = "", 0
        self.away_since: float | None = clock()
        """When control stopped to answer, in seconds since the epoch; ``None`` while it answers."""
        self._count = 0
        self._changed = asyncio.Event()

    @property
    def count(self) -> int:
        """The number of the last event."""
        return self._count

    async def run(self) -> None:
        """Follow control until cancelled."""
        while True:
            try:
                wanted = {"epoch": self.epoch, "since": self.revision, "wait_s": WAIT_S}
                self.accept(await self._control.request("watch", wanted, self._user))
            except O2Error as error:
                self._lose(error)
                await asyncio.sleep(RETRY_S)

    def accept(self, answer: dict[str, Any]) -> None:
        """Take in an answer of control."""
        if self.away_since is not None and self._count:
            self._add("control", {"reachable": True})
        self.away_since = None
        restarted = bool(self.epoch) and answer["epoch"] != self.epoch
        self.epoch, self.revision = answer["epoch"], answer["revision"]
        if restarted or answer["gap"]:
            self._add("gap", {"reason": "control was restarted" if restarted else "too many events"})
        for news in answer["news"]:
            self._add(news["kind"], news, news["revision"])
        for summary in answer["environments"]:
            self._add("environment", summary)
        for id in answer["ended"]:
            self._add("ended", {"environment": id})
        self._wake()

    def _lose(self, error: O2Error) -> None:
        if self.away_since is None:
            log.warning("control does not answer: %s", error)
            self.away_since = self._clock()
            self._add("control", {"reachable": False, "reason": str(error)})
            self._wake()

    def _add(self, kind: str, data: dict[str, Any], revision: int | None = None) -> None:
        self._count += 1
        id = "" if revision is None else f"{self.epoch}.{revision}"
        self.events.append(Event(self._count, id, kind, data))

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def position_after(self, last_id: str) -> int | None:
        """Return the number of the event with the id ``last_id``; ``None`` if it is not known any more."""
        return next((event.number for event in reversed(self.events) if event.id == last_id), None)

    def after(self, position: int) -> tuple[list[Event], bool]:
        """Return the events after ``position``, oldest first, and whether some before these are missing."""
        missing = self.events and self.events[0].number > position + 1
        new = self._count - position
        found = [self.events[index] for index in range(max(0, len(self.events) - new), len(self.events))]
        return found, bool(missing)

    async def wait(self, position: int, seconds: float) -> None:
        """Return when there is an event after ``position``, or after ``seconds``."""
        if self._count > position:
            return
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except TimeoutError:
            return
