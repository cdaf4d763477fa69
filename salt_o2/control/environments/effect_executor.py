"""The only place that steps an environment: persist its effects, carry them out, notify the watchers.

    message --> EffectExecutor.step --> core.Environment.step --> effects
                                        1. persist    store, pool        a restart of control repeats nothing
                                        2. carry out  inventory, pool, bus, calls, request waiters
                                        3. notify     watchers, change log; then the timer

All code here runs in one asyncio loop and never blocks on a host. An effect that requests other hosts or
ports is queued in ``reschedules``: the search awaits threads, and ends with another step.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from salt_o2.concurrency.run_all import Apart
from salt_o2.control.environments.active import ActiveEnvironment, ActiveEnvironments
from salt_o2.control.environments.change_log import ChangeLog
from salt_o2.control.environments.integration_calls import IntegrationCalls
from salt_o2.control.environments.pool_service import PoolService, PoolTransfer
from salt_o2.control.environments.request_waiters import RequestWaiters
from salt_o2.control.hosts.host_table import HostTable
from salt_o2.control.hosts.outbound_queues import OutboundQueues
from salt_o2.control.storage.run_store import RunStore
from salt_o2.control.storage.store import Store
from salt_o2.control.storage.write_behind import DeferredFlush
from salt_o2.core.ids import EnvironmentId
from salt_o2.core.messages.announcements import (
    AnnounceFailure,
    AnnounceKilled,
    AnnounceMoves,
    AnnouncePoolExit,
    AnnounceRecovery,
    AnnounceState,
)
from salt_o2.core.messages.effects import (
    AllocateTaskResources,
    BeginInterruptions,
    CallIntegration,
    CancelCall,
    ClaimFromPool,
    CompleteRequest,
    Effect,
    EndInterruptions,
    EndRun,
    OpenRun,
    ReleaseResources,
    ReleaseTaskResources,
    Reschedule,
    ResendAsJob,
    SendCommand,
    TransferToPool,
)
from salt_o2.core.messages.inputs import CallEnded, HostRenamed, Input, Modified, Tick
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.recovery import snapshot

log = logging.getLogger(__name__)

STATELESS = (
    AnnounceMoves,
    AnnounceFailure,
    AnnounceKilled,
    AnnounceRecovery,
    ResendAsJob,
    BeginInterruptions,
    EndInterruptions,
)
"""Effects that change no snapshot: a step that has only these does not store the environment again."""
DURABLE = (SendCommand, CallIntegration, TransferToPool, ClaimFromPool, OpenRun)
"""Effects that control commits to disk before it carries them out."""
TICK_AGAIN_S = 1.0
"""Seconds until control repeats a timer whose step failed."""


@dataclass(frozen=True, slots=True)
class RescheduleRequest:
    """Tasks of an environment that need other hosts, or only other ports."""

    target: ActiveEnvironment
    effect: Reschedule


class EffectExecutor:
    """Steps environments and carries out their effects."""

    def __init__(
        self,
        *,
        active: ActiveEnvironments,
        store: Store,
        runs: RunStore,
        flushing: DeferredFlush,
        inventory: Inventory,
        hosts: HostTable,
        pool: PoolService,
        outbound: OutboundQueues,
        waiters: RequestWaiters,
        calls: IntegrationCalls,
        changes: ChangeLog,
        clock: Callable[[], float],
    ) -> None:
        """Step the environments in ``active``; ``clock`` returns the time in seconds since the epoch."""
        self._active = active
        self._store = store
        self._runs = runs
        self._flushing = flushing
        self._inventory = inventory
        self._hosts = hosts
        self._pool = pool
        self._outbound = outbound
        self._waiters = waiters
        self._calls = calls
        self._changes = changes
        self._clock = clock
        self.reschedules: asyncio.Queue[RescheduleRequest] = asyncio.Queue()
        """Requested searches for other hosts or ports; environments/rescheduling.py carries them out."""

    def step(self, target: ActiveEnvironment, message: Input) -> Sequence[Effect]:
        """Let an environment process ``message``, carry out the effects, and return them.

        Control sends commands and sets the timer even if it cannot carry out one of the effects.

        Raises:
            O2Error: if the environment refuses ``message``; then nothing has changed.
            Exception: the error of the first effect that failed.
        """
        environment = target.environment
        participation = environment.model.tasks.participation
        version, failure = participation.version, environment.model.incidents.last_failure
        effects = environment.step(message)
        transfers = self._pool.plan_transfers(effects, message.at)
        changed = participation.version != version
        changed = changed or environment.model.incidents.last_failure is not failure
        self._persist(target, message, effects, transfers, changed=changed)
        apart = Apart(f"a step of {environment.model.id}")
        for effect in effects:
            with apart:
                self._carry_out(target, effect, transfers)
        self._outbound.send([effect.command for effect in effects if isinstance(effect, SendCommand)])
        for watcher in tuple(target.watchers):
            with apart:
                watcher(environment)
        self._record_changes(target, message)
        self.set_timer(target)
        apart.raise_first()
        return effects

    # --- 1. persist -----------------------------------------------------------------------------

    def _persist(
        self,
        target: ActiveEnvironment,
        message: Input,
        effects: Sequence[Effect],
        transfers: Sequence[PoolTransfer],
        *,
        changed: bool,
    ) -> None:
        """Store the journal, and the environment if an effect or a changed participation needs it."""
        # Control persists effects before it carries them out. Reports may be persisted a moment later: if
        # control is killed before that, it resumes the transition after its restart, and the tasks are
        # already in the reported states.
        environment = target.environment
        has_other_plan = self._replace_plan(target, message)
        self._store.append(environment.model.id, message, effects)
        self._pool.record_transfers(transfers, message)
        self._write_runs(environment.model.id, message, effects)
        if has_other_plan or changed or not all(isinstance(effect, STATELESS) for effect in effects):
            ended = message.at if any(isinstance(effect, ReleaseResources) for effect in effects) else None
            durable = isinstance(message, HostRenamed) or any(isinstance(each, DURABLE) for each in effects)
            stored = target.stored
            columns = {"plan": stored.plan, "overrides": stored.overrides} if has_other_plan else {}
            self._store.save(
                environment.model.id, snapshot.capture(environment), ended, durable=durable, **columns
            )
        self._flushing.schedule()

    def _replace_plan(self, target: ActiveEnvironment, message: Input) -> bool:
        """Give ``target`` the plan and the overrides of ``message``; return whether it has any."""
        match message:
            case Modified(plan=plan, overrides=overrides):
                target.stored = replace(
                    target.stored,
                    plan=plan,
                    overrides=target.stored.overrides if overrides is None else overrides,
                )
            case HostRenamed():
                target.stored = replace(target.stored, plan=target.environment.model.plan)
            case _:
                return False
        return True

    def _write_runs(self, environment: EnvironmentId, message: Input, effects: Sequence[Effect]) -> None:
        """Record runs in the transaction that changes the state of their environment."""
        for effect in effects:
            if isinstance(effect, OpenRun):
                self._runs.open_run(effect.run_number, environment, effect.started, effect.user)
            elif isinstance(effect, EndRun):
                self._runs.end_run(effect, message.at)
            elif isinstance(effect, BeginInterruptions):
                self._runs.begin_interruptions(effect)
            elif isinstance(effect, EndInterruptions):
                self._runs.end_interruptions(effect)

    # --- 2. carry out ---------------------------------------------------------------------------

    def _carry_out(
        self, target: ActiveEnvironment, effect: Effect, transfers: Sequence[PoolTransfer]
    ) -> None:
        match effect:
            case SendCommand():
                pass  # all commands of a step are sent together, see step
            case ResendAsJob(command=command):
                self._outbound.resend(command)
            case CallIntegration():
                self._calls.start(effect, partial(self._end_call, target))
            case CancelCall(call=call):
                self._calls.cancel(target.stored.id, call)
            case Reschedule():
                self.reschedules.put_nowait(RescheduleRequest(target, effect))
            case AnnounceState():
                log.info("environment %s is %s %s", effect.environment, effect.state, effect.reason)
                self._outbound.announce(effect)
            case (
                AnnounceMoves()
                | AnnounceFailure()
                | AnnounceKilled()
                | AnnounceRecovery()
                | AnnouncePoolExit()
            ):
                self._outbound.announce(effect)
            case CompleteRequest(request=request, error=error):
                self._waiters.complete(request, error)
            case OpenRun() | EndRun() | BeginInterruptions() | EndInterruptions():
                pass  # persisted already, see _write_runs
            case TransferToPool() | ClaimFromPool():
                self._pool.apply_transfer(next(each for each in transfers if each.cause is effect))
            case AllocateTaskResources(environment=environment, tasks=tasks):
                registered = target.environment.model.tasks.tasks
                planned = [registered[task] for task in tasks if task in registered]
                self._inventory.allocate_tasks(environment, planned)
            case ReleaseTaskResources(environment=environment, tasks=tasks):
                self._inventory.release_tasks(environment, tasks)
            case ReleaseResources(environment=environment):
                self._inventory.release(environment)
                # The last command may be lost: a survey then shows the tasks that still run, as orphans.
                for host in target.environment.model.tasks.unconfirmed_hosts():
                    self._hosts.require_survey(host)
                del self._active[target.stored.id]

    def _end_call(self, target: ActiveEnvironment, call: str, result: str, error: str) -> None:
        if target.stored.id in self._active:
            self.step(target, CallEnded(at=self._clock(), call=call, result=result, error=error))

    # --- 3. notify ------------------------------------------------------------------------------

    def _record_changes(self, target: ActiveEnvironment, message: Input) -> None:
        id = target.stored.id
        changed = target.environment.model.tasks.take_changed()
        if id in self._active:
            self._changes.record_step(id, changed, new_plan=isinstance(message, Modified | HostRenamed))
        else:
            self._changes.record_end(id)

    # --- the next deadline ----------------------------------------------------------------------

    def set_timer(self, target: ActiveEnvironment) -> None:
        """Wake ``target`` at its next deadline, if it has one."""
        if target.timer:
            target.timer.cancel()
            target.timer = None
        wake_at = target.environment.wake_at
        if wake_at is not None:
            delay = max(0.0, wake_at - self._clock())
            target.timer = asyncio.get_running_loop().call_later(delay, self._tick, target)

    def _tick(self, target: ActiveEnvironment) -> None:
        target.timer = None
        try:
            self.step(target, Tick(at=self._clock()))
        except Exception:  # an environment without a timer would wait forever
            log.exception(
                "environment %s: the tick failed; trying again in %g s", target.stored.id, TICK_AGAIN_S
            )
            target.timer = asyncio.get_running_loop().call_later(TICK_AGAIN_S, self._tick, target)
