"""The desk for hosts: who is there, and what others know of it that control may not know yet."""

import asyncio
from typing import Any

from salt_o2.control import record
from salt_o2.control.arguments import HostsLost, HostsNamed, Nothing
from salt_o2.control.asking import Progress, Verbs
from salt_o2.control.control import Control
from salt_o2.core.errors import InvalidRequest
from salt_o2.core.ids import HostId
from salt_o2.core.presence import Presence

TURNS = 4
"""How often a host is asked before it is believed to be lost; after them all its tasks had a turn."""
STRANGER = "no agent of it was ever heard"
ANSWERS = "something that it has started answers"
SAID = "{} said that it is lost"


class HostDesk:
    """Serves what concerns hosts."""

    def __init__(self, control: Control) -> None:
        """Tell about the hosts of ``control``, and take hints about them."""
        self._control = control
        self.verbs: Verbs = {
            "host_list": (Nothing, self._list),
            "host_lost": (HostsLost, self._lost),
            "host_returned": (HostsNamed, self._returned),
        }

    async def _list(self, _wanted: Nothing, _user: str, _progress: Progress) -> list[dict[str, Any]]:
        return record.hosts(self._control.hosts, self._control.held, self._control.clock())

    async def _lost(self, wanted: HostsLost, user: str, _progress: Progress) -> list[dict[str, Any]]:
        """Take a hint, or somebody's word, that hosts are lost; return what came of it for each."""
        said = [self._judge(HostId(host), user or "a rule", wanted.sure) for host in wanted.hosts]
        outcomes = await asyncio.gather(*said)
        if wanted.sure and (refused := {h: o for h, o in outcomes if self._status(h) is not Presence.LOST}):
            told = "; ".join(f"{host}: {why}" for host, why in refused.items())
            raise InvalidRequest(f"not lost, so that nothing was done: {told}. End first what runs there")
        return [self._told(host, outcome) for host, outcome in outcomes]

    async def _judge(self, host: HostId, user: str, sure: bool) -> tuple[HostId, str]:
        watch, known = self._control.watch, self._control.hosts.known.get(host)
        if known is None:
            return host, STRANGER
        if known.presence is Presence.LOST:
            return host, "it was given up before"
        asked_at = self._control.clock()
        if watch.is_heard(host):
            return host, f"its agent has reported {asked_at - known.last_seen:.1f} s ago"
        for _ in range(TURNS):
            if (answer := await watch.ask(host, kernel=not sure)) or (answer is None and not sure):
                return host, ANSWERS if answer else "nobody can be asked at the moment"
        if known.last_seen > asked_at:
            return host, "its agent has just reported"
        if watch.alone and not sure:
            return host, "no host at all is heard: control may be cut off itself"
        watch.lose(host, SAID.format(user))
        return host, "it is given up"

    async def _returned(self, wanted: HostsNamed, _user: str, _progress: Progress) -> list[dict[str, Any]]:
        """Ask the agents of hosts that are said to be back for a survey, at once."""
        for host in wanted.hosts:
            self._control.inquire(HostId(host))
        return [self._told(HostId(host), "its agent is asked to tell everything") for host in wanted.hosts]

    def _status(self, host: HostId) -> Presence | None:
        return self._control.hosts.presence(host)

    def _told(self, host: HostId, outcome: str) -> dict[str, Any]:
        return {"id": host, "status": self._status(host), "outcome": outcome}
