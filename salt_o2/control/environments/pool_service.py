"""Own the pool: persist it, carry out its decisions, transfer tasks from and to environments."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Executable

from salt_o2.concurrency.run_all import Apart
from salt_o2.control.hosts.host_table import HostTable
from salt_o2.control.hosts.outbound_queues import OutboundQueues
from salt_o2.control.storage import pool_rows
from salt_o2.control.storage.store import Store
from salt_o2.core.errors import PlanError
from salt_o2.core.ids import POOL, EnvironmentId, HostId, TaskId
from salt_o2.core.messages.commands import Command
from salt_o2.core.messages.effects import (
    ClaimFromPool,
    Effect,
    PoolTransferEffect,
    ResendAsJob,
    SendCommand,
    TransferToPool,
)
from salt_o2.core.messages.inputs import Input, Requested, TasksMoved, Tick
from salt_o2.core.messages.reports import Report
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.plan.plan import PlannedTask
from salt_o2.core.pool.entries import PoolEffect, PoolEntry, RemoveEntry, StoreEntry
from salt_o2.core.pool.limits import PoolLimits
from salt_o2.core.pool.pool import Pool
from salt_o2.core.recovery.host_liveness import HostStatus
from salt_o2.core.states import EnvironmentEvent

log = logging.getLogger(__name__)
CHECK_S = 1.0
"""Seconds between two checks of the limits of the pool."""


@dataclass(frozen=True, slots=True)
class PoolTransfer:
    """Tasks that one step of an environment transfers to the pool or claims from it."""

    cause: PoolTransferEffect
    """The effect of the environment that causes the transfer."""
    effects: tuple[PoolEffect, ...]
    """The effects of the pool, to be carried out once the transfer is on disk."""


class PoolService:
    """The pool of one control process."""

    def __init__(
        self,
        *,
        store: Store,
        inventory: Inventory,
        hosts: HostTable,
        outbound: OutboundQueues,
        limits: PoolLimits,
        clock: Callable[[], float],
    ) -> None:
        """Load the pool from ``store`` and allocate its resources in ``inventory``."""
        self._store = store
        self._inventory = inventory
        self._hosts = hosts
        self._outbound = outbound
        self._clock = clock
        self.pool = Pool(limits, pool_rows.pool_entries(store))
        inventory.allocate_tasks(POOL, [entry.task for entry in self.pool.entries.values()])
        self._left = asyncio.Event()

    @property
    def hosts(self) -> set[HostId]:
        """The hosts that have tasks in the pool."""
        return {entry.task.host for entry in self.pool.entries.values()}

    def tasks_on(self, host: HostId) -> list[PlannedTask]:
        """Return the tasks of the pool on ``host``. O(tasks of the pool)."""
        return [entry.task for entry in self.pool.entries.values() if entry.task.host == host]

    async def run(self) -> None:
        """Enforce the limits of the pool and resend unacknowledged commands, until cancelled."""
        while True:
            await asyncio.sleep(CHECK_S)
            if self.pool.entries:
                at = self._clock()
                self._carry_out(Tick(at=at), self.pool.tick(at, self._inventory.hosts))

    # --- transfers from and to an environment ---------------------------------------------------

    def plan_transfers(self, effects: Iterable[Effect], at: float) -> list[PoolTransfer]:
        """Return the pool transfers that ``effects`` of one step of an environment cause, in order.

        The caller records the transfers on disk with the step, and applies each afterwards.
        """
        transfers: list[PoolTransfer] = []
        for effect in effects:
            if isinstance(effect, TransferToPool):
                pool_effects = self.pool.accept(
                    effect.left, effect.environment, effect.revision, at, effect.user
                )
                transfers.append(PoolTransfer(effect, tuple(pool_effects)))
            elif isinstance(effect, ClaimFromPool):
                transfers.append(PoolTransfer(effect, tuple(self.pool.claim(effect.tasks))))
        return transfers

    def record_transfers(self, transfers: Iterable[PoolTransfer], message: Input) -> None:
        """Add ``transfers`` to the database transaction that ``message`` causes."""
        for transfer in transfers:
            if isinstance(transfer.cause, TransferToPool):
                self._append(message, [transfer.cause, *transfer.effects])
            self._queue(transfer.effects, message.at)

    def apply_transfer(self, transfer: PoolTransfer) -> None:
        """Carry out a transfer that is on disk."""
        if isinstance(transfer.cause, TransferToPool):
            cause = transfer.cause
            tasks = [task for task, _ in cause.left]
            self._inventory.release_tasks(cause.environment, cause.tasks)
            self._inventory.allocate_tasks(POOL, tasks)
            log.info("the pool has %d more tasks, of environment %s", len(tasks), cause.environment)
        self._send(transfer.effects)

    def claimable(self) -> list[PlannedTask]:
        """Return the tasks that a plan can claim now."""
        return [entry.task for entry in self.pool.claimable(self._inventory.accepting())]

    def transferred_by(self, environment: EnvironmentId) -> list[TaskId]:
        """Return the tasks that ``environment`` transferred to the pool and that are still there."""
        return [entry.task.id for entry in self.pool.waiting if entry.origin == environment]

    def revision_of(self, tasks: Iterable[TaskId]) -> int:
        """Return the highest revision of the commands for ``tasks``; 0 if there is none."""
        return max((self.pool.entries[task].revision for task in tasks), default=0)

    def ensure_claimable(self, tasks: Collection[TaskId]) -> None:
        """Ensure that ``tasks`` can be claimed now.

        Raises:
            PlanError: if one of them can no longer be claimed.
        """
        if unavailable := self._not_free(tasks):
            raise PlanError(
                f"tasks {', '.join(sorted(unavailable))} are no longer in the pool: make a new plan"
            )

    def are_free(self, tasks: Collection[TaskId]) -> bool:
        """Return whether all of ``tasks`` can be claimed now."""
        return not tasks or not self._not_free(tasks)

    def _not_free(self, tasks: Collection[TaskId]) -> set[TaskId]:
        return set(tasks) - {entry.task.id for entry in self.pool.claimable(self._inventory.accepting())}

    def claim_statements(self, tasks: Collection[TaskId], at: float) -> list[Executable]:
        """Return the statements that record on disk that ``tasks`` leave the pool for an environment.

        Raises:
            PlanError: if one of them can no longer be claimed.
        """
        self.ensure_claimable(tasks)
        if tasks:
            self._store.flush()  # the entries may not be committed yet
        return [pool_rows.drop_pool_entry(task, at) for task in tasks]

    def claim(self, tasks: Iterable[TaskId]) -> None:
        """Remove ``tasks`` from the pool; the claim is on disk already."""
        for effect in self.pool.claim(tasks):
            if isinstance(effect, RemoveEntry):
                self._inventory.release_tasks(POOL, [effect.task])

    def rebuild(self, tasks: Sequence[tuple[PlannedTask, int]], at: float) -> None:
        """Add tasks, with their revisions, that this store has lost. No command is sent."""
        entries = [PoolEntry(task=task, origin=POOL, revision=revision, since=at) for task, revision in tasks]
        self._inventory.allocate_tasks(POOL, [task for task, _ in tasks])
        self._queue(self.pool.adopt(entries), at)
        self._store.flush()

    def rename_host(self, old: HostId, new: HostId, at: float) -> None:
        """Move the tasks of host ``old`` to host ``new``. No command is sent to an agent."""
        found = [entry for entry in self.pool.entries.values() if entry.task.host == old]
        if found:
            moved = [replace(entry, task=replace(entry.task, host=new)) for entry in found]
            self._inventory.release_tasks(POOL, [entry.task.id for entry in found])
            self._inventory.allocate_tasks(POOL, [entry.task for entry in moved])
            self._queue(self.pool.adopt(moved), at)

    # --- reports of agents and requests of users ------------------------------------------------

    def apply_report(self, report: Report, at: float) -> None:
        """Apply an agent's report to the tasks in the pool."""
        if not self.pool.entries:
            return
        known = tuple(about for about in report.tasks if about.task in self.pool.entries)
        effects = self.pool.apply_report(report, at)
        self._carry_out(TasksMoved(at=at, host=report.host, reports=known), effects)

    def has_owned(self, command: Command) -> bool:
        """Return whether ``command`` stops tasks that are or were in this pool, not in another store."""
        return command.environment == POOL and all(
            pool_rows.knows(self._store, order.task) for order in command.orders
        )

    async def stop(self, tasks: Collection[TaskId], reason: str, user: str, timeout_s: float) -> set[TaskId]:
        """Stop ``tasks`` and wait until they have ended; return the tasks that remain after ``timeout_s``.

        Tasks on a lost host are removed at once. Tasks on a host that does not report are not waited for.
        """
        at, hosts = self._clock(), self._inventory.hosts
        places = {task: self.pool.entries[task].task.host for task in tasks}
        lost = [task for task, host in places.items() if self._is_lost(host)]
        asked = Requested(at=at, request="", events=(EnvironmentEvent.EXIT,), user=user, reason=reason)
        self._carry_out(asked, [*self.pool.stop(tasks, reason, at), *self.pool.forget(lost)])
        awaited = {task for task, host in places.items() if host in hosts}
        try:
            async with asyncio.timeout(timeout_s):
                while self.pool.entries.keys() & awaited:
                    self._left.clear()
                    await self._left.wait()
        except TimeoutError:
            pass
        return self.pool.entries.keys() & set(tasks)

    # --- implementation -------------------------------------------------------------------------

    def _is_lost(self, host: HostId) -> bool:
        return self._hosts.presence(host) is HostStatus.LOST

    def _carry_out(self, message: Input, effects: Sequence[PoolEffect]) -> None:
        if not effects:
            return
        self._append(message, effects)
        self._queue(effects, message.at)
        if any(isinstance(effect, StoreEntry | RemoveEntry) for effect in effects):
            self._store.flush()
        self._send(effects)

    def _append(self, message: Input, effects: Sequence[PoolEffect | TransferToPool]) -> None:
        noted = [effect for effect in effects if not isinstance(effect, StoreEntry | RemoveEntry)]
        self._store.append(POOL, message, noted)

    def _queue(self, effects: Iterable[PoolEffect], at: float) -> None:
        for effect in effects:
            if isinstance(effect, StoreEntry):
                self._store.enqueue(*pool_rows.put_pool_entry(effect.entry))
            elif isinstance(effect, RemoveEntry):
                self._store.enqueue(pool_rows.drop_pool_entry(effect.task, at))

    def _send(self, effects: Sequence[PoolEffect]) -> None:
        apart = Apart("a step of the pool")
        for effect in effects:
            with apart:
                self._do(effect)
        self._outbound.send([effect.command for effect in effects if isinstance(effect, SendCommand)])
        apart.raise_first()

    def _do(self, effect: PoolEffect) -> None:
        match effect:
            case StoreEntry() | SendCommand():
                pass  # StoreEntry is on disk already; commands are sent together
            case RemoveEntry(task=task):
                self._inventory.release_tasks(POOL, [task])
                self._left.set()
            case ResendAsJob(command=command):
                self._outbound.resend(command)
            case announcement:
                self._outbound.announce(announcement)
