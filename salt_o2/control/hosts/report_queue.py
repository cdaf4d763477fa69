"""Reports on their way into control: bounded, and taken in by turns, so that no flood delays the others.

    bus --put--> one queue per host --run, one report of each host in turn--> Control.hear

Between two reports the loop does whatever else is to be done: requests, timers, other sockets. A host that
says more than fits is not listened to for the moment. That costs nothing but a survey: its next report leaves
a gap in the numbers, control sees it and asks for all that the host has (control/hosts/host_table.py).
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from salt_o2.core.ids import HostId
from salt_o2.core.messages.reports import Report

log = logging.getLogger(__name__)

MOST_PER_HOST = 200
"""Reports of one host that wait; an agent gathers what changes, and sends about twenty a second at most."""
MOST = 20_000
"""Reports that wait, of all hosts."""


class ReportQueue:
    """The reports that control has not taken in yet."""

    def __init__(self, most_per_host: int = MOST_PER_HOST, most: int = MOST) -> None:
        """Let so many reports wait."""
        self._most_per_host, self._most = most_per_host, most
        self._waiting: dict[HostId, deque[Report]] = {}
        self._count = 0
        self._dropped: dict[HostId, int] = {}
        self._something = asyncio.Event()

    def __len__(self) -> int:
        """Return how many reports wait."""
        return self._count

    def put(self, report: Report) -> None:
        """Let ``report`` wait for its turn; it is dropped if too many wait already."""
        queue = self._waiting.setdefault(report.host, deque())
        if len(queue) >= self._most_per_host or self._count >= self._most:
            self._drop(report.host)
            return
        queue.append(report)
        self._count += 1
        self._something.set()

    async def run(self, take: Callable[[Report], None]) -> None:
        """Give each report to ``take``, until cancelled."""
        while True:
            await self._something.wait()
            self._something.clear()
            while self._waiting:
                for host in tuple(self._waiting):
                    self._deliver_one(host, take)
                    await asyncio.sleep(0)

    def _deliver_one(self, host: HostId, take: Callable[[Report], None]) -> None:
        queue = self._waiting[host]
        if queue:
            self._count -= 1
            _taken(queue.popleft(), take)
        if not queue:
            del self._waiting[host]
            self._tell_dropped(host)

    def _drop(self, host: HostId) -> None:
        if host not in self._dropped:
            log.warning("host %s reports more than can be taken in: it will be asked for a survey", host)
        self._dropped[host] = self._dropped.get(host, 0) + 1

    def _tell_dropped(self, host: HostId) -> None:
        count = self._dropped.pop(host, 0)
        if count:
            log.warning("%d reports of host %s were not taken in", count, host)


def _taken(report: Report, take: Callable[[Report], None]) -> None:
    try:
        take(report)
    except Exception:  # whatever is wrong with one report, the next must be heard
        log.exception("a report of %s was not taken in", report.host)
