"""Control: owns all environments and carries out the effects of their state machines.

    requests (control/dispatcher.py) --> Control --step--> core.Environment
    agents' reports (bus)      -->    |  <--effects--
                                      +--> store, bus, request waiters

All code here runs in one asyncio loop and never blocks on a host.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from salt_o2.concurrency.background_loops import run_together
from salt_o2.concurrency.run_all import Apart
from salt_o2.control.environments.duplicate_agents import DuplicateAgents
from salt_o2.control.environments.integration_calls import IntegrationCalls
from salt_o2.control.environments.modifications import Modifications
from salt_o2.control.environments.orphans import OrphanTracker
from salt_o2.control.environments.pool_service import PoolService, PoolTransfer
from salt_o2.control.environments.renamed_hosts import RenamedHosts
from salt_o2.control.environments.request_waiters import RequestWaiters
from salt_o2.control.hosts.bus import Bus
from salt_o2.control.hosts.host_declarations import Compile, HostDeclarations
from salt_o2.control.hosts.host_monitor import HostMonitor
from salt_o2.control.hosts.host_table import HostTable
from salt_o2.control.hosts.outbound_queues import OutboundQueues
from salt_o2.control.storage import host_rows
from salt_o2.control.storage.store import Store
from salt_o2.control.storage.stored import StoredEnvironment
from salt_o2.control.storage.write_behind import DeferredFlush
from salt_o2.core.environment.environment import Environment
from salt_o2.core.ids import EnvironmentId, HostId, TaskId, resolve_prefix, some
from salt_o2.core.messages.announcements import (
    AnnounceFailure,
    AnnounceKilled,
    Announcement,
    AnnounceMoves,
    AnnouncePoolExit,
    AnnounceRecovery,
    AnnounceState,
)
from salt_o2.core.messages.commands import Command, Notice, SurveyRequest
from salt_o2.core.messages.effects import (
    AllocateTaskResources,
    CallIntegration,
    CancelCall,
    ClaimFromPool,
    CompleteRequest,
    Effect,
    EndRun,
    OpenRun,
    ReleaseResources,
    ReleaseTaskResources,
    Reschedule,
    ResendAsJob,
    SendCommand,
    TransferToPool,
)
from salt_o2.core.messages.host_quota import MEGABYTE, cost_of
from salt_o2.core.messages.inputs import (
    CallEnded,
    HostRenamed,
    Input,
    Modified,
    RecoverTask,
    Requested,
    Tick,
)
from salt_o2.core.messages.report_parsing import MOST_FAULTS
from salt_o2.core.messages.reports import HostFacts, Report
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.plan.plan import Plan
from salt_o2.core.plan.timeouts import Timeouts
from salt_o2.core.pool.limits import PoolLimits
from salt_o2.core.recovery import run_number_claims, snapshot, survey_reconciler
from salt_o2.core.recovery.host_liveness import AWAY
from salt_o2.core.recovery.replay import Created, Restarted
from salt_o2.core.states import EnvironmentEvent as _E

log = logging.getLogger(__name__)

ONLY_TELLS = (AnnounceMoves, AnnounceFailure, AnnounceKilled, AnnounceRecovery, ResendAsJob)
"""Effects that change no state: control carries them out before they are on disk."""
DURABLE = (SendCommand, CallIntegration, TransferToPool, ClaimFromPool, OpenRun)
"""Effects that control persists before it carries them out."""
TICK_AGAIN_S = 1.0
WAY_DOWN = frozenset({_E.STOP_ACTIVITY, _E.RESET, _E.EXIT, _E.GO_ERROR})


Watcher = Callable[[Environment], None]
"""Called with an environment after each message that the environment has processed."""


@dataclass(slots=True)
class ActiveEnvironment:
    """An environment with the data that only control needs."""

    stored: StoredEnvironment
    environment: Environment
    watchers: list[Watcher] = field(default_factory=list)
    timer: asyncio.TimerHandle | None = None
    replacing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held during a search for other hosts or ports: searches run one after the other."""
    ports_refused: bool = False
    """Whether an agent has refused to start a task of this environment because of a port."""


