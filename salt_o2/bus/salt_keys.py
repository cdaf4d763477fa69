"""The long-term keys that Salt keeps for master and minions, as sessions need them."""

from pathlib import Path
from typing import Any

import salt.cache
import salt.crypt
import salt.exceptions

from salt_o2.core.errors import InvalidRequest
from salt_o2.core.ids import HostId
from salt_o2.sealing.host_sessions import KeyOf
from salt_o2.sealing.identity import PrivateKey, PublicKey


def of_master(opts: dict[str, Any]) -> PrivateKey:
    """Return the key by which minions know the master: its own, or its cluster's.

    Raises:
        salt.exceptions.MasterExit: Salt cannot read its key either.
    """
    keys = salt.crypt.MasterKeys(dict(opts))
    key = keys.cluster_key if opts.get("cluster_id") else keys.key
    return PrivateKey.of(key.key)


def accepted(opts: dict[str, Any]) -> KeyOf:
    """Return what finds the key of a host that the master has accepted."""
    cache = salt.cache.Cache(dict(opts), driver=opts["keys.cache_driver"])

    def key_of(host: HostId) -> PublicKey | None:
        try:
            found = cache.fetch("keys", host)
        except salt.exceptions.SaltCacheError:  # not an id that a minion may have
            return None
        if not found or found.get("state") != "accepted":
            return None
        try:
            return PublicKey.from_pem(found["pub"].encode())
        except InvalidRequest:
            return None

    return key_of


def of_minion(opts: dict[str, Any]) -> tuple[PrivateKey, PublicKey]:
    """Return the minion's own key, and the public key of its master; both are there after a sign-in.

    Raises:
        OSError: one of them is not there yet.
        InvalidRequest: one of them is damaged.
    """
    folder = Path(opts["pki_dir"])
    return (
        PrivateKey.from_pem((folder / "minion.pem").read_bytes()),
        PublicKey.from_pem((folder / "minion_master.pub").read_bytes()),
    )
