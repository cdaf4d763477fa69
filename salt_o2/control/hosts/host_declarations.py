"""Declarations of the site: control requests the pillar of each host that signs in from the master.

A thread compiles the pillars, one at a time, because a compilation takes long. Plans do not use a host whose
pillar was never compiled; they wait up to ``WAIT_S`` seconds for it. Later surveys of a host start another
compilation, and control uses the last pillar until that ends. core/placement/host_declaration.py decides
which facts a host may claim.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from salt_o2.concurrency.daemon_thread import run_in_daemon_thread
from salt_o2.control.hosts.host_table import RETURN_S, HostTable
from salt_o2.control.storage import host_rows
from salt_o2.control.storage.store import Store
from salt_o2.control.storage.write_behind import DeferredFlush
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
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.recovery.host_liveness import AWAY, HostStatus

log = logging.getLogger(__name__)

Compile = Callable[[HostId], Mapping[str, Any]]
"""Returns ``o2:`` of the pillar of a host; called in a thread."""
AGAIN_S = 5.0
"""Minimum seconds between two compilations of the pillar of one host."""
RETRY_S = 30.0
"""Seconds until control retries a compilation that failed."""
WAIT_S = 10.0
"""Seconds that a plan waits at most for pillars that are being compiled."""


class HostDeclarations:
    """The site's declarations of each host, and the facts with which plans may use it."""

    def __init__(
        self,
        *,
        hosts: HostTable,
        inventory: Inventory,
        store: Store,
        flushing: DeferredFlush,
        compile_pillar: Compile | None,
    ) -> None:
        """Offer the hosts of ``hosts`` to plans in ``inventory``, and persist their facts in ``store``.

        Without ``compile_pillar`` the site declares nothing of any host.
        """
        self._hosts = hosts
        self._inventory = inventory
        self._store = store
        self._flushing = flushing
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

    def restore(self, in_use: Iterable[HostId], at: float) -> None:
        """Restore what an earlier control process knew of hosts; expect reports of the hosts ``in_use``."""
        stored = host_rows.host_entries(self._store)
        for host, declared in host_rows.declarations(self._store).items():
            self._recall(host, declared)
        for host, (facts, _) in stored.items():
            self._inventory.recall_host(host, facts)
        for host in in_use:
            known, unread = stored.get(host) or (None, ())
            self._hosts.expect(host, known, at, RETURN_S, unread)

    def _recall(self, host: HostId, declared: Declaration) -> None:
        if self._compile is not None:
            self._declared[host] = declared
            self._names |= declared.attributes.keys()

    def offer(self, host: HostId, facts: HostFacts) -> None:
        """Let plans use ``host`` with ``facts``, as far as the site permits, and persist them."""
        declared = self._declared_of(host)
        if self._written.get(host) != (facts, declared):
            self._written[host] = (facts, declared)
            self._store.enqueue(*host_rows.put_host(host, facts, declared))
            self._flushing.schedule()
        if self._is_known(host) and not self._why_not_its_address(host):
            self._inventory.add_host(host, facts)
        else:
            self._inventory.remove_host(host)

    def _declared_of(self, host: HostId) -> Declaration:
        return self._declared.get(host, NOTHING)

    def facts_to_use(self, host: HostId, claimed: HostFacts) -> HostFacts:
        """Return the facts that control uses of ``claimed``, the latest report of ``host``'s agent.

        Starts a compilation of the pillar of ``host``.
        """
        self._claimed[host] = claimed
        if self._compile is not None:
            self._want(host)
        return self._used(host)

    def forget(self, host: HostId) -> None:
        """Remove all data on ``host``."""
        known = (self._claimed, self._declared, self._faults, self._wanted, self._compiled_at, self._written)
        for each in known:
            each.pop(host, None)

    async def settled(self) -> None:
        """Wait until no host waits for its first pillar, for at most ``WAIT_S`` seconds."""
        if all(self._is_known(host) for host in self._claimed):
            return
        try:
            async with asyncio.timeout(WAIT_S):
                await self._idle.wait()
        except TimeoutError:
            log.warning("a plan is made without hosts whose pillar is not compiled yet")

    async def run(self) -> None:
        """Compile requested pillars, until cancelled."""
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
            self._apply_pillar(host, pillar)
        if host in self._claimed:
            self._offer_again(host)

    def _effect(self, host: HostId) -> str:
        """Return the effect of a pillar that cannot be compiled."""
        if host in self._declared:
            return "control uses its earlier pillar"
        return "no new task is placed on this host, and its tasks continue, until its pillar can be compiled"

    def _apply_pillar(self, host: HostId, pillar: Mapping[str, Any]) -> None:
        before = self._names
        self._declared[host], self._faults[host] = declaration_of(pillar)
        self._names = {name for each in self._declared.values() for name in each.attributes}
        changed = before ^ self._names
        for other, claimed in self._claimed.items():
            if other != host and changed & claimed.attributes.keys():
                self._offer_again(other)

    def _offer_again(self, host: HostId) -> None:
        """Let control use the current facts of ``host``."""
        known = self._hosts.known.get(host)
        if known is None or known.facts is None:
            return
        known.facts = self._used(host)
        if known.presence not in AWAY and known.presence is not HostStatus.EXPECTED:
            self.offer(host, known.facts)

    def _used(self, host: HostId) -> HostFacts:
        claimed = self._claimed[host]
        used, unused = bounded(host, claimed, self._declared_of(host), self._names)
        why = self._why_not_its_address(host)
        more = (*self._faults.get(host, ()), *unused, *([why] if why else ()))
        return replace(used, faults=tuple(dict.fromkeys((*claimed.faults, *more))))

    def _is_known(self, host: HostId) -> bool:
        return self._compile is None or host in self._declared

    def _why_not_its_address(self, host: HostId) -> str:
        if self._declared_of(host).address:
            return ""
        hosts = self._hosts.known
        others = (
            (name, facts)
            for name in hosts
            if (facts := self._inventory.facts_of(name))
            and (hosts[name].presence is not HostStatus.LOST or self._declared_of(name).address)
        )
        return other_machine(host, self._claimed[host], others)
