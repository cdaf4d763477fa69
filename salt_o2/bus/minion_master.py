"""Select the master that the agent follows, if the minion's configuration names several.

Salt does not report to other processes which master a minion has found (``master_type: failover``) or still
reaches (a list of active masters). The kernel does: the minion's process has an established connection to
the publish port of each master that it listens to (proc(5): fd, net/tcp). A dead master has none. Of
several, the agent follows the first one in the order of the configuration, so all agents of a site choose
the same.
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
"""Interval of checks of the minion's connections, in seconds. Used only with several configured masters."""


def configured(opts: Mapping[str, Any]) -> list[str]:
    """Return the masters in the minion's configuration, in its order.

    An engine's options do not list them: Salt replaces the list by the master that it currently tries.
    """
    written = salt.config.minion_config(opts["conf_file"], cache_minion_id=False).get("master")
    masters = written if isinstance(written, list) else [opts.get("master")]
    return [str(master) for master in masters]


def resolve(opts: Mapping[str, Any], master: str) -> dict[str, Any]:
    """Return the options for a connection to ``master``: its address, its ports and Salt's URI.

    Raises:
        SaltClientError: its name does not resolve now.
    """
    asked = {**opts, "master": master, "retry_dns": 0}
    asked.pop("master_ip", None)
    asked |= salt.minion.prep_ip_port(asked)
    found: dict[str, Any] = salt.minion.resolve_dns(asked, fallback=False)
    return {"master": asked["master"], "master_port": asked["master_port"], **found}


def connected(pid: int, proc: Path = PROC) -> set[Endpoint]:
    """Return the remote endpoints of the TCP connections of process ``pid``; none if it has ended."""
    return {one.remote for one in sockets_of(pid, ESTABLISHED, proc)}


class Masters:
    """Masters of one minion."""

    def __init__(self, opts: Mapping[str, Any], minion_pid: int, names: Sequence[str]) -> None:
        """Watch the connections of the process ``minion_pid``, which has the options ``opts``."""
        self._opts, self._pid, self.names = opts, minion_pid, tuple(names)

    @property
    def are_several(self) -> bool:
        """Return whether several masters are configured."""
        return len(self.names) > 1

    async def find(self) -> dict[str, Any]:
        """Return the options of the master to follow. Wait until the minion has one."""
        waited = False
        while (found := await asyncio.to_thread(self._look)) is None:
            if not waited:
                log.info("the minion is connected to none of its masters %s yet", ", ".join(self.names))
            waited = True
            await asyncio.sleep(LOOK_S)
        return found

    async def changed(self, followed: Mapping[str, Any]) -> None:
        """Wait until a master other than ``followed`` is the one to follow."""
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
