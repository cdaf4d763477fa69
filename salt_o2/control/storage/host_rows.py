"""Rows of all hosts that ever reported, and of cordons: after a restart, control expects these hosts."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Executable, delete, insert, select

from salt_o2.control.storage.schema import CORDONS, HOSTS
from salt_o2.control.storage.store import Store
from salt_o2.core.codec import plain
from salt_o2.core.ids import HostId
from salt_o2.core.messages.report_parsing import facts_of
from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.placement.cordon import Cordon
from salt_o2.core.placement.host_declaration import Declaration, declaration_of

DECLARED = "declared"
"""The key of the site's declaration of the host, next to the keys of the facts."""


def put_host(host: HostId, facts: HostFacts, declared: Declaration) -> list[Executable]:
    """Return statements that store ``facts`` and the declaration of ``host``, and replace older ones."""
    row = {"id": host, "facts": {**plain(facts), DECLARED: plain(declared)}}
    return [delete(HOSTS).where(HOSTS.c.id == host), insert(HOSTS).values(row)]


def drop_host(host: HostId) -> Executable:
    """Return the statement that removes ``host``."""
    return delete(HOSTS).where(HOSTS.c.id == host)


def declarations(store: Store) -> dict[HostId, Declaration]:
    """Return the site's declarations of hosts that an earlier control process compiled."""
    rows: list[Any] = store.read(select(HOSTS.c.id, HOSTS.c.facts))
    found = [(row[0], row[1].get(DECLARED)) for row in rows if isinstance(row[1], Mapping)]
    return {
        HostId(host): declaration_of(declared)[0] for host, declared in found if isinstance(declared, Mapping)
    }


def host_entries(store: Store) -> dict[HostId, tuple[HostFacts, tuple[str, ...]]]:
    """Return every host that ever reported, with its last facts and the unreadable parts of them."""
    rows: list[Any] = store.read(select(HOSTS.c.id, HOSTS.c.facts))
    return {HostId(row[0]): facts_of(row[1], HostId(row[0])) for row in rows}


def put_cordon(host: HostId, cordon: Cordon) -> list[Executable]:
    """Return statements that store ``cordon`` of ``host``, and replace an older one."""
    return [drop_cordon(host), insert(CORDONS).values({"host": host, "cordon": plain(cordon)})]


def drop_cordon(host: HostId) -> Executable:
    """Return the statement that removes the cordon of ``host``."""
    return delete(CORDONS).where(CORDONS.c.host == host)


def cordons(store: Store) -> dict[HostId, Cordon]:
    """Return the cordons of hosts."""
    rows: list[Any] = store.read(select(CORDONS.c.host, CORDONS.c.cordon))
    found = {HostId(row[0]): store.read_row(row[1], Cordon) for row in rows}
    return {host: cordon for host, cordon in found.items() if cordon is not None}