class Control:
    """All environments of one master; see the module."""

    def __init__(
        self,
        bus: Bus,
        store: Store,
        *,
        heartbeat_s: float = 5.0,
        clock: Callable[[], float] = time.time,
        limits: Callable[[Plan], Timeouts] = lambda _: Timeouts(),
        caller: IntegrationCalls | None = None,
        pool: PoolLimits = PoolLimits(),  # noqa: B008  a value
        faults: Sequence[str] = (),
        pillar_of: Compile | None = None,
        host_mb_per_hour: float = 0.0,
    ) -> None:
        """Use ``bus`` and ``store``; load the environments that are active in the store.

        ``limits`` bounds the duration of a plan's transitions, ``pool`` the number of tasks in the pool.
        ``faults`` are settings that control cannot use; every status request shows them. ``pillar_of``
        compiles the pillar of a host: its declarations override the facts that the host reports.
        ``host_mb_per_hour`` bounds what one host may add to the journal; 0 is no bound.
        """
        self.bus = bus
        self.store = store
        self.clock = clock
        self.limits = limits
        self._settings_faults = tuple(faults)
        self._caller = caller or IntegrationCalls({})
        self.reshaping = Modifications(self)
        self.hosts = HostTable(heartbeat_s, host_mb_per_hour * MEGABYTE)
        self.inventory = Inventory()
        self.declarations = HostDeclarations(self, pillar_of)
        self.watch = HostMonitor(self)
        self.identities = DuplicateAgents(self)
        self.held: dict[EnvironmentId, ActiveEnvironment] = {}
        self.strays = OrphanTracker(self)
        self._sure_run = store.last_run
        """The highest run number since control started that does not depend on the report of one host."""
        self.renaming = RenamedHosts(self)
        self._outbox = OutboundQueues(bus)
        self.answers = RequestWaiters()
        self.flushing = DeferredFlush(store)
        self._resume: list[tuple[EnvironmentId, Requested | Modified]] = []
        for kept in store.active():
            try:
                self._restore(kept)
            except Exception as error:  # one bad environment must not prevent the load of the next
                store.leave_out(f"environment {kept.id} cannot be taken up: {error!r}; its tasks go on")
        self.pooling = PoolService(self, pool)

    @property
    def faults(self) -> list[str]:
        """Settings and parts of the store that control cannot use, one line each."""
        return [*self._settings_faults, *self.store.unread]

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            LoopEnded: if one of its background loops ended.
        """
        apart = Apart("taking up what a restart of control has cut short")
        for environment, request in self._resume:
            with apart:
                self.step(self.held[environment], request)
        for held in self.held.values():
            self._set_timer(held)
        hosts = {host for held in self.held.values() for host in held.environment.model.tasks.hosts}
        hosts |= self.pooling.hosts
        self.watch.expect(hosts)
        self._outbox.send(
            [SurveyRequest(host=host) for host in sorted(hosts)]
        )  # earlier than their heartbeats
        loops = {"outbox": self._outbox.run(), "pool": self.pooling.run(), "hosts": self.watch.run()}
        await run_together(loops | {"declarations of hosts": self.declarations.run()})

    def find(self, id: str) -> ActiveEnvironment:
        """Return the active environment whose id is or uniquely begins with ``id``.

        Raises:
            UnknownNameError: if no environment matches, or more than one.
        """
        return self.held[resolve_prefix(id, self.held, "living environment", self._alive())]

    def adopt(self, kept: StoredEnvironment, environment: Environment, created: Created) -> ActiveEnvironment:
        """Add a new environment: allocate its resources and persist it, but start nothing.

        The environment owns the tasks that it claims from the pool from now on.

        Raises:
            StorageError: if it cannot be persisted; nothing has changed then.
            PlanError: if a claimed task is no longer in the pool.
        """
        held = ActiveEnvironment(kept, environment)
        self.store.add(kept, *self.pooling.claim_statements(created.claimed, created.at))
        self.pooling.claim(created.claimed)
        self.inventory.allocate(kept.id, kept.plan)
        self.store.append(kept.id, created)
        self.held[kept.id] = held
        return held

    async def request(self, held: ActiveEnvironment, request: Requested) -> None:
        """Request a transition of an environment and wait until it ends.

        Raises:
            IllegalTransitionError: if the state of the environment does not allow it.
            StorageError: if it could not be persisted; events that end an environment are carried out anyway.
            TaskError: if the transition began and failed.
        """
        if not set(request.events) <= WAY_DOWN:
            self.store.ensure_writable()
        await self.answers.wait(request.request, lambda: self.step(held, request))

    def recover(self, held: ActiveEnvironment, task: TaskId, user: str, *, by_hand: bool) -> Sequence[Effect]:
        """Restart a failed task now; return the effects.

        No effect is returned if the task is healthy or is being restarted already.
        """
        return self.step(held, RecoverTask(at=self.clock(), task=task, user=user, by_hand=by_hand))

    def receive_report(self, report: Report) -> None:
        """Apply an agent's report."""
        at = self.clock()
        if not self.identities.is_believed(report, at):
            return
        if not self.hosts.admits(report.host, cost_of(report), at):
            report = replace(report, tasks=(), accepted={}, facts=None)  # a heartbeat with a gap
        environments = {name: held.environment for name, held in self.held.items()}
        if wrong := survey_reconciler.never_given(environments, report):
            report = replace(report, faults=(*report.faults, *wrong[:MOST_FAULTS]))
        if report.facts:
            report = replace(report, facts=self.declarations.settle(report.host, report.facts))
        before = self.hosts.presence(report.host)
        if self.hosts.record_report(report, at) and self.hosts.may_report(report.host, at):
            self.request_survey(report.host)
        self.pooling.apply_report(report, at)
        self.inventory.forget_refused_ports(at)
        if report.facts:
            self.offer(report.host, report.facts)
            self._believe_run_number(report.host, report.facts.last_run)
            log.info("host %s has %d tasks", report.host, len(report.tasks))
            self.renaming.look(report)
            self.strays.process_survey(report, environments)
        if before in AWAY:
            self.watch.host_returned(report.host)
        if foreign := survey_reconciler.foreign(environments, report):
            self.hosts.known[report.host].doubt(foreign)
        self._note_refused_ports(report, at)
        apart = Apart(f"a report of {report.host}")
        for name, moved in survey_reconciler.split_by_environment(environments, report, at).items():
            with apart:
                self.step(self.held[name], moved)
        apart.raise_first()

    def offer(self, host: HostId, facts: HostFacts) -> None:
        """Let plans use ``host`` with ``facts``, as far as the site permits, and persist them."""
        if self.declarations.must_be_written(host, facts):
            self.store.enqueue(*host_rows.put_host(host, facts, self.declarations.declared(host)))
            self.flushing.schedule()
        if self.declarations.may_be_placed_on(host):
            self.inventory.add_host(host, facts)
        else:
            self.inventory.remove_host(host)

    def _believe_run_number(self, host: HostId, claim: int) -> None:
        """Raise the run counter above the run numbers that hosts report, within the limit for one host."""
        if claim <= self.store.last_run:
            return
        claims = {name: known.facts.last_run for name, known in self.hosts.known.items() if known.facts}
        number = run_number_claims.believed(claims, self.store.last_run, self._sure_run)
        if run_number_claims.confirmed(claims, number):
            self._sure_run = number
        self.store.raise_run_counter(number)
        if claim > self.store.last_run:
            self.hosts.known[host].doubt(run_number_claims.why(claim, self.store.last_run))

    def _note_refused_ports(self, report: Report, at: float) -> None:
        """Exclude ports that the agent found in use from the next plans, including those of this step."""
        for about in report.tasks:
            held = self.held.get(about.environment)
            planned = held.environment.model.tasks.tasks.get(about.task) if held else None
            if (
                held
                and planned
                and planned.host == report.host
                and about.failure
                and about.failure.taken_ports
            ):
                held.ports_refused = True
                self.inventory.refuse_ports(report.host, about.failure.taken_ports, planned.ports, at)

    def send(self, commands: Sequence[Command]) -> None:
        """Send ``commands`` on the publish channel."""
        self._outbox.send(commands)

    def resend(self, command: Command) -> None:
        """Resend ``command`` as a Salt job."""
        log.warning("%s has not acknowledged: sending it a Salt job", command.host)
        self._outbox.resend(command)

    def announce(self, news: Announcement) -> None:
        """Queue an announcement for the event bus."""
        self._outbox.announce(news)

    def announce_host(self, notice: Notice) -> None:
        """Notify an agent whether control accepts its reports."""
        self._outbox.send([notice])

    def request_survey(self, host: HostId) -> None:
        """Request a survey from the agent on ``host``."""
        self._outbox.send([SurveyRequest(host=host)])

    def step(self, held: ActiveEnvironment, message: Input) -> Sequence[Effect]:
        """Let an environment process a message, carry out the effects, and return them.

        Control sends commands and sets the timer even if it cannot carry out one of the effects.

        Raises:
            Exception: the error of the first effect that failed.
        """
        environment = held.environment
        effects = environment.step(message)
        transfers = self.pooling.plan_transfers(effects, message.at)
        self._persist(held, message, effects, transfers)
        apart = Apart(f"a step of {environment.model.id}")
        for effect in effects:
            with apart:
                self._carry_out(held, effect, transfers)
        self._outbox.send([effect.command for effect in effects if isinstance(effect, SendCommand)])
        for watcher in tuple(held.watchers):
            with apart:
                watcher(environment)
        self._set_timer(held)
        apart.raise_first()
        return effects

    def _persist(
        self,
        held: ActiveEnvironment,
        message: Input,
        effects: Sequence[Effect],
        transfers: Sequence[PoolTransfer],
    ) -> None:
        # Control persists effects before it carries them out. Reports may be persisted a moment later: if
        # control is killed before that, it resumes the transition after its restart, and the tasks are
        # already in the reported states.
        environment, renamed = held.environment, isinstance(message, HostRenamed)
        if renamed:
            held.stored = replace(held.stored, plan=environment.model.plan)
        kept = held.stored
        self.store.append(environment.model.id, message, effects)
        self.pooling.record_transfers(transfers, message)
        if renamed or not all(isinstance(effect, ONLY_TELLS) for effect in effects):
            ended = message.at if any(isinstance(effect, ReleaseResources) for effect in effects) else None
            self._write_runs(environment.model.id, message, effects)
            durable = renamed or any(isinstance(effect, DURABLE) for effect in effects)
            exchanged = isinstance(message, Modified | HostRenamed)
            changed = {"plan": kept.plan, "overrides": kept.overrides} if exchanged else {}
            self.store.save(
                environment.model.id, snapshot.take(environment), ended, durable=durable, **changed
            )
        self.flushing.schedule()

    def _write_runs(self, environment: EnvironmentId, message: Input, effects: Sequence[Effect]) -> None:
        """Begin and end runs in the transaction that changes the state of their environment."""
        for effect in effects:
            if isinstance(effect, OpenRun):
                self.store.open_run(effect.run_number, environment, effect.started, effect.user)
            elif isinstance(effect, EndRun):
                self.store.end_run(effect.run_number, message.at)

    def _carry_out(self, held: ActiveEnvironment, effect: Effect, transfers: Sequence[PoolTransfer]) -> None:
        match effect:
            case SendCommand():
                pass  # all commands of a step are sent together, see step
            case ResendAsJob(command=command):
                self.resend(command)
            case CallIntegration():
                self._caller.start(effect, partial(self._end_call, held))
            case CancelCall(call=call):
                self._caller.cancel(held.stored.id, call)
            case Reschedule(tasks=tasks, ports=ports):
                self.reshaping.find_other_places(held, tasks, ports=ports)
            case AnnounceState():
                log.info("environment %s is %s %s", effect.environment, effect.state, effect.reason)
                self._outbox.announce(effect)
            case (
                AnnounceMoves()
                | AnnounceFailure()
                | AnnounceKilled()
                | AnnounceRecovery()
                | AnnouncePoolExit()
            ):
                self._outbox.announce(effect)
            case CompleteRequest(request=request, error=error):
                self.answers.complete(request, error)
            case OpenRun() | EndRun():
                pass  # persisted already, see _write_runs
            case TransferToPool() | ClaimFromPool():
                self.pooling.apply_transfer(next(each for each in transfers if each.cause is effect))
            case AllocateTaskResources(environment=environment, tasks=tasks):
                registered = held.environment.model.tasks.tasks
                planned = [registered[task] for task in tasks if task in registered]
                self.inventory.allocate_tasks(environment, planned)
            case ReleaseTaskResources(environment=environment, tasks=tasks):
                self.inventory.release_tasks(environment, tasks)
            case ReleaseResources(environment=environment):
                self.inventory.release(environment)
                self._remove(held)

    def _end_call(self, held: ActiveEnvironment, call: str, result: str, error: str) -> None:
        if held.stored.id in self.held:
            self.step(held, CallEnded(at=self.clock(), call=call, result=result, error=error))

    def _remove(self, held: ActiveEnvironment) -> None:
        del self.held[held.stored.id]

    def _set_timer(self, held: ActiveEnvironment) -> None:
        if held.timer:
            held.timer.cancel()
            held.timer = None
        wake_at = held.environment.wake_at
        if wake_at is not None:
            delay = max(0.0, wake_at - self.clock())
            held.timer = asyncio.get_running_loop().call_later(delay, self._tick, held)

    def _tick(self, held: ActiveEnvironment) -> None:
        held.timer = None
        try:
            self.step(held, Tick(at=self.clock()))
        except Exception:  # an environment without time would wait forever
            log.exception(
                "environment %s: the tick failed; trying again in %g s", held.stored.id, TICK_AGAIN_S
            )
            held.timer = asyncio.get_running_loop().call_later(TICK_AGAIN_S, self._tick, held)

    def _restore(self, kept: StoredEnvironment) -> None:
        limits, at = self.limits(kept.plan), self.clock()
        environment = snapshot.restore(kept.id, kept.plan, kept.snapshot, limits)
        request = snapshot.resume(kept.snapshot, kept.plan, at)
        self.held[kept.id] = ActiveEnvironment(kept, environment)
        self.inventory.allocate_tasks(kept.id, environment.model.tasks.tasks.values())
        self.reshaping.record_failed_joins_later(self.held[kept.id])
        self.store.append(kept.id, Restarted(at=at))
        if request:
            self._resume.append((kept.id, request))

    def _alive(self) -> str:
        return f"; there are: {some(self.held)}" if self.held else "; there is none"
