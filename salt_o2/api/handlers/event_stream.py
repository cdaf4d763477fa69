"""Server-sent events: ``GET /api/v1/events`` shows what happens at the site, as it happens.

Each announcement of control has an id. A client that reconnects sends the last id that it has seen
(``Last-Event-ID``) and gets what followed. If that is not known any more, it gets an event ``gap`` first: it
must read the lists again.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import tornado.iostream

from salt_o2.api.access.callers import authorize
from salt_o2.api.handlers.base import Handler
from salt_o2.api.requests.site_feed import Event, SiteFeed

HEARTBEAT_S = 10.0
MOST_VIEWERS = 200
BATCH = 500
"""Events that are sent at once at most; then the stream waits until its client has read them."""


class EventsHandler(Handler):
    """Sends events until the client goes; ``environment`` and ``kind`` select some."""

    viewers = 0

    async def get(self) -> None:
        """Stream events."""
        caller = self.caller()
        authorize(caller, "watch")
        if EventsHandler.viewers >= MOST_VIEWERS:
            self.set_status(503)
            self.answer({"detail": f"{MOST_VIEWERS} clients read events, which is the limit"}, 503)
            return
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("X-Accel-Buffering", "no")
        EventsHandler.viewers += 1
        try:
            await self._stream(self.services.feed)
        except tornado.iostream.StreamClosedError:
            return
        finally:
            EventsHandler.viewers -= 1

    async def _stream(self, feed: SiteFeed) -> None:
        wanted_environment = self.get_query_argument("environment", "")
        wanted_kinds = set(self.get_query_arguments("kind"))
        position = await self._begin(feed)
        while self._is_signed_in():
            events, missing = feed.after(position)
            if missing:
                self.write(sse("gap", {"reason": "this client reads too slowly"}))
            for event in events[:BATCH]:
                position = event.number
                if is_wanted(event, wanted_environment, wanted_kinds):
                    self.write(sse(event.kind, event.data, event.id))
            await self.flush()
            if len(events) <= BATCH:
                await feed.wait(position, HEARTBEAT_S)
                if feed.count == position:
                    self.write(": no news\n\n")

    def _is_signed_in(self) -> bool:
        token, _ = self.token()
        return self.services.sessions.find(token) is not None

    async def _begin(self, feed: SiteFeed) -> int:
        """Return the position after which the client wants events."""
        last = self.request.headers.get("Last-Event-ID", "")
        if not last:
            self.write(sse("control", {"reachable": feed.away_since is None}))
            await self.flush()
            return feed.count
        position = feed.position_after(last)
        if position is None:
            self.write(sse("gap", {"reason": f"events after {last[:80]} are not known any more"}))
            return feed.count
        return position


def is_wanted(event: Event, environment: str, kinds: Iterable[str]) -> bool:
    """Return whether a client that selects an ``environment`` and ``kinds`` wants ``event``.

    An empty selection is all. Events ``gap`` and ``control`` are always wanted.
    """
    if event.kind in ("gap", "control"):
        return True
    if kinds and event.kind not in kinds:
        return False
    return not environment or environment in _environments_of(event.data)


def _environments_of(data: Mapping[str, Any]) -> list[str]:
    named = [data.get("environment"), data.get("id"), *data.get("environments", ())]
    return [each for each in named if each]


def sse(kind: str, data: Mapping[str, Any], id: str = "") -> str:
    """Return an event in the format of server-sent events."""
    head = f"id: {id}\n" if id else ""
    return f"{head}event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
