"""Cordons of hosts: keep them in the inventory, which plans read, and in the database.

A cordon is on disk before it has an effect. Draining hosts are those whose cordon also moves tasks;
environments/draining.py moves them.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence

from salt_o2.control.storage import host_rows
from salt_o2.control.storage.journal import journal_insert
from salt_o2.control.storage.store import Store
from salt_o2.core.ids import HostId
from salt_o2.core.placement.cordon import Cordon, describe_cordon
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.recovery.replay import HOSTS, HostCordoned, HostUncordoned

log = logging.getLogger(__name__)


class Cordons:
    """The cordons of one control process."""

    def __init__(self, *, inventory: Inventory, store: Store, clock: Callable[[], float]) -> None:
        """Restore the cordons in ``store`` into ``inventory``."""
        self._inventory = inventory
        self._store = store
        self._clock = clock
        inventory.cordons = host_rows.cordons(store)
        self.changed = asyncio.Event()
        """Set when a cordon begins, changes or ends; the reader clears it."""

    def of(self, host: HostId) -> Cordon | None:
        """Return the cordon of ``host``."""
        return self._inventory.cordons.get(host)

    @property
    def hosts(self) -> set[HostId]:
        """All cordoned hosts."""
        return set(self._inventory.cordons)

    def descriptions(self) -> list[str]:
        """Return one line for each cordoned host: by whose request and why."""
        return [describe_cordon(host, cordon) for host, cordon in sorted(self._inventory.cordons.items())]

    def draining(self) -> dict[HostId, Cordon]:
        """Return the cordons of hosts that are drained."""
        return {host: cordon for host, cordon in self._inventory.cordons.items() if cordon.drain}

    def begin(
        self, hosts: Sequence[HostId], user: str, reason: str, *, drain: bool, after_runs: bool = False
    ) -> None:
        """Cordon ``hosts``, all or none. An earlier cordon of a host is replaced.

        Raises:
            StorageError: if the database cannot be written; then nothing has changed.
        """
        at = self._clock()
        cordon = Cordon(since=at, user=user, reason=reason, drain=drain, after_runs=after_runs)
        entries = [
            HostCordoned(at=at, host=host, user=user, reason=reason, drain=drain, after_runs=after_runs)
            for host in hosts
        ]
        rows = [statement for host in hosts for statement in host_rows.put_cordon(host, cordon)]
        self._store.flush()  # earlier lines of the journal come first
        self._store.commit(*rows, *(journal_insert(HOSTS, entry) for entry in entries))
        for host in hosts:
            self._inventory.cordons[host] = cordon
            log.warning("host %s is %s by %s: %s", host, "drained" if drain else "cordoned", user, reason)
        self.changed.set()

    def end(self, hosts: Sequence[HostId], user: str) -> None:
        """End the cordons of ``hosts``, all or none.

        Raises:
            StorageError: if the database cannot be written; then nothing has changed.
        """
        at = self._clock()
        entries = [HostUncordoned(at=at, host=host, user=user) for host in hosts]
        self._store.flush()
        self._store.commit(
            *map(host_rows.drop_cordon, hosts), *(journal_insert(HOSTS, entry) for entry in entries)
        )
        for host in hosts:
            self._inventory.cordons.pop(host, None)
            log.warning("host %s is no longer cordoned, requested by %s", host, user)
        self.changed.set()

    def rename(self, old: HostId, new: HostId) -> None:
        """Transfer the cordon of ``old`` to ``new``, the present name of the same machine."""
        cordon = self._inventory.cordons.pop(old, None)
        if cordon is not None:
            self._inventory.cordons.setdefault(new, cordon)
            self._store.enqueue(
                host_rows.drop_cordon(old), *host_rows.put_cordon(new, self._inventory.cordons[new])
            )

    def forget(self, host: HostId) -> None:
        """Remove the cordon of ``host``, which is removed from control."""
        if self._inventory.cordons.pop(host, None) is not None:
            self._store.enqueue(host_rows.drop_cordon(host))
