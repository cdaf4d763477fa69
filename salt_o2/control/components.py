"""The composition root: build all components of control, bottom up. No component gets an unfinished one.

    settings, bus, store, clock, probe, ids
       -> hosts        table of hosts, declarations, outbound queues
       -> environments registry, pool, effect executor, modifications, planner, rescheduler, service
       -> reports      renamed hosts, host events, monitor, orphans, router
       -> requests     one handler for each subject, with only the components that it names

Clock, bus, database, probe and random ids are arguments of ``build``: a simulation passes its own. Threads
run in the loop of a simulation, see concurrency/daemon_thread.py.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from salt_o2.concurrency.background_loops import run_together
from salt_o2.concurrency.request_threads import RequestThreads
from salt_o2.control.dispatcher import RequestDispatcher
from salt_o2.control.environments.active import ActiveEnvironments
from salt_o2.control.environments.change_log import ChangeLog
from salt_o2.control.environments.draining import Drainer
from salt_o2.control.environments.effect_executor import EffectExecutor
from salt_o2.control.environments.integration_calls import Integration, IntegrationCalls
from salt_o2.control.environments.modifications import Modifications
from salt_o2.control.environments.pool_service import PoolService
from salt_o2.control.environments.request_waiters import RequestWaiters
from salt_o2.control.environments.rescheduling import Rescheduler
from salt_o2.control.environments.restoration import Restoration
from salt_o2.control.environments.service import EnvironmentService
from salt_o2.control.hosts.bus import Bus
from salt_o2.control.hosts.cordons import Cordons
from salt_o2.control.hosts.host_declarations import Compile, HostDeclarations
from salt_o2.control.hosts.host_monitor import HostMonitor
from salt_o2.control.hosts.host_probe import HostProbe, Probe
from salt_o2.control.hosts.host_questions import HostQuestions
from salt_o2.control.hosts.host_table import HostTable
from salt_o2.control.hosts.outbound_queues import OutboundQueues
from salt_o2.control.hosts.port_probe import PortProbe
from salt_o2.control.planning.drafts import NewId, random_id
from salt_o2.control.planning.environment_planner import EnvironmentPlanner
from salt_o2.control.reports.duplicate_agents import DuplicateAgents
from salt_o2.control.reports.host_events import HostEvents
from salt_o2.control.reports.orphans import OrphanTracker
from salt_o2.control.reports.renamed_hosts import RenamedHosts
from salt_o2.control.reports.report_router import ReportRouter
from salt_o2.control.reports.reported_run_numbers import ReportedRunNumbers
from salt_o2.control.requests.arguments import Verbs
from salt_o2.control.requests.configuration_requests import ConfigurationRequests
from salt_o2.control.requests.environment_requests import EnvironmentRequests
from salt_o2.control.requests.history_requests import HistoryRequests
from salt_o2.control.requests.host_requests import AgentRequests, HostRequests, MaintenanceRequests
from salt_o2.control.requests.pool_requests import PoolRequests
from salt_o2.control.requests.rebuild_requests import RebuildRequests
from salt_o2.control.requests.run_requests import RunRequests
from salt_o2.control.requests.task_requests import TaskRequests
from salt_o2.control.requests.transition_requests import TransitionRequests
from salt_o2.control.requests.watch_requests import WatchRequests
from salt_o2.control.requests.workflow_requests import WorkflowRequests
from salt_o2.control.storage.run_store import RunStore
from salt_o2.control.storage.store import Store
from salt_o2.control.storage.write_behind import DeferredFlush
from salt_o2.control.views.staleness import StalenessView
from salt_o2.core.messages.commands import SurveyRequest
from salt_o2.core.messages.host_quota import MEGABYTE
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.plan.plan import Plan
from salt_o2.core.plan.timeouts import Timeouts
from salt_o2.site.resources import configuration_of, services_of
from salt_o2.site.settings import Site, timeouts

NO_INTEGRATIONS: Mapping[str, Integration] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """One control process: its components, for its loops, its request server and tests."""

    bus: Bus
    store: Store
    runs: RunStore
    clock: Callable[[], float]
    hosts: HostTable
    inventory: Inventory
    cordons: Cordons
    declarations: HostDeclarations
    outbound: OutboundQueues
    flushing: DeferredFlush
    active: ActiveEnvironments
    pool: PoolService
    executor: EffectExecutor
    environments: EnvironmentService
    rescheduler: Rescheduler
    drainer: Drainer
    restoration: Restoration
    monitor: HostMonitor
    orphans: OrphanTracker
    reports: ReportRouter
    dispatcher: RequestDispatcher

    async def run(self) -> None:
        """Resume what an earlier control process has begun, and run all loops until cancelled.

        Raises:
            LoopEnded: if one of the loops ended.
        """
        self.restoration.resume()
        in_use = self.active.hosts() | self.pool.hosts | self.cordons.hosts
        self.declarations.restore(in_use, self.clock())
        # Agents answer a request for a survey earlier than they send the next heartbeat.
        self.outbound.send([SurveyRequest(host=host) for host in sorted(in_use)])
        await run_together(
            {
                "outbox": self.outbound.run(),
                "pool": self.pool.run(),
                "hosts": self.monitor.run(),
                "declarations of hosts": self.declarations.run(),
                "rescheduler": self.rescheduler.run(),
                "drainer": self.drainer.run(),
            }
        )


def build(
    site: Site,
    bus: Bus,
    store: Store,
    *,
    integrations: Mapping[str, Integration] = NO_INTEGRATIONS,
    pillar_of: Compile | None = None,
    faults: Sequence[str] = (),
    clock: Callable[[], float] = time.time,
    probe: Probe | None = None,
    new_id: NewId = random_id,
) -> Components:
    """Return all components of control, with the environments that are active in ``store`` restored.

    ``integrations`` are services that workflows call. ``pillar_of`` compiles the pillar of a host: its
    declarations override the facts that the host reports. ``faults`` are settings that control cannot use;
    every status request shows them. ``clock`` returns seconds since the epoch, ``probe`` probes ports of
    hosts, ``new_id`` draws ids of environments, tasks and requests.

    Raises:
        StorageError: if ``store`` cannot be read.
    """
    base = _base(site, bus, store, pillar_of, clock, new_id)
    environments = _environment_side(base, integrations)
    reports = _report_side(base, environments, probe or PortProbe())
    verbs = _verbs(base, environments, reports, faults)
    environments.restoration.restore()
    return Components(
        bus=bus,
        store=store,
        runs=base.runs,
        clock=clock,
        hosts=base.hosts,
        inventory=base.inventory,
        cordons=base.cordons,
        declarations=base.declarations,
        outbound=base.outbound,
        flushing=base.flushing,
        active=base.active,
        pool=base.pool,
        executor=environments.executor,
        environments=environments.service,
        rescheduler=environments.rescheduler,
        drainer=environments.drainer,
        restoration=environments.restoration,
        monitor=reports.monitor,
        orphans=reports.orphans,
        reports=reports.router,
        dispatcher=RequestDispatcher(verbs),
    )


# --- arguments, hosts, pool -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Base:
    """The arguments of ``build``, and the components that step no environment."""

    site: Site
    bus: Bus
    store: Store
    runs: RunStore
    clock: Callable[[], float]
    new_id: NewId
    threads: RequestThreads
    hosts: HostTable
    inventory: Inventory
    cordons: Cordons
    declarations: HostDeclarations
    outbound: OutboundQueues
    flushing: DeferredFlush
    active: ActiveEnvironments
    pool: PoolService
    changes: ChangeLog

    def timeouts_of(self, plan: Plan) -> Timeouts:
        """Return the limits of the transitions of ``plan``."""
        return timeouts(self.site, plan.variables)

    def view_now(self) -> StalenessView:
        """Return the view of this moment."""
        return StalenessView(self.hosts, self.clock())


def _base(
    site: Site,
    bus: Bus,
    store: Store,
    pillar_of: Compile | None,
    clock: Callable[[], float],
    new_id: NewId,
) -> _Base:
    hosts = HostTable(site.heartbeat_s, site.journal.host_mb_per_hour * MEGABYTE)
    secrets = configuration_of(site).secrets
    inventory, flushing = Inventory(), DeferredFlush(store)
    changes = ChangeLog(epoch=new_id())
    outbound = OutboundQueues(
        bus, mask=secrets.mask, announced=lambda news: changes.record_news(news, clock())
    )
    declarations = HostDeclarations(
        hosts=hosts,
        inventory=inventory,
        store=store,
        flushing=flushing,
        compile_pillar=pillar_of,
    )
    pool = PoolService(
        store=store, inventory=inventory, hosts=hosts, outbound=outbound, limits=site.pool, clock=clock
    )
    return _Base(
        site=site,
        bus=bus,
        store=store,
        runs=RunStore(store),
        clock=clock,
        new_id=new_id,
        threads=RequestThreads(),
        hosts=hosts,
        inventory=inventory,
        cordons=Cordons(inventory=inventory, store=store, clock=clock),
        declarations=declarations,
        outbound=outbound,
        flushing=flushing,
        active=ActiveEnvironments(),
        pool=pool,
        changes=changes,
    )


# --- environments -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _EnvironmentSide:
    executor: EffectExecutor
    modifications: Modifications
    planner: EnvironmentPlanner
    rescheduler: Rescheduler
    drainer: Drainer
    restoration: Restoration
    service: EnvironmentService


def _environment_side(base: _Base, integrations: Mapping[str, Integration]) -> _EnvironmentSide:
    waiters = RequestWaiters()
    executor = EffectExecutor(
        active=base.active,
        store=base.store,
        runs=base.runs,
        flushing=base.flushing,
        inventory=base.inventory,
        hosts=base.hosts,
        pool=base.pool,
        outbound=base.outbound,
        waiters=waiters,
        calls=IntegrationCalls(integrations, services_of(base.site), base.threads),
        changes=base.changes,
        clock=base.clock,
    )
    modifications = Modifications(
        active=base.active, executor=executor, pool=base.pool, store=base.store, waiters=waiters
    )
    planner = EnvironmentPlanner(
        site=base.site,
        inventory=base.inventory,
        pool=base.pool,
        declarations_settled=base.declarations.settled,
        stored=base.active.stored,
        threads=base.threads,
        new_id=base.new_id,
    )
    rescheduler = Rescheduler(
        active=base.active,
        executor=executor,
        modifications=modifications,
        planner=planner,
        pool=base.pool,
        clock=base.clock,
        new_id=base.new_id,
    )
    return _EnvironmentSide(
        executor=executor,
        modifications=modifications,
        planner=planner,
        rescheduler=rescheduler,
        drainer=Drainer(
            active=base.active,
            cordons=base.cordons,
            pool=base.pool,
            rescheduler=rescheduler,
            clock=base.clock,
        ),
        restoration=Restoration(
            active=base.active,
            executor=executor,
            modifications=modifications,
            store=base.store,
            runs=base.runs,
            inventory=base.inventory,
            timeouts_of=base.timeouts_of,
            clock=base.clock,
        ),
        service=EnvironmentService(
            active=base.active,
            executor=executor,
            store=base.store,
            inventory=base.inventory,
            pool=base.pool,
            waiters=waiters,
            timeouts_of=base.timeouts_of,
            clock=base.clock,
        ),
    )


# --- reports of agents ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _ReportSide:
    probe: HostProbe
    monitor: HostMonitor
    orphans: OrphanTracker
    router: ReportRouter


def _report_side(base: _Base, environments: _EnvironmentSide, probe: Probe) -> _ReportSide:
    executor = environments.executor
    renamed = RenamedHosts(
        active=base.active,
        executor=executor,
        pool=base.pool,
        hosts=base.hosts,
        inventory=base.inventory,
        cordons=base.cordons,
        store=base.store,
        outbound=base.outbound,
        clock=base.clock,
    )
    events = HostEvents(
        active=base.active, executor=executor, pool=base.pool, renamed=renamed, clock=base.clock
    )
    host_probe = HostProbe(hosts=base.hosts, inventory=base.inventory, tasks_on=events.tasks_on, probe=probe)
    monitor = HostMonitor(
        hosts=base.hosts,
        inventory=base.inventory,
        probe=host_probe,
        outbound=base.outbound,
        observer=events,
        clock=base.clock,
    )
    orphans = OrphanTracker(active=base.active, pool=base.pool, store=base.store, outbound=base.outbound)
    router = ReportRouter(
        active=base.active,
        executor=executor,
        pool=base.pool,
        hosts=base.hosts,
        inventory=base.inventory,
        declarations=base.declarations,
        monitor=monitor,
        outbound=base.outbound,
        duplicates=DuplicateAgents(
            hosts=base.hosts,
            active=base.active,
            pool=base.pool,
            store=base.store,
            flushing=base.flushing,
            outbound=base.outbound,
        ),
        renamed=renamed,
        orphans=orphans,
        run_numbers=ReportedRunNumbers(runs=base.runs, hosts=base.hosts),
        clock=base.clock,
    )
    return _ReportSide(probe=host_probe, monitor=monitor, orphans=orphans, router=router)


# --- requests ---------------------------------------------------------------------------------------


def _verbs(base: _Base, environments: _EnvironmentSide, reports: _ReportSide, faults: Sequence[str]) -> Verbs:
    """Return the handlers of all verbs."""
    transitions = TransitionRequests(
        environments=environments.service,
        modifications=environments.modifications,
        store=base.store,
        runs=base.runs,
        view_now=base.view_now,
        clock=base.clock,
        new_id=base.new_id,
    )
    return {
        **_environment_verbs(base, environments, reports, transitions),
        **_host_verbs(base, environments.drainer, reports),
        **TaskRequests(
            active=base.active,
            environments=environments.service,
            hosts=base.hosts,
            cordons=base.cordons,
            faults_of_control=lambda: [*faults, *base.store.unread],
            site=base.site,
            threads=base.threads,
            store=base.store,
            bus=base.bus,
            view_now=base.view_now,
            clock=base.clock,
        ).verbs,
        **WatchRequests(active=base.active, changes=base.changes, view_now=base.view_now).verbs,
        **WorkflowRequests(base.site, base.threads).verbs,
        **ConfigurationRequests(base.site, base.threads).verbs,
    }


def _environment_verbs(
    base: _Base, environments: _EnvironmentSide, reports: _ReportSide, transitions: TransitionRequests
) -> Verbs:
    return {
        **EnvironmentRequests(
            active=base.active,
            environments=environments.service,
            planner=environments.planner,
            transitions=transitions,
            pool=base.pool,
            inventory=base.inventory,
            store=base.store,
            threads=base.threads,
            view_now=base.view_now,
            clock=base.clock,
            new_id=base.new_id,
        ).verbs,
        **RunRequests(
            active=base.active,
            store=base.store,
            runs=base.runs,
            transitions=transitions,
            threads=base.threads,
            view_now=base.view_now,
        ).verbs,
        **HistoryRequests(store=base.store, runs=base.runs, threads=base.threads).verbs,
        **RebuildRequests(
            environments=environments.service,
            pool=base.pool,
            orphans=reports.orphans,
            runs=base.runs,
            bus=base.bus,
            view_now=base.view_now,
            clock=base.clock,
        ).verbs,
    }


def _host_verbs(base: _Base, drainer: Drainer, reports: _ReportSide) -> Verbs:
    return {
        **HostRequests(
            active=base.active,
            pool=base.pool,
            hosts=base.hosts,
            inventory=base.inventory,
            cordons=base.cordons,
            drainer=drainer,
            declarations=base.declarations,
            monitor=reports.monitor,
            probe=reports.probe,
            orphans=reports.orphans,
            store=base.store,
            outbound=base.outbound,
            bus=base.bus,
            clock=base.clock,
        ).verbs,
        **MaintenanceRequests(
            hosts=base.hosts, cordons=base.cordons, drainer=drainer, store=base.store
        ).verbs,
        **AgentRequests(HostQuestions(base.bus, base.hosts.known)).verbs,
        **PoolRequests(pool=base.pool, hosts=base.hosts, view_now=base.view_now, clock=base.clock).verbs,
    }
