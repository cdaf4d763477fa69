"""Request handlers for hosts: list, cordon and drain them, accept reports on lost or returned hosts."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from salt_o2.control.environments.active import ActiveEnvironments
from salt_o2.control.environments.draining import Drainer
from salt_o2.control.environments.pool_service import PoolService
from salt_o2.control.hosts.bus import Bus
from salt_o2.control.hosts.cordons import Cordons
from salt_o2.control.hosts.host_declarations import HostDeclarations
from salt_o2.control.hosts.host_monitor import HostMonitor
from salt_o2.control.hosts.host_probe import HostProbe
from salt_o2.control.hosts.host_questions import HostQuestions, QuestionLimit, is_error
from salt_o2.control.hosts.host_table import HostTable
from salt_o2.control.hosts.outbound_queues import OutboundQueues
from salt_o2.control.reports.orphans import OrphanTracker
from salt_o2.control.requests.arguments import (
    AskHostLog,
    AskHosts,
    AskHostTasks,
    HostsCordoned,
    HostsDrained,
    HostsLost,
    HostsNamed,
    KillTasks,
    MoveTasks,
    Nothing,
    Progress,
    Verbs,
)
from salt_o2.control.requests.transition_requests import outcome
from salt_o2.control.storage import host_rows
from salt_o2.control.storage.store import Store
from salt_o2.control.views import host_view
from salt_o2.core.errors import InvalidRequestError, TaskError, UnknownNameError
from salt_o2.core.host_targets import exact_ids
from salt_o2.core.ids import HostId
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.plan.overrides import variable_texts
from salt_o2.core.recovery.host_liveness import HostStatus
from salt_o2.core.recovery.replay import HOSTS, HostForgotten
from salt_o2.core.similar_names import did_you_mean

log = logging.getLogger(__name__)
PROBES = 4
"""Probes of a host before control considers it lost; they cover all its tasks."""
NEVER_REPORTED = "its agent has never reported"
INCONCLUSIVE = "control cannot probe it now: this machine has no free connection"
ANSWERS = "a process of its agent answers"
MOVES_S = 60.0
"""Seconds that a request to drain waits at least for the moves that are possible at once."""
NAMED = 5
"""Environments that a refusal names at most."""
SAID = "{} reported it lost"


class AgentRequests:
    """Serves requests that the agents of hosts answer."""

    def __init__(self, questions: HostQuestions) -> None:
        """Ask agents by ``questions``."""
        self._questions = questions
        self._limit = QuestionLimit()
        self.verbs: Verbs = {
            "host_tasks": (AskHostTasks, self._tasks),
            "host_log": (AskHostLog, self._log),
            "host_info": (AskHosts, self._info),
            "host_audit": (AskHosts, self._audit),
            "host_records": (AskHostTasks, self._records),
            "host_transition": (MoveTasks, self._transition),
            "host_kill": (KillTasks, self._kill),
        }

    async def _tasks(self, wanted: AskHostTasks, user: str, _progress: Progress) -> dict[HostId, Any]:
        answers = await self._ask(wanted, user, "tasks")
        return {host: _by_name(answer, wanted.environment) for host, answer in answers.items()}

    async def _log(self, wanted: AskHostLog, user: str, _progress: Progress) -> dict[HostId, Any]:
        return await self._ask(wanted, user, "log", wanted.task, wanted.lines)

    async def _info(self, wanted: AskHosts, user: str, _progress: Progress) -> dict[HostId, Any]:
        return await self._ask(wanted, user, "info")

    async def _audit(self, wanted: AskHosts, user: str, _progress: Progress) -> dict[HostId, Any]:
        return await self._ask(wanted, user, "audit")

    async def _records(self, wanted: AskHostTasks, user: str, _progress: Progress) -> dict[HostId, Any]:
        return await self._ask(wanted, user, "records", wanted.environment)

    async def _transition(self, wanted: MoveTasks, user: str, _progress: Progress) -> dict[HostId, Any]:
        log.warning("%s sends %s manually to %s on %s", user, wanted.event, wanted.tasks, wanted.hosts)
        arguments = variable_texts(wanted.arguments)
        return await self._ask(
            wanted, user, "transition", list(wanted.tasks), wanted.event.upper(), arguments, wanted.timeout_s
        )

    async def _kill(self, wanted: KillTasks, user: str, _progress: Progress) -> dict[HostId, Any]:
        log.warning("%s kills %s manually on %s", user, wanted.tasks, wanted.hosts)
        return await self._ask(wanted, user, "kill", list(wanted.tasks))

    async def _ask(self, wanted: AskHosts, user: str, verb: str, *arguments: Any) -> dict[HostId, Any]:
        """Return the answers of all hosts.

        Raises:
            TaskError: if no host has answered.
            UnreachableError: if the user has too many such requests under way.
        """
        hosts = [HostId(host) for host in exact_ids(wanted.hosts)]
        with self._limit.turn(user):
            answers = await self._questions.ask_all(hosts, verb, arguments, wanted.timeout_s)
        errors = {host: answer["error"] for host, answer in answers.items() if is_error(answer)}
        if len(errors) == len(answers):
            raise TaskError("; ".join(f"{host}: {error}" for host, error in errors.items()))
        return answers


def _by_name(answer: Any, environment: str) -> Any:
    """Return the tasks of an answer by name, only those of ``environment`` if it is given."""
    if not isinstance(answer, list):
        return answer
    tasks = [about for about in answer if isinstance(about, dict) and {"task", "environment"} <= about.keys()]
    return {about["task"]: about for about in tasks if environment in ("", about["environment"])}


class MaintenanceRequests:
    """Serves requests of users who take hosts out of service."""

    def __init__(self, *, hosts: HostTable, cordons: Cordons, drainer: Drainer, store: Store) -> None:
        """Cordon and drain ``hosts``."""
        self._hosts = hosts
        self._cordons = cordons
        self._drainer = drainer
        self._store = store
        self.verbs: Verbs = {
            "host_cordon": (HostsCordoned, self._cordon),
            "host_drain": (HostsDrained, self._drain),
            "host_uncordon": (HostsNamed, self._uncordon),
        }

    async def _cordon(self, wanted: HostsCordoned, user: str, _progress: Progress) -> list[dict[str, Any]]:
        """Place no new task on hosts. A host that is drained is only cordoned from then on."""
        hosts = self._known(wanted)
        self._cordons.begin(hosts, user, wanted.reason, drain=False)
        return [self._outcome(host, "no new task is placed there; its tasks stay") for host in hosts]

    async def _drain(self, wanted: HostsDrained, user: str, _progress: Progress) -> list[dict[str, Any]]:
        """Move the tasks of hosts away; answer when all possible moves are made, or no task is left.

        The request may end earlier than the drain, which control continues, also after a restart.
        """
        hosts = self._known(wanted)
        self._cordons.begin(hosts, user, wanted.reason, drain=True, after_runs=wanted.after_runs)
        with suppress(TimeoutError):
            async with asyncio.timeout(max(wanted.wait_s, MOVES_S)):
                await self._drainer.settled()
                if wanted.wait_s:
                    await self._drainer.drained(hosts)
        return [self._outcome(host, self._drain_outcome(host)) for host in hosts]

    def _drain_outcome(self, host: HostId) -> str:
        if self._cordons.of(host) is None:
            return "its cordon was ended meanwhile"
        left = self._drainer.left_on(host)
        tasks = sum(each["tasks"] for each in left)
        return f"{tasks} tasks are left there; the drain continues" if left else "no task is left there"

    async def _uncordon(self, wanted: HostsNamed, user: str, _progress: Progress) -> list[dict[str, Any]]:
        """Permit new tasks on hosts again. Tasks that were moved stay where they are."""
        hosts = self._known(wanted)
        cordoned = [host for host in hosts if self._cordons.of(host)]
        self._cordons.end(cordoned, user)
        ended, not_there = "new tasks may be placed there", "it was not cordoned"
        return [self._outcome(host, ended if host in cordoned else not_there) for host in hosts]

    def _known(self, wanted: HostsNamed) -> list[HostId]:
        """Return the hosts of ``wanted``.

        Raises:
            UnknownNameError: if one never reported; nothing has changed then.
        """
        known = {*self._hosts.known, *self._cordons.hosts}
        if not set(wanted.hosts) <= known:
            known |= host_rows.host_entries(self._store).keys()
        if unknown := [host for host in wanted.hosts if host not in known]:
            suggestion = did_you_mean(unknown[0], known)
            raise UnknownNameError(
                f"control knows no host {', '.join(unknown)}{suggestion}. Nothing was done"
            )
        return [HostId(host) for host in dict.fromkeys(wanted.hosts)]

    def _outcome(self, host: HostId, outcome: str) -> dict[str, Any]:
        cordon = self._cordons.of(host)
        left = self._drainer.left_on(host) if cordon else []
        return {
            "id": host,
            "status": self._hosts.presence(host),
            "cordon": host_view.cordon(cordon, left) if cordon else None,
            "outcome": outcome,
        }


class HostRequests:
    """Serves requests for hosts."""

    def __init__(
        self,
        *,
        active: ActiveEnvironments,
        pool: PoolService,
        hosts: HostTable,
        inventory: Inventory,
        cordons: Cordons,
        drainer: Drainer,
        declarations: HostDeclarations,
        monitor: HostMonitor,
        probe: HostProbe,
        orphans: OrphanTracker,
        store: Store,
        outbound: OutboundQueues,
        bus: Bus,
        clock: Callable[[], float],
    ) -> None:
        """Serve requests for ``hosts``."""
        self._active = active
        self._pool = pool
        self._hosts = hosts
        self._inventory = inventory
        self._cordons = cordons
        self._drainer = drainer
        self._declarations = declarations
        self._monitor = monitor
        self._probe = probe
        self._orphans = orphans
        self._store = store
        self._outbound = outbound
        self._bus = bus
        self._clock = clock
        self.verbs: Verbs = {
            "host_list": (Nothing, self._list),
            "host_lost": (HostsLost, self._lost),
            "host_returned": (HostsNamed, self._returned),
            "host_forget": (HostsNamed, self._forget),
        }

    async def _list(self, _wanted: Nothing, _user: str, _progress: Progress) -> list[dict[str, Any]]:
        cordons = {host: self._cordon(host) for host in self._cordons.hosts}
        return host_view.hosts(self._hosts, self._active, self._clock(), self._bus.refusals(), cordons)

    def _cordon(self, host: HostId) -> dict[str, Any] | None:
        cordon = self._cordons.of(host)
        return host_view.cordon(cordon, self._drainer.left_on(host)) if cordon else None

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
            reasons = "; ".join(f"{host}: {why}" for host, why in outcomes.items())
            raise InvalidRequestError(f"not lost, nothing was done: {reasons}. Stop its tasks first")
        return [self._record(host, why) for host, why in outcomes.items()]

    async def _judge(self, host: HostId, user: str, sure: bool) -> str:
        known = self._hosts.known.get(host)
        if known is None:
            return NEVER_REPORTED
        if known.presence is HostStatus.LOST:
            return "it was already LOST"
        asked_at = self._clock()
        if self._monitor.is_reporting(host):
            return f"its agent has reported {asked_at - known.last_seen:.1f} s ago"
        for _ in range(PROBES):
            answer = await self._probe.responds(host, kernel=not sure)
            if answer or (answer is None and not sure):
                return ANSWERS if answer else INCONCLUSIVE
        if known.last_seen > asked_at:
            return "its agent has just reported"
        if self._monitor.is_isolated and not sure:
            return "no host reports: control itself may be isolated"
        if host not in self._hosts.known:
            return "it was forgotten meanwhile"
        self._monitor.declare_lost(host, SAID.format(user))
        return "it is given up"

    async def _returned(self, wanted: HostsNamed, _user: str, _progress: Progress) -> list[dict[str, Any]]:
        """Request a survey at once from the agents of hosts that are reported to be back."""
        for host in wanted.hosts:
            self._outbound.request_survey(HostId(host))
        return [
            self._record(HostId(host), "control requested a survey of its agent") for host in wanted.hosts
        ]

    async def _forget(self, wanted: HostsNamed, user: str, _progress: Progress) -> list[dict[str, Any]]:
        """Remove all data on hosts: on all named hosts, or on none.

        Raises:
            UnknownNameError: if a host never reported.
            InvalidRequestError: if a host is in use, or may be connected.
            StorageError: if the database cannot be written; then no host is removed.
        """
        hosts = [HostId(host) for host in dict.fromkeys(wanted.hosts)]
        self._store.ensure_writable()
        self._store.flush()
        stored = host_rows.host_entries(self._store)
        for host in hosts:
            if host not in self._hosts.known and host not in stored:
                raise UnknownNameError(f"host {host} is unknown; nothing is forgotten")
            if why := self._in_use(host):
                raise InvalidRequestError(f"host {host} is not forgotten, nor is any other: {why}")
        for host in hosts:
            self._hosts.forget(host)
            self._inventory.forget_host(host)
            self._orphans.forget(host)
            self._declarations.forget(host)
            self._cordons.forget(host)
            self._store.enqueue(host_rows.drop_host(host))
            self._store.append(HOSTS, HostForgotten(at=self._clock(), host=host, user=user))
            log.warning("host %s is forgotten, requested by %s", host, user or "a rule")
        self._store.flush()
        return [self._record(host, "it is forgotten") for host in hosts]

    def _in_use(self, host: HostId) -> str:
        """Return why ``host`` cannot be removed; empty if it can."""
        presence, owners = self._status(host), self._active.ids_on_host(host)
        if owners:
            named = ", ".join(owners[:NAMED]) + (", ..." if len(owners) > NAMED else "")
            return f"environment {named} has tasks there. Move or stop these tasks first"
        if host in self._pool.hosts:
            return f"tasks of the pool are there. Stop them first: pool clean --host {host}"
        if presence not in (None, HostStatus.LOST):
            return (
                f"it is {presence}: the next report of its agent would add it again. Stop its minion and "
                f"wait until it is LOST, or report it lost if it is switched off: host lost {host} --sure"
            )
        return ""

    def _status(self, host: HostId) -> HostStatus | None:
        return self._hosts.presence(host)

    def _record(self, host: HostId, outcome: str) -> dict[str, Any]:
        return {"id": host, "status": self._status(host), "outcome": outcome}
