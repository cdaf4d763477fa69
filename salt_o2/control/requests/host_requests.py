"""Request handlers for hosts: list hosts, and accept reports of users on lost or returned hosts."""

import asyncio
import logging
from typing import Any

from salt_o2.control.environments.service import Control
from salt_o2.control.requests.arguments import HostsLost, HostsNamed, Nothing
from salt_o2.control.requests.handler import Progress, Verbs
from salt_o2.control.requests.transition_requests import outcome
from salt_o2.control.storage import host_rows
from salt_o2.control.views import host_view
from salt_o2.core.errors import InvalidRequestError, UnknownNameError
from salt_o2.core.ids import HostId
from salt_o2.core.recovery.host_liveness import HostStatus
from salt_o2.core.recovery.replay import HOSTS, HostForgotten

log = logging.getLogger(__name__)
TURNS = 4
"""Probes of a host before control considers it lost; they cover all its tasks."""
STRANGER = "no agent of it was ever heard"
ANSWERS = "something that it has started answers"
NAMED = 5
"""Environments that a refusal names at most."""
SAID = "{} said that it is lost"


class HostRequests:
    """Serves requests for hosts."""

    def __init__(self, control: Control) -> None:
        """Work for ``control``."""
        self._control = control
        self.verbs: Verbs = {
            "host_list": (Nothing, self._list),
            "host_lost": (HostsLost, self._lost),
            "host_returned": (HostsNamed, self._returned),
            "host_forget": (HostsNamed, self._forget),
        }

    async def _list(self, _wanted: Nothing, _user: str, _progress: Progress) -> list[dict[str, Any]]:
        control = self._control
        return host_view.hosts(control.hosts, control.held, control.clock(), control.bus.refusals())

    async def _lost(self, wanted: HostsLost, user: str, _progress: Progress) -> list[dict[str, Any]]:
        """Probe hosts that a user reports lost, or trust a user who is sure; return each host's outcome.

        Raises:
            InvalidRequestError: if a user is sure, and none of the hosts is lost. Nothing has changed then.
        """
        hosts = [HostId(host) for host in dict.fromkeys(wanted.hosts)]
        judged = [self._judge(host, user or "a rule", wanted.sure) for host in hosts]
        found = await asyncio.gather(*judged, return_exceptions=True)
        outcomes = {host: outcome(each) for host, each in zip(hosts, found, strict=True)}
        if wanted.sure and not any(self._status(host) is HostStatus.LOST for host in hosts):
            told = "; ".join(f"{host}: {why}" for host, why in outcomes.items())
            raise InvalidRequestError(
                f"not lost, so that nothing was done: {told}. End first what runs there"
            )
        return [self._told(host, why) for host, why in outcomes.items()]

    async def _judge(self, host: HostId, user: str, sure: bool) -> str:
        watch, known = self._control.watch, self._control.hosts.known.get(host)
        if known is None:
            return STRANGER
        if known.presence is HostStatus.LOST:
            return "it was given up before"
        asked_at = self._control.clock()
        if watch.is_reporting(host):
            return f"its agent has reported {asked_at - known.last_seen:.1f} s ago"
        for _ in range(TURNS):
            if (answer := await watch.probe(host, kernel=not sure)) or (answer is None and not sure):
                return ANSWERS if answer else "nobody can be asked at the moment"
        if known.last_seen > asked_at:
            return "its agent has just reported"
        if watch.alone and not sure:
            return "no host at all is heard: control may be cut off itself"
        if host not in self._control.hosts.known:
            return "it was forgotten meanwhile"
        watch.declare_lost(host, SAID.format(user))
        return "it is given up"

    async def _returned(self, wanted: HostsNamed, _user: str, _progress: Progress) -> list[dict[str, Any]]:
        """Request a survey at once from the agents of hosts that are reported to be back."""
        for host in wanted.hosts:
            self._control.request_survey(HostId(host))
        return [self._told(HostId(host), "its agent is asked to tell everything") for host in wanted.hosts]

    async def _forget(self, wanted: HostsNamed, user: str, _progress: Progress) -> list[dict[str, Any]]:
        """Remove all data on hosts: on all named hosts, or on none.

        Raises:
            UnknownNameError: if a host never reported.
            InvalidRequestError: if a host is in use, or may be connected.
            StorageError: if the database cannot be written; then no host is removed.
        """
        control, hosts = self._control, [HostId(host) for host in dict.fromkeys(wanted.hosts)]
        control.store.ensure_writable()
        control.store.flush()
        kept = host_rows.host_entries(control.store)
        for host in hosts:
            if host not in control.hosts.known and host not in kept:
                raise UnknownNameError(f"host {host} was never heard of; nothing is forgotten")
            if why := self._in_use(host):
                raise InvalidRequestError(f"host {host} is not forgotten, nor is any other: {why}")
        for host in hosts:
            control.watch.forget(host)
            control.inventory.forget_host(host)
            control.strays.forget(host)
            control.declarations.forget(host)
            control.store.enqueue(host_rows.drop_host(host))
            control.store.append(HOSTS, HostForgotten(at=control.clock(), host=host, user=user))
            log.warning("host %s is forgotten, asked by %s", host, user or "a rule")
        control.store.flush()
        return [self._told(host, "it is forgotten") for host in hosts]

    def _in_use(self, host: HostId) -> str:
        """Return why ``host`` cannot be removed; empty if it can."""
        control, presence = self._control, self._status(host)
        owners = [name for name, held in control.held.items() if host in held.environment.model.tasks.hosts]
        if owners:
            named = ", ".join(owners[:NAMED]) + (", ..." if len(owners) > NAMED else "")
            return f"environment {named} has tasks there. Move or end these tasks first"
        if host in control.pooling.hosts:
            return f"tasks of the pool are there. End them first: pool clean --host {host}"
        if presence not in (None, HostStatus.LOST):
            return (
                f"it is {presence}: an agent that reports would make it known again. Stop its minion, wait "
                f"until it is LOST, or say so if it is off: host lost {host} --sure"
            )
        return ""

    def _status(self, host: HostId) -> HostStatus | None:
        return self._control.hosts.presence(host)

    def _told(self, host: HostId, outcome: str) -> dict[str, Any]:
        return {"id": host, "status": self._status(host), "outcome": outcome}
