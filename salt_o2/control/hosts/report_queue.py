"""Queue reports for control: bounded, and served in turns, so that no flood delays other hosts.

    bus --put--> one queue per host --run, one report of each host in turn--> ReportRouter.receive

Between two reports the loop serves requests, timers and other sockets. The queue drops reports of a host that
sends more than fits. That costs only a survey: its next report leaves a gap in the numbers, control detects
it and requests all tasks of the host (control/hosts/host_table.py).
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from salt_o2.core.ids import HostId
from salt_o2.core.messages.reports import Report

log = logging.getLogger(__name__)

MOST_PER_HOST = 200
"""Queued reports of one host at most; an agent batches changes and sends about twenty a second at most."""
MOST = 20_000
"""Queued reports of all hosts at most."""


class ReportQueue:
    """The reports that control has not processed yet."""

    def __init__(self, most_per_host: int = MOST_PER_HOST, most: int = MOST) -> None:
        """Queue at most ``most_per_host`` reports of one host, and ``most`` of all hosts."""
        self._most_per_host, self._most = most_per_host, most
        self._waiting: dict[HostId, deque[Report]] = {}
        self._count = 0
        self._dropped: dict[HostId, int] = {}
        self._something = asyncio.Event()

    def __len__(self) -> int:
        """Return the number of queued reports."""
        return self._count

    def put(self, report: Report) -> None:
        """Queue ``report``; drop it if the queue is full."""
        queue = self._waiting.setdefault(report.host, deque())
        if len(queue) >= self._most_per_host or self._count >= self._most:
            self._drop(report.host)
            return
        queue.append(report)
        self._count += 1
        self._something.set()

    async def run(self, take: Callable[[Report], None]) -> None:
        """Pass each report to ``take``, until cancelled."""
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
            _process(queue.popleft(), take)
        if not queue:
            del self._waiting[host]
            self._tell_dropped(host)

    def _drop(self, host: HostId) -> None:
        if host not in self._dropped:
            log.warning("host %s reports too much: control drops reports and requests a survey", host)
        self._dropped[host] = self._dropped.get(host, 0) + 1

    def _tell_dropped(self, host: HostId) -> None:
        count = self._dropped.pop(host, 0)
        if count:
            log.warning("%d reports of host %s were dropped", count, host)


def _process(report: Report, take: Callable[[Report], None]) -> None:
    try:
        take(report)
    except Exception:  # a defect in one report must not block the next
        log.exception("a report of %s could not be processed", report.host)
