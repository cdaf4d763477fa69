"""Detect that a machine reports under another minion id, and move its tasks to the new name.

The agent under the new id adopts the processes by their marks; its survey names their tasks. Control moves
them to the new name if four conditions hold (docs/decisions/0051-a-renamed-minion.md):

1. The tasks are planned on another host, by the ids that control drew.
2. Both names have the same address, boot and network namespace (``HostFacts.network``): it is one machine.
3. The new agent knows the secret of the old one's directory (``HostFacts.directory_key``): any process of the
   machine can learn its boot and network, and a job shows the ids of tasks to every minion.
4. The agent under the old name does not report any more. As long as it may report, control changes nothing.

Control logs tasks that do not meet these conditions, and leaves them alone.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from hmac import compare_digest

from salt_o2.control.environments.active import ActiveEnvironment, ActiveEnvironments
from salt_o2.control.environments.effect_executor import EffectExecutor
from salt_o2.control.environments.pool_service import PoolService
from salt_o2.control.hosts.cordons import Cordons
from salt_o2.control.hosts.host_table import HostTable
from salt_o2.control.hosts.outbound_queues import OutboundQueues
from salt_o2.control.storage import host_rows
from salt_o2.control.storage.store import Store
from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.messages.announcements import AnnounceHost
from salt_o2.core.messages.inputs import HostRenamed
from salt_o2.core.messages.reports import HostFacts, Report
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.recovery.host_liveness import AWAY, HostStatus
from salt_o2.core.recovery.replay import HOSTS

log = logging.getLogger(__name__)


class RenamedHosts:
    """Knows which machine has reported under which names."""

    def __init__(
        self,
        *,
        active: ActiveEnvironments,
        executor: EffectExecutor,
        pool: PoolService,
        hosts: HostTable,
        inventory: Inventory,
        cordons: Cordons,
        store: Store,
        outbound: OutboundQueues,
        clock: Callable[[], float],
    ) -> None:
        """Move tasks of ``active`` and ``pool`` from the old name of a machine to the new one."""
        self._active = active
        self._executor = executor
        self._pool = pool
        self._hosts = hosts
        self._inventory = inventory
        self._cordons = cordons
        self._store = store
        self._outbound = outbound
        self._clock = clock
        self._claims: dict[HostId, HostId] = {}
        """New names of machines, by the old name, while the agent under the old name may still report."""

    def check_survey(self, report: Report) -> None:
        """Check the survey of a host for tasks that are planned on another host."""
        self._claims.pop(report.host, None)  # a host that reports is not the old name of a machine
        for old in {self._planned_on(about.task) for about in report.tasks} - {None, report.host}:
            assert old is not None
            if not self._is_same_machine(old, report.facts):
                log.error(
                    "host %s has tasks that are planned on %s and is not the same machine: not changed",
                    report.host,
                    old,
                )
            elif self._hosts.presence(old) in (None, *AWAY):
                self._rename(old, report.host)
            else:
                log.warning("host %s may be the machine of %s, which may still report", report.host, old)
                self._claims[old] = report.host

    def settle(self, host: HostId) -> bool:
        """Return whether the silent or lost ``host`` only has another name; rename it if so."""
        new = self._claims.pop(host, None)
        if new is None or self._hosts.presence(new) is not HostStatus.ACTIVE:
            return False
        self._rename(host, new)
        self._outbound.request_survey(new)
        return True

    def _planned_on(self, task: TaskId) -> HostId | None:
        """Return the host of ``task``; ``None`` if neither an environment nor the pool has the task."""
        if entry := self._pool.pool.entries.get(task):
            return entry.task.host
        owners = (target.environment.model.tasks.tasks.get(task) for target in self._active.values())
        return next((planned.host for planned in owners if planned), None)

    def _is_same_machine(self, old: HostId, facts: HostFacts | None) -> bool:
        before = self._inventory.facts_of(old)
        if before is None or facts is None or not facts.network:
            return False
        if not before.directory_key or not compare_digest(before.directory_key, facts.directory_key):
            return False
        return (before.network, before.address) == (facts.network, facts.address)

    def _rename(self, old: HostId, new: HostId) -> None:
        """Move all tasks of ``old`` to ``new``, and remove the old name."""
        message = HostRenamed(at=self._clock(), old=old, new=new)
        concerned = self._active.on_host(old)
        log.warning("the machine of host %s reports as %s: its tasks are known there now", old, new)
        for target in concerned:
            self._move(target, message)
        self._pool.rename_host(old, new, message.at)
        self._hosts.forget(old)
        self._inventory.forget_host(old)
        self._cordons.rename(old, new)
        self._store.enqueue(host_rows.drop_host(old))
        self._store.append(HOSTS, message)
        self._store.flush()
        self._outbound.announce(
            AnnounceHost(
                host=new,
                status=HostStatus.ACTIVE,
                reason=f"it is the machine that reported as {old}: its tasks are known here now",
                quiet_s=0.0,
                environments=tuple(target.stored.id for target in concerned),
            )
        )

    def _move(self, target: ActiveEnvironment, message: HostRenamed) -> None:
        tasks = target.environment.model.tasks
        moved = [replace(task, host=message.new) for task in tasks.on_host(message.old)]
        self._inventory.release_tasks(target.stored.id, [task.id for task in moved])
        self._inventory.allocate_tasks(target.stored.id, moved)
        overrides = target.stored.overrides
        move = {path: message.new if host == message.old else host for path, host in overrides.move.items()}
        target.stored = replace(target.stored, overrides=replace(overrides, move=move))
        self._executor.step(target, message)
