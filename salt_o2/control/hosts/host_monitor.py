"""Monitor hosts: probe a host whose agent is silent; declare it lost only if no process answers.

core/recovery/host_liveness.py decides what reports and probes mean. This module has the clock, probes the
ports of hosts, and informs the environments.
"""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from salt_o2.concurrency.background_loops import spawn
from salt_o2.concurrency.run_all import Apart
from salt_o2.control.hosts.port_probe import PortProbe
from salt_o2.control.storage import host_rows
from salt_o2.core.ids import HostId
from salt_o2.core.messages.announcements import AnnounceHost
from salt_o2.core.messages.inputs import HostLost, HostSilent
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.recovery.host_liveness import (
    ALONE_AFTER,
    HostStatus,
    LivenessAction,
    control_is_isolated,
    to_ask,
)

if TYPE_CHECKING:
    from salt_o2.control.environments.service import ActiveEnvironment, Control

log = logging.getLogger(__name__)

LOOKS = 4
"""Checks of all hosts in one heartbeat interval; a probe may last until the next check."""
LONGEST_S = 1.0
"""Seconds that a process may take to send a byte at most, however slow heartbeats are."""
RETURN_S = 30.0
"""Additional seconds in which agents may reconnect to their master after control has started."""
FEW = 8
"""Tasks that one probe covers on a host with few tasks; a quarter of all tasks on a host with many."""
AWAY = "its agent is away, and what it has started answers"
ALONE = "no host at all gives a sign of life, so that control itself may be cut off"
GONE = "neither its agent nor anything that it has started gives a sign of life"
BACK = "its agent reports"


