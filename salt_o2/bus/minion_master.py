"""Which master the agent follows when its minion's configuration names several: one that the minion uses.

Salt tells no other process which master a minion has found (``master_type: failover``) or still reaches (a
list of active masters). The kernel does: the minion's process has an established connection to the publish
port of each master that it listens to (proc(5): fd, net/tcp). A dead master has none. Of several, the agent
follows the first one in the order of the configuration, so that all agents of a site choose alike.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import salt.config
import salt.exceptions
import salt.minion

from salt_o2.linux.tcp_table import ESTABLISHED, PROC, Endpoint, sockets_of

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""How often the minion's connections are looked at, where several masters are configured and only there."""


def configured(opts: Mapping[str, Any]) -> list[str]:
    """Return the masters that the minion's configuration names, in its order.

    The options of an engine do not: Salt puts the master that it tries just now in the place of the list.
    """
    written = salt.config.minion_config(opts["conf_file"], cache_minion_id=False).get("master")
    masters = written if isinstance(written, list) else [opts.get("master")]
    return [str(master) for master in masters]


def resolve(opts: Mapping[str, Any], master: str) -> dict[str, Any]:
    """Return the options that lead to ``master``: its address, its ports and Salt's URI.

    Raises:
        SaltClientError: its name cannot be resolved now.
    """
    asked = {**opts, "master": master, "retry_dns": 0}
    asked.pop("master_ip", None)
    asked |= salt.minion.prep_ip_port(asked)
    found: dict[str, Any] = salt.minion.resolve_dns(asked, fallback=False)
    return {"master": asked["master"], "master_port": asked["master_port"], **found}


def connected(pid: int, proc: Path = PROC) -> set[Endpoint]:
    """Return the remote ends of the TCP connections that process ``pid`` has; none if it is gone."""
    return {one.remote for one in sockets_of(pid, ESTABLISHED, proc)}


class Masters:
    """The masters of one minion."""

    def __init__(self, opts: Mapping[str, Any], minion_pid: int, names: Sequence[str]) -> None:
        """Look at the connections of the process ``minion_pid``, which has the options ``opts``."""
        self._opts, self._pid, self.names = opts, minion_pid, tuple(names)

    @property
    def are_several(self) -> bool:
        """Whether there is a choice."""
        return len(self.names) > 1

    async def find(self) -> dict[str, Any]:
        """Return the options that lead to the master to follow; wait until the minion has one."""
        waited = False
        while (found := await asyncio.to_thread(self._look)) is None:
            if not waited:
                log.info("the minion is connected to none of its masters %s yet", ", ".join(self.names))
            waited = True
            await asyncio.sleep(LOOK_S)
        return found

    async def changed(self, followed: Mapping[str, Any]) -> None:
        """Wait until another master than ``followed`` is the one to follow."""
        while True:
            await asyncio.sleep(LOOK_S)
            found = await asyncio.to_thread(self._look)
            if found is not None and found["master_uri"] != followed["master_uri"]:
                return

    def _look(self) -> dict[str, Any] | None:
        ends = connected(self._pid)
        for name in self.names:
            with suppress(salt.exceptions.SaltException):
                found = resolve(self._opts, name)
                address = str(found["master_ip"]).strip("[]")
                if (address, int(self._opts["publish_port"])) in ends:
                    return found
        return None
