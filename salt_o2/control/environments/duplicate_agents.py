"""Accept one agent for each host; inform both agents when a second one uses the same name.

core/recovery/agent_instances.py decides which agent control accepts.
"""

import logging
from typing import TYPE_CHECKING

from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages.announcements import AnnounceHost
from salt_o2.core.messages.commands import Notice
from salt_o2.core.messages.host_quota import ROW_BYTES
from salt_o2.core.messages.reports import Report
from salt_o2.core.recovery.agent_instances import Rival, Verdict
from salt_o2.core.recovery.replay import SecondAgent
from salt_o2.core.states import TaskStatus

if TYPE_CHECKING:
    from salt_o2.control.environments.service import Control

log = logging.getLogger(__name__)

DUPLICATE = "DUPLICATE"
"""The status under which a second agent is announced."""
TELL_AGAIN_S = 10.0
"""Seconds between two notices to a refused agent, which may have missed the last one."""


class DuplicateAgents:
    """The part of control that knows which agent reports for a host."""

    def __init__(self, control: "Control") -> None:
        """Work for ``control``."""
        self._control = control

    def is_believed(self, report: Report, at: float) -> bool:
        """Return whether control accepts ``report``; if not, notify its agent or request a survey."""
        host = report.host
        before = set(self._refused(host))
        verdict = self._control.hosts.judge(report, at, lambda: self._tasks_on(host))
        for incarnation, rival in self._refused(host).items():
            if incarnation not in before:
                self._announce(host, rival, at)
        if verdict is Verdict.REFUSED:
            self._tell(host, self._refused(host)[report.incarnation], at)
        elif verdict is Verdict.WAITS and not report.facts:
            self._control.request_survey(host)
        elif verdict is Verdict.BELIEVED and report.incarnation in before:
            log.warning("host %s: control believes the agent that it refused before", host)
            self._control.announce_host(Notice(host=host, incarnation=report.incarnation))
        return verdict is Verdict.BELIEVED

    def _refused(self, host: HostId) -> dict[str, Rival]:
        known = self._control.hosts.known.get(host)
        return {rival.incarnation: rival for rival in known.agents.refused} if known else {}

    def _tasks_on(self, host: HostId) -> set[TaskId]:
        """Return the tasks that have a process on ``host`` according to control's records."""
        members = [held.environment.model.tasks for held in self._control.held.values()]
        reports = [each.reports.get(task.id) for each in members for task in each.on_host(host)]
        living = {about.task for about in reports if about and about.status is not TaskStatus.INACTIVE}
        pooled = self._control.pooling.pool.entries.values()
        return living | {entry.task.id for entry in pooled if entry.task.host == host}

    def _announce(self, host: HostId, rival: Rival, at: float) -> None:
        reason, environments = self._reason(host, rival), self._environments(host)
        log.error("host %s: %s", host, reason)
        told = AnnounceHost(
            host=host, status=DUPLICATE, reason=reason, quiet_s=0.0, environments=environments
        )
        journaled = self._control.hosts.admits(host, ROW_BYTES * len(environments), at)
        for environment in environments if journaled else ():
            self._control.store.append(environment, SecondAgent(at=at, host=host, reason=reason))
        self._control.flushing.schedule()
        self._control.announce(told)

    def _tell(self, host: HostId, rival: Rival, at: float) -> None:
        if at - rival.told >= TELL_AGAIN_S:
            rival.told = at
            self._control.announce_host(
                Notice(host=host, incarnation=rival.incarnation, refused=self._reason(host, rival))
            )

    def _reason(self, host: HostId, rival: Rival) -> str:
        facts = self._control.hosts.known[host].facts
        kept = facts.address if facts else "an unknown address"
        return (
            f"two agents report as {host}: control keeps to the one at {kept} and refuses the one at "
            f"{rival.address or 'an unknown address'}; tasks of the first are not affected. Give one of the "
            "two minions another id and its own keys"
        )

    def _environments(self, host: HostId) -> tuple[EnvironmentId, ...]:
        held = self._control.held.values()
        return tuple(each.stored.id for each in held if host in each.environment.model.tasks.hosts)
