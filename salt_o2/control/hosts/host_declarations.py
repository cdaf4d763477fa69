"""What the site declares of hosts: control asks the master for the pillar of each host that signs in.

A pillar takes long to compile, so that is done in a thread, one pillar at a time. A host whose pillar was
never compiled is not placed on; plans wait for it for a moment. Later surveys of a host have its pillar
compiled again, and use the last one until that is done. What may be claimed is decided in
core/placement/host_declaration.py.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from salt_o2.concurrency.daemon_thread import run_in_daemon_thread
from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.ids import HostId
from salt_o2.core.messages.report_parsing import LONGEST_FAULT
from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.placement.host_declaration import (
    NOTHING,
    Declaration,
    bounded,
    declaration_of,
    other_machine,
)
from salt_o2.core.recovery.host_liveness import AWAY, HostStatus

if TYPE_CHECKING:
    from salt_o2.control.environments.service import Control

log = logging.getLogger(__name__)

Compile = Callable[[HostId], Mapping[str, Any]]
"""Returns ``o2:`` of the pillar of a host; for a thread."""
AGAIN_S = 5.0
"""The pillar of one host is compiled once in this time at most."""
RETRY_S = 30.0
"""When a pillar that could not be compiled is compiled again."""
WAIT_S = 10.0
"""How long a plan waits for pillars that are being compiled."""


class HostDeclarations:
    """The part of control that knows what the site says of each host."""

    def __init__(self, control: "Control", compile_pillar: Compile | None) -> None:
        """Work for ``control``; without ``compile_pillar`` the site says nothing of any host."""
        self._control = control
        self._compile = compile_pillar
        self._claimed: dict[HostId, HostFacts] = {}
        self._declared: dict[HostId, Declaration] = {}
        self._faults: dict[HostId, tuple[str, ...]] = {}
        self._names: set[str] = set()
        self._wanted: dict[HostId, None] = {}
        self._compiled_at: dict[HostId, float] = {}
        self._later: set[HostId] = set()
        self._written: dict[HostId, tuple[HostFacts, Declaration]] = {}
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def declared(self, host: HostId) -> Declaration:
        """Return what is known to be declared of ``host``."""
        return self._declared.get(host, NOTHING)

    def recall(self, host: HostId, declared: Declaration) -> None:
        """Know what an earlier control has read of ``host``."""
        if self._compile is not None:
            self._declared[host] = declared
            self._names |= declared.attributes.keys()

    def must_be_written(self, host: HostId, facts: HostFacts) -> bool:
        """Return whether what is used and declared of ``host`` is not what was last written."""
        now = (facts, self.declared(host))
        before, self._written[host] = self._written.get(host), now
        return before != now

    def may_be_placed_on(self, host: HostId) -> bool:
        """Return whether control knows what the site says of ``host``, and that its address is its own."""
        return self._is_known(host) and not self._why_not_its_address(host)

    def settle(self, host: HostId, claimed: HostFacts) -> HostFacts:
        """Return what control uses of ``claimed``, which the agent on ``host`` has just said."""
        self._claimed[host] = claimed
        if self._compile is not None:
            self._want(host)
        return self._used(host)

    def forget(self, host: HostId) -> None:
        """Know nothing of ``host`` any more."""
        known = (self._claimed, self._declared, self._faults, self._wanted, self._compiled_at, self._written)
        for each in known:
            each.pop(host, None)

    async def settled(self) -> None:
        """Wait until no host waits for its first pillar, or for ``WAIT_S`` seconds."""
        if all(self._is_known(host) for host in self._claimed):
            return
        try:
            async with asyncio.timeout(WAIT_S):
                await self._idle.wait()
        except TimeoutError:
            log.warning("a plan is made without hosts whose pillar is not compiled yet")

    async def run(self) -> None:
        """Compile pillars that are wanted, until cancelled."""
        while True:
            while not self._wanted:
                self._idle.set()
                self._news.clear()
                await self._news.wait()
            host = next(iter(self._wanted))
            del self._wanted[host]
            await self._compile_pillar(host)

    def _want(self, host: HostId) -> None:
        loop = asyncio.get_running_loop()
        wait_s = self._compiled_at.get(host, float("-inf")) + AGAIN_S - loop.time()
        if wait_s > 0:
            self._want_later(host, wait_s)
            return
        self._compiled_at[host] = loop.time()
        self._wanted[host] = None
        self._idle.clear()
        self._news.set()

    def _want_later(self, host: HostId, wait_s: float) -> None:
        if host not in self._later:
            self._later.add(host)
            asyncio.get_running_loop().call_later(wait_s, self._want_if_known, host)

    def _want_if_known(self, host: HostId) -> None:
        self._later.discard(host)
        if host in self._claimed:
            self._want(host)

    async def _compile_pillar(self, host: HostId) -> None:
        assert self._compile is not None
        try:
            pillar = await run_in_daemon_thread(self._compile, host)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # Salt raises SystemExit where other libraries raise an error
            why = (
                str(error)
                if isinstance(error, InvalidRequestError)
                else f"pillar cannot be compiled: {error!r}"
            )
            log.error("host %s: %s", host, why)
            self._faults[host] = (f"{self._effect(host)}: {why}"[:LONGEST_FAULT],)
            self._want_later(host, RETRY_S)
        else:
            self._take(host, pillar)
        if host in self._claimed:
            self._offer(host)

    def _effect(self, host: HostId) -> str:
        """Return what follows from a pillar that cannot be compiled."""
        if host in self._declared:
            return "control uses what its pillar said before"
        return "no new task is placed on this host, and its tasks go on, until its pillar can be compiled"

    def _take(self, host: HostId, pillar: Mapping[str, Any]) -> None:
        before = self._names
        self._declared[host], self._faults[host] = declaration_of(pillar)
        self._names = {name for each in self._declared.values() for name in each.attributes}
        changed = before ^ self._names
        for other, claimed in self._claimed.items():
            if other != host and changed & claimed.attributes.keys():
                self._offer(other)

    def _offer(self, host: HostId) -> None:
        """Let control use what it knows of ``host`` now."""
        known = self._control.hosts.known.get(host)
        if known is None or known.facts is None:
            return
        known.facts = self._used(host)
        if known.presence not in AWAY and known.presence is not HostStatus.EXPECTED:
            self._control.offer(host, known.facts)

    def _used(self, host: HostId) -> HostFacts:
        claimed = self._claimed[host]
        used, unused = bounded(host, claimed, self.declared(host), self._names)
        why = self._why_not_its_address(host)
        more = (*self._faults.get(host, ()), *unused, *([why] if why else ()))
        return replace(used, faults=tuple(dict.fromkeys((*claimed.faults, *more))))

    def _is_known(self, host: HostId) -> bool:
        return self._compile is None or host in self._declared

    def _why_not_its_address(self, host: HostId) -> str:
        if self.declared(host).address:
            return ""
        hosts = self._control.hosts.known
        others = (
            (name, facts)
            for name in hosts
            if (facts := self._control.inventory.facts_of(name))
            and (hosts[name].presence is not HostStatus.LOST or self.declared(name).address)
        )
        return other_machine(host, self._claimed[host], others)