class HostMonitor:
    """The part of control that knows which hosts are alive."""

    def __init__(self, control: "Control") -> None:
        """Work for ``control``."""
        self._control = control
        self._hosts = control.hosts
        self._probe = PortProbe()
        self._asking: set[asyncio.Task[None]] = set()
        self.alone = False
        """Whether control is isolated: it receives no report at all."""
        self._turns: dict[HostId, int] = {}

    def expect(self, hosts: Iterable[HostId]) -> None:
        """Declare those of ``hosts`` lost that do not report within the time for their return."""
        kept, at = host_rows.host_entries(self._control.store), self._control.clock()
        for host, declared in host_rows.declarations(self._control.store).items():
            self._control.declarations.recall(host, declared)
        for host, (offered, _) in kept.items():
            self._control.inventory.recall_host(host, offered)
        for host in hosts:
            facts, unread = kept.get(host) or (None, ())
            self._hosts.expect(host, facts, at, RETURN_S, unread)

    async def run(self) -> None:
        """Check all hosts repeatedly until cancelled."""
        pause, looked_at = self._hosts.heartbeat_s / LOOKS, self._control.clock()
        while True:
            await asyncio.sleep(pause)
            at = self._control.clock()
            stood_still, back = at - looked_at - 2 * pause, looked_at - at
            looked_at = at
            if back > 0:  # the clock went back: the times of the last reports lie in the future now
                self._hosts.discount(-back - pause)
                continue
            if stood_still > 0:  # a control process that stood still cannot judge the silence of hosts
                self._hosts.discount(stood_still + pause)
                continue
            self.check_all()

    def check_all(self) -> None:
        """Take the next action that is due for each host."""
        at, known = self._control.clock(), self._hosts.known
        was_alone = self.alone
        self.alone = control_is_isolated(
            (host.liveness for host in known.values()), at, self._hosts.heartbeat_s
        )
        if was_alone and not self.alone:
            log.warning("hosts are heard again; those that are not yet have %g s for it", RETURN_S)
            for host in known.values():
                host.liveness.grant_grace(at + RETURN_S)
        apart = Apart("looking at all hosts")
        for name in tuple(known):
            with apart:
                if name in known:  # another host's check may have renamed it a moment ago
                    self._look(name)

    def _look(self, host: HostId) -> None:
        signs, at = self._hosts.known[host].liveness, self._control.clock()
        match signs.next_action(at, self._hosts.heartbeat_s, self.alone):
            case LivenessAction.ASK:
                spawn(f"the question to host {host}", self._ask_around(host), self._asking)
            case LivenessAction.TELL_SILENT:
                self._declare_silent(host, ALONE if self.alone else AWAY)
            case LivenessAction.TELL_LOST:
                self.declare_lost(host, GONE)

    async def _ask_around(self, host: HostId) -> None:
        known, at = self._hosts.known.get(host), self._control.clock()
        if known is None:  # the host was removed meanwhile
            return
        signs = known.liveness
        answer: bool | None = None
        try:
            answer = await self.probe(host)
        finally:
            signs.record_probe(answer, at)

    def is_reporting(self, host: HostId) -> bool:
        """Return whether the agent on ``host`` has not missed a heartbeat."""
        quiet_s = self._control.clock() - self._hosts.known[host].last_seen
        return quiet_s <= ALONE_AFTER * self._hosts.heartbeat_s

    async def probe(self, host: HostId, kernel: bool = True) -> bool | None:
        """Return whether any process that control has started on ``host`` responds now.

        If no process can be probed, an answer of the host's ``kernel`` counts as well.
        """
        facts = self._control.inventory.facts_of(host)
        tasks = to_ask([held.environment for held in self._control.held.values()], host)
        tasks += [each.task for each in self._control.pooling.pool.entries.values() if each.task.host == host]
        if facts is None or not tasks:
            return False
        deadline_s = min(LONGEST_S, self._hosts.heartbeat_s / LOOKS)
        ports = self._some_ports(host, tasks)
        if ports:
            return await self._probe.speaks(facts.address, ports, deadline_s)
        if not kernel or not self._has_own_kernel(host):
            return False  # an answer of a kernel that many hosts share proves nothing for one of them
        closed = (facts.channel_ports[0], facts.control_ports[0])
        return await self._probe.is_up(facts.address, closed, deadline_s)

    def _some_ports(self, host: HostId, tasks: list[PlannedTask]) -> list[int]:
        """Return the ports of some tasks; four successive calls cover every task."""
        asked = [task for task in tasks if task.ports]
        many = max(FEW, -(-len(asked) // LOOKS))
        turn = self._turns[host] = self._turns.get(host, -1) + 1
        first = turn * many % len(asked) if asked else 0
        return [port for task in (asked + asked)[first : first + many] for port in task.ports]

    def _has_own_kernel(self, host: HostId) -> bool:
        """Return whether the network stack at its address belongs to ``host`` alone."""
        facts, facts_of = self._control.inventory.facts_of(host), self._control.inventory.facts_of
        assert facts
        others = (facts_of(other) for other in self._hosts.known if other != host)
        return not any(other and other.network == facts.network for other in others)

    def _declare_silent(self, host: HostId, reason: str) -> None:
        """Exclude ``host`` from placement, and leave its tasks alone."""
        if self._control.renaming.settle(host):
            return
        self._exclude_from_placement(host)
        apart = Apart(f"telling that {host} is silent")
        for held in self._concerned(host):
            with apart:
                self._control.step(held, HostSilent(at=self._control.clock(), host=host, reason=reason))
        self._tell(host, reason)
        apart.raise_first()

    def declare_lost(self, host: HostId, reason: str) -> None:
        """Declare ``host`` lost, unless it only has another name.

        Its tasks are rescheduled, or their loss is tolerated or not.
        """
        if self._control.renaming.settle(host):
            return
        known, at = self._hosts.known[host], self._control.clock()
        known.liveness.presence = HostStatus.LOST
        self._exclude_from_placement(host)
        self._tell(host, reason)
        apart = Apart(f"telling that {host} is lost")
        for held in self._concerned(host):
            with apart:
                self._control.step(held, HostLost(at=at, host=host, silent_s=at - known.last_seen))
        apart.raise_first()

    def forget(self, host: HostId) -> None:
        """Stop the monitoring of ``host``."""
        self._hosts.known.pop(host, None)
        self._turns.pop(host, None)

    def host_returned(self, host: HostId) -> None:
        """Inform environments that ``host`` is back; its survey reports its tasks."""
        self._turns.pop(host, None)
        self._tell(host, BACK)

    def _exclude_from_placement(self, host: HostId) -> None:
        known = self._hosts.known[host]
        self._hosts.known[host] = replace(known, needs_survey=True)
        self._control.inventory.remove_host(host)

    def _concerned(self, host: HostId) -> list["ActiveEnvironment"]:
        held = list(self._control.held.values())
        return [each for each in held if host in each.environment.model.tasks.hosts]

    def _tell(self, host: HostId, reason: str) -> None:
        known, at = self._hosts.known[host], self._control.clock()
        quiet_s = round(at - known.last_seen, 1)
        log.log(
            logging.INFO if known.presence is HostStatus.ACTIVE else logging.WARNING,
            "host %s is %s: %s; last heard of %.1f s ago",
            *(host, known.presence, reason, quiet_s),
        )
        self._control.announce(
            AnnounceHost(
                host=host,
                status=known.presence,
                reason=reason,
                quiet_s=quiet_s,
                environments=tuple(held.stored.id for held in self._concerned(host)),
            )
        )
