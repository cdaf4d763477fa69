"""Accept one agent for each host; inform both agents when a second one uses the same name.

core/recovery/agent_instances.py decides which agent control accepts.
"""

import logging

from salt_o2.control.environments.active import ActiveEnvironments
from salt_o2.control.environments.pool_service import PoolService
from salt_o2.control.hosts.host_table import HostTable
from salt_o2.control.hosts.outbound_queues import OutboundQueues
from salt_o2.control.storage.store import Store
from salt_o2.control.storage.write_behind import DeferredFlush
from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.messages.announcements import AnnounceHost
from salt_o2.core.messages.commands import Notice
from salt_o2.core.messages.host_quota import ROW_BYTES
from salt_o2.core.messages.reports import Report
from salt_o2.core.recovery.agent_instances import Rival, Verdict
from salt_o2.core.recovery.replay import SecondAgent
from salt_o2.core.states import EnvironmentState, TaskStatus

log = logging.getLogger(__name__)

DUPLICATE = "DUPLICATE"
"""The status under which a second agent is announced."""
NOT_DEPLOYED = (EnvironmentState.STANDBY, EnvironmentState.DONE)
NOTIFY_AGAIN_S = 10.0
"""Seconds between two notices to a refused agent, which may have missed the last one."""


class DuplicateAgents:
    """Decides which agent reports for a host."""

    def __init__(
        self,
        *,
        hosts: HostTable,
        active: ActiveEnvironments,
        pool: PoolService,
        store: Store,
        flushing: DeferredFlush,
        outbound: OutboundQueues,
    ) -> None:
        """Judge reports by the agents in ``hosts`` and by the tasks of ``active`` and ``pool``."""
        self._hosts = hosts
        self._active = active
        self._pool = pool
        self._store = store
        self._flushing = flushing
        self._outbound = outbound

    def is_believed(self, report: Report, at: float) -> bool:
        """Return whether control accepts ``report``; if not, notify its agent or request a survey."""
        host = report.host
        before = set(self._refused(host))
        verdict = self._hosts.judge(report, at, lambda: self._tasks_on(host))
        for incarnation, rival in self._refused(host).items():
            if incarnation not in before:
                self._announce(host, rival, at)
        if verdict is Verdict.REFUSED:
            self._notify_refused(host, self._refused(host)[report.incarnation], at)
        elif verdict is Verdict.WAITS and not report.facts:
            self._outbound.request_survey(host)
        elif verdict is Verdict.BELIEVED and report.incarnation in before:
            log.warning("host %s: control accepts the agent that it refused before", host)
            self._outbound.send([Notice(host=host, incarnation=report.incarnation)])
        return verdict is Verdict.BELIEVED

    def _refused(self, host: HostId) -> dict[str, Rival]:
        known = self._hosts.known.get(host)
        return {rival.incarnation: rival for rival in known.agents.refused} if known else {}

    def _tasks_on(self, host: HostId) -> set[TaskId]:
        """Return the tasks that have a process on ``host`` according to control's records.

        After a restart of control no agent has reported its tasks yet. Then each task of an environment that
        was deployed may have one.
        """
        known = self._hosts.known.get(host)
        is_restarted = known is None or not known.agents.kept
        found = {task.id for task in self._pool.tasks_on(host)}
        for model in (target.environment.model for target in self._active.values()):
            is_deployed = is_restarted and model.state not in NOT_DEPLOYED
            for task in model.tasks.on_host(host):
                report = model.tasks.reports.get(task.id)
                if report.status is not TaskStatus.INACTIVE if report else is_deployed:
                    found.add(task.id)
        return found

    def _announce(self, host: HostId, rival: Rival, at: float) -> None:
        reason, environments = self._reason(host, rival), self._active.ids_on_host(host)
        log.error("host %s: %s", host, reason)
        journaled = self._hosts.admits(host, ROW_BYTES * len(environments), at)
        for environment in environments if journaled else ():
            self._store.append(environment, SecondAgent(at=at, host=host, reason=reason))
        self._flushing.schedule()
        self._outbound.announce(
            AnnounceHost(host=host, status=DUPLICATE, reason=reason, quiet_s=0.0, environments=environments)
        )

    def _notify_refused(self, host: HostId, rival: Rival, at: float) -> None:
        if at - rival.notified_at >= NOTIFY_AGAIN_S:
            rival.notified_at = at
            reason = self._reason(host, rival)
            self._outbound.send([Notice(host=host, incarnation=rival.incarnation, refused=reason)])

    def _reason(self, host: HostId, rival: Rival) -> str:
        facts = self._hosts.known[host].facts
        accepted = facts.address if facts else "an unknown address"
        return (
            f"two agents report as {host}: control accepts the one at {accepted} and refuses the one at "
            f"{rival.address or 'an unknown address'}; tasks of the first are not affected. Give one of the "
            "two minions another id and its own keys"
        )
