"""Monitor hosts: probe a host whose agent is silent; declare it lost only if no process responds.

core/recovery/host_liveness.py decides what reports and probes mean. This module has the clock and excludes
silent and lost hosts from placement; a ``HostObserver`` informs environments.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from salt_o2.concurrency.background_loops import spawn
from salt_o2.concurrency.run_all import Apart
from salt_o2.control.hosts.host_probe import CHECKS, HostProbe
from salt_o2.control.hosts.host_table import RETURN_S, HostTable
from salt_o2.control.hosts.outbound_queues import OutboundQueues
from salt_o2.core.ids import EnvironmentId, HostId
from salt_o2.core.messages.announcements import AnnounceHost
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.recovery.host_liveness import (
    ISOLATED_AFTER,
    HostStatus,
    LivenessAction,
    control_is_isolated,
)

log = logging.getLogger(__name__)

AGENT_AWAY = "its agent does not report, but its processes answer"
ISOLATED = "no host reports, so control itself may be isolated"
GONE = "neither its agent nor its processes answer"
RETURNED = "its agent reports"


class HostObserver(Protocol):
    """Learns what the monitor detects."""

    def settle_rename(self, host: HostId) -> bool:
        """Return whether the machine of ``host`` reports under another name; its tasks are moved if so."""

    def environments_on(self, host: HostId) -> tuple[EnvironmentId, ...]:
        """Return the environments that have a task planned on ``host``."""

    def host_silent(self, host: HostId, reason: str) -> None:
        """The agent of ``host`` is silent; its tasks may run."""

    def host_lost(self, host: HostId, silent_s: float) -> None:
        """``host`` is lost: its agent has not reported for ``silent_s`` seconds."""


class HostMonitor:
    """Detects silent, lost and returned hosts."""

    def __init__(
        self,
        *,
        hosts: HostTable,
        inventory: Inventory,
        probe: HostProbe,
        outbound: OutboundQueues,
        observer: HostObserver,
        clock: Callable[[], float],
    ) -> None:
        """Monitor ``hosts``; inform ``observer``, and announce each change on the event bus."""
        self._hosts = hosts
        self._inventory = inventory
        self._probe = probe
        self._outbound = outbound
        self._observer = observer
        self._clock = clock
        self.probing: set[asyncio.Task[None]] = set()
        """Running probes of hosts."""
        self.is_isolated = False
        """Whether control receives no report at all."""

    async def run(self) -> None:
        """Check all hosts repeatedly until cancelled."""
        pause, checked_at = self._hosts.heartbeat_s / CHECKS, self._clock()
        while True:
            await asyncio.sleep(pause)
            at = self._clock()
            stood_still, back = at - checked_at - 2 * pause, checked_at - at
            checked_at = at
            if back > 0:  # the clock went back: the times of the last reports lie in the future now
                self._hosts.discount(-back - pause)
                continue
            if stood_still > 0:  # a control process that stood still cannot judge the silence of hosts
                self._hosts.discount(stood_still + pause)
                continue
            self.check_all()

    def check_all(self) -> None:
        """Take the next action that is due for each host."""
        at, known = self._clock(), self._hosts.known
        was_isolated = self.is_isolated
        self.is_isolated = control_is_isolated(
            (host.liveness for host in known.values()), at, self._hosts.heartbeat_s
        )
        if was_isolated and not self.is_isolated:
            log.warning("hosts report again; the others have %g s to report", RETURN_S)
            for host in known.values():
                host.liveness.grant_grace(at + RETURN_S)
        apart = Apart("a check of all hosts")
        for name in tuple(known):
            with apart:
                if name in known:  # another host's check may have renamed it a moment ago
                    self._check(name)

    def _check(self, host: HostId) -> None:
        liveness, at = self._hosts.known[host].liveness, self._clock()
        match liveness.next_action(at, self._hosts.heartbeat_s, self.is_isolated):
            case LivenessAction.PROBE:
                spawn(f"the probe of host {host}", self._record_probe(host), self.probing)
            case LivenessAction.DECLARE_SILENT:
                self._declare_silent(host, ISOLATED if self.is_isolated else AGENT_AWAY)
            case LivenessAction.DECLARE_LOST:
                self.declare_lost(host, GONE)

    async def _record_probe(self, host: HostId) -> None:
        known, at = self._hosts.known.get(host), self._clock()
        if known is None:  # the host was removed meanwhile
            return
        liveness = known.liveness
        answer: bool | None = None
        try:
            answer = await self._probe.responds(host)
        finally:
            liveness.record_probe(answer, at)

    def is_reporting(self, host: HostId) -> bool:
        """Return whether the agent on ``host`` has not missed a heartbeat."""
        quiet_s = self._clock() - self._hosts.known[host].last_seen
        return quiet_s <= ISOLATED_AFTER * self._hosts.heartbeat_s

    def _declare_silent(self, host: HostId, reason: str) -> None:
        """Exclude ``host`` from placement, and leave its tasks alone."""
        if self._observer.settle_rename(host):
            return
        self._exclude_from_placement(host)
        try:
            self._observer.host_silent(host, reason)
        finally:
            self._announce(host, reason)

    def declare_lost(self, host: HostId, reason: str) -> None:
        """Declare ``host`` lost, unless it only has another name.

        Its tasks are rescheduled, or their loss is tolerated or not.
        """
        if self._observer.settle_rename(host):
            return
        known, at = self._hosts.known[host], self._clock()
        known.liveness.presence = HostStatus.LOST
        self._exclude_from_placement(host)
        self._announce(host, reason)
        self._observer.host_lost(host, at - known.last_seen)

    def host_returned(self, host: HostId) -> None:
        """Announce that the agent of ``host`` reports again; its survey reports its tasks."""
        self._hosts.known[host].probes = 0
        self._announce(host, RETURNED)

    def _exclude_from_placement(self, host: HostId) -> None:
        known = self._hosts.known[host]
        self._hosts.known[host] = replace(known, needs_survey=True)
        self._inventory.remove_host(host)

    def _announce(self, host: HostId, reason: str) -> None:
        known, at = self._hosts.known[host], self._clock()
        quiet_s = round(at - known.last_seen, 1)
        log.log(
            logging.INFO if known.presence is HostStatus.ACTIVE else logging.WARNING,
            "host %s is %s: %s; last report %.1f s ago",
            *(host, known.presence, reason, quiet_s),
        )
        self._outbound.announce(
            AnnounceHost(
                host=host,
                status=known.presence,
                reason=reason,
                quiet_s=quiet_s,
                environments=self._observer.environments_on(host),
            )
        )
