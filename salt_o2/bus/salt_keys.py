"""Long-term keys of master and minions, read from Salt's files for the sessions.

An agent never creates the keys of its minion. At the first start of a host there are none. Salt creates a
pair where it finds none, so minion and agent would create one each, and the master would accept the pair
that it receives first and deny the other.
"""

import asyncio
import logging
from pathlib import Path
from typing import Any

import salt.cache
import salt.crypt
import salt.exceptions

from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.ids import HostId
from salt_o2.sealing.host_sessions import KeyOf
from salt_o2.sealing.identity import PrivateKey, PublicKey

log = logging.getLogger(__name__)

NAMES = ("minion.pem", "minion.pub", "minion_master.pub")
"""The private key, the public key, and the key of the master that has accepted the minion."""
LOOK_S = 0.2
SAY_S = 10.0
"""Interval of the log line that says that the agent waits, in seconds."""


def of_master(opts: dict[str, Any]) -> PrivateKey:
    """Return the key by which minions identify the master: its own, or its cluster's.

    Raises:
        salt.exceptions.MasterExit: Salt cannot read its key either.
    """
    keys = salt.crypt.MasterKeys(dict(opts))
    key = keys.cluster_key if opts.get("cluster_id") else keys.key
    return PrivateKey.of(key.key)


def accepted(opts: dict[str, Any]) -> KeyOf:
    """Return a function that finds the key of a host that the master has accepted."""
    cache = salt.cache.Cache(dict(opts), driver=opts["keys.cache_driver"])

    def key_of(host: HostId) -> PublicKey | None:
        try:
            found = cache.fetch("keys", host)
        except salt.exceptions.SaltCacheError:  # not a valid minion id
            return None
        if not found or found.get("state") != "accepted":
            return None
        try:
            return PublicKey.from_pem(found["pub"].encode())
        except InvalidRequestError:
            return None

    return key_of


def of_minion(opts: dict[str, Any]) -> tuple[PrivateKey, PublicKey]:
    """Return the minion's own key and its master's public key. Both exist after a sign-in.

    Raises:
        OSError: one of them does not exist yet.
        InvalidRequestError: one of them is damaged.
    """
    folder = Path(opts["pki_dir"])
    return (
        PrivateKey.from_pem((folder / "minion.pem").read_bytes()),
        PublicKey.from_pem((folder / "minion_master.pub").read_bytes()),
    )


async def keys_made(folder: Path) -> None:
    """Wait until the minion has its keys in ``folder`` and a master has accepted them."""
    loop = asyncio.get_running_loop()
    say_at = loop.time()
    while missing := [name for name in NAMES if not _is_written(folder / name)]:
        if loop.time() >= say_at:
            log.info("the agent waits for the minion to sign in: %s lacks %s", folder, ", ".join(missing))
            say_at += SAY_S
        await asyncio.sleep(LOOK_S)


def _is_written(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False
