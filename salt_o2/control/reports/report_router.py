"""Route each report of an agent to the environments and the pool that it concerns.

hosts/report_queue.py --> ReportRouter.receive
                            1. refuse the report of a second agent, and what exceeds the host's quota
                            2. record it in the table of hosts; a gap in the numbers requests a survey
                            3. a survey also updates the facts of its host, and shows orphaned tasks
                            4. step the pool and each environment that has tasks in the report
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from salt_o2.concurrency.run_all import Apart
from salt_o2.control.environments.active import ActiveEnvironments
from salt_o2.control.environments.effect_executor import EffectExecutor
from salt_o2.control.environments.pool_service import PoolService
from salt_o2.control.hosts.host_declarations import HostDeclarations
from salt_o2.control.hosts.host_monitor import HostMonitor
from salt_o2.control.hosts.host_table import HostTable
from salt_o2.control.hosts.outbound_queues import OutboundQueues
from salt_o2.control.reports.duplicate_agents import DuplicateAgents
from salt_o2.control.reports.orphans import OrphanTracker
from salt_o2.control.reports.renamed_hosts import RenamedHosts
from salt_o2.control.reports.reported_run_numbers import ReportedRunNumbers
from salt_o2.core.environment.environment import Environment
from salt_o2.core.ids import EnvironmentId
from salt_o2.core.messages.host_quota import cost_of
from salt_o2.core.messages.report_parsing import MOST_FAULTS
from salt_o2.core.messages.reports import HostFacts, Report
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.recovery import survey_reconciler
from salt_o2.core.recovery.host_liveness import AWAY

log = logging.getLogger(__name__)


class ReportRouter:
    """Applies reports of agents."""

    def __init__(
        self,
        *,
        active: ActiveEnvironments,
        executor: EffectExecutor,
        pool: PoolService,
        hosts: HostTable,
        inventory: Inventory,
        declarations: HostDeclarations,
        monitor: HostMonitor,
        outbound: OutboundQueues,
        duplicates: DuplicateAgents,
        renamed: RenamedHosts,
        orphans: OrphanTracker,
        run_numbers: ReportedRunNumbers,
        clock: Callable[[], float],
    ) -> None:
        """Step environments of ``active`` by ``executor``, and the ``pool``."""
        self._active = active
        self._executor = executor
        self._pool = pool
        self._hosts = hosts
        self._inventory = inventory
        self._declarations = declarations
        self._monitor = monitor
        self._outbound = outbound
        self._duplicates = duplicates
        self._renamed = renamed
        self._orphans = orphans
        self._run_numbers = run_numbers
        self._clock = clock

    def receive(self, report: Report) -> None:
        """Apply an agent's report.

        Raises:
            Exception: the error of the first environment whose step failed; all are stepped.
        """
        at = self._clock()
        if not self._duplicates.is_believed(report, at):
            return
        environments = self._active.environments()
        report = self._limited(report, environments, at)
        before = self._hosts.presence(report.host)
        if self._hosts.record_report(report, at) and self._hosts.may_report(report.host, at):
            self._outbound.request_survey(report.host)
        self._pool.apply_report(report, at)
        self._inventory.forget_refused_ports(at)
        if report.facts:
            self._apply_survey(report, report.facts, environments)
        if before in AWAY:
            self._monitor.host_returned(report.host)
        if foreign := survey_reconciler.foreign(environments, report):
            self._hosts.known[report.host].doubt(foreign)
        self._record_refused_ports(report, at)
        apart = Apart(f"a report of {report.host}")
        for name, moved in survey_reconciler.split_by_environment(environments, report, at).items():
            with apart:
                self._executor.step(self._active[name], moved)
        apart.raise_first()

    def _limited(
        self, report: Report, environments: Mapping[EnvironmentId, Environment], at: float
    ) -> Report:
        """Return what control uses of ``report``: within the quota of its host, with the facts to use."""
        if not self._hosts.admits(report.host, cost_of(report), at):
            report = replace(report, tasks=(), accepted={}, facts=None)  # a heartbeat with a gap
        if wrong := survey_reconciler.never_given(environments, report):
            report = replace(report, faults=(*report.faults, *wrong[:MOST_FAULTS]))
        if report.facts:
            report = replace(report, facts=self._declarations.facts_to_use(report.host, report.facts))
        return report

    def _apply_survey(
        self, report: Report, facts: HostFacts, environments: Mapping[EnvironmentId, Environment]
    ) -> None:
        self._declarations.offer(report.host, facts)
        self._run_numbers.apply_claim(report.host, facts.last_run)
        log.info("host %s has %d tasks", report.host, len(report.tasks))
        self._renamed.check_survey(report)
        self._orphans.process_survey(report, environments)

    def _record_refused_ports(self, report: Report, at: float) -> None:
        """Exclude ports that the agent found in use from the next plans, including those of this step."""
        for about in report.tasks:
            target = self._active.get(about.environment)
            planned = target.environment.model.tasks.tasks.get(about.task) if target else None
            if not target or not planned or planned.host != report.host:
                continue
            if about.failure and about.failure.taken_ports:
                target.ports_refused = True
                self._inventory.refuse_ports(report.host, about.failure.taken_ports, planned.ports, at)
