"""Drain hosts: move their tasks to other hosts, and stop their tasks of the pool.

core/tasks/draining.py decides which tasks leave now. A move is a modification of the environment, requested
by the user who drains the host. Control looks again when a cordon changes, and every ``CHECK_S`` seconds
while a host is drained: runs end, and other hosts get room.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from salt_o2.concurrency.background_loops import spawn
from salt_o2.control.environments.active import ActiveEnvironment, ActiveEnvironments
from salt_o2.control.environments.pool_service import PoolService
from salt_o2.control.environments.rescheduling import Rescheduler
from salt_o2.control.hosts.cordons import Cordons
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.placement.cordon import Cordon
from salt_o2.core.plan.plan import Plan
from salt_o2.core.states import EnvironmentState
from salt_o2.core.tasks.draining import DrainStep, drain_step

log = logging.getLogger(__name__)
CHECK_S = 1.0
"""Seconds between two checks while a host is drained."""
RETRY_S = 30.0
"""Seconds until control tries again to move tasks that found no room."""
POOL_S = 60.0
"""Seconds that control waits for the end of tasks of the pool, before it asks again."""
MOVING = "they are being moved"
NAMED = 5
"""Roles that a description of a drained host names at most."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """The last attempt to move tasks of an environment: when, from which state, and why tasks stayed."""

    at: float
    state: EnvironmentState
    plan: Plan
    cordons: Collection[Cordon]
    staying: dict[TaskId, str]


class Drainer:
    """Moves the tasks of drained hosts."""

    def __init__(
        self,
        *,
        active: ActiveEnvironments,
        cordons: Cordons,
        pool: PoolService,
        rescheduler: Rescheduler,
        clock: Callable[[], float],
    ) -> None:
        """Drain the hosts that ``cordons`` names."""
        self._active = active
        self._cordons = cordons
        self._pool = pool
        self._rescheduler = rescheduler
        self._clock = clock
        self._moving: set[EnvironmentId] = set()
        self._attempts: dict[EnvironmentId, _Attempt] = {}
        self._work: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def run(self) -> None:
        """Check drained hosts repeatedly, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_S if self._cordons.draining() else None):
                    await self._cordons.changed.wait()
            self._cordons.changed.clear()
            self.check()

    def check(self) -> None:
        """Start all moves that are possible now. O(environments x drained hosts + tasks on them)."""
        draining = self._cordons.draining()
        for target in self._targets(draining):
            if target.stored.id not in self._moving and self._is_due(target, draining):
                self._moving.add(target.stored.id)
                spawn(f"the drain of hosts of {target.stored.id}", self._move(target), self._work)
        self._attempts = {id: attempt for id, attempt in self._attempts.items() if id in self._active}
        pooled = [task.id for host in draining for task in self._pool.tasks_on(host)]
        if pooled and not self._stopping:
            self._stopping = True
            user = next(cordon.user for cordon in draining.values())
            spawn("the stop of pool tasks on drained hosts", self._stop(pooled, user), self._work)

    async def settled(self) -> None:
        """Wait until everything that can be moved now has been moved."""
        self.check()
        while self._work:
            await asyncio.wait(tuple(self._work))
            self.check()

    async def drained(self, hosts: Collection[HostId]) -> None:
        """Wait until no task is on ``hosts``, or until they are no longer drained."""
        while any(self.left_on(host) for host in hosts if host in self._cordons.draining()):
            await asyncio.sleep(CHECK_S)

    def left_on(self, host: HostId) -> list[dict[str, Any]]:
        """Return the tasks that are on ``host``, by owner and by the reason why they stay.

        Each has ``environment``, ``state``, ``run_number``, ``tasks`` (their number), ``roles`` (the first of
        their paths) and ``why``.
        """
        draining = self._cordons.draining()
        found = [
            self._described(target, tasks, why)
            for target in self._active.on_host(host)
            for why, tasks in self._reasons(target, host, draining).items()
        ]
        if pooled := self._pool.tasks_on(host):
            roles = [task.path for task in pooled[:NAMED]]
            pool = {"environment": "pool", "state": None, "run_number": None, "tasks": len(pooled)}
            found.append(pool | {"roles": roles, "why": "they are being stopped"})
        return found

    # --- moves ----------------------------------------------------------------------------------

    def _targets(self, hosts: Collection[HostId]) -> list[ActiveEnvironment]:
        found = {target.stored.id: target for host in hosts for target in self._active.on_host(host)}
        return list(found.values())

    def _is_due(self, target: ActiveEnvironment, draining: Mapping[HostId, Cordon]) -> bool:
        """Return whether tasks of ``target`` may leave now, and no equal attempt was made a moment ago."""
        if not self._step_of(target, draining).leaving:
            return False
        model, last = target.environment.model, self._attempts.get(target.stored.id)
        if last is None or last.cordons != [*draining.values()]:
            return True
        same = last.state is model.state and last.plan is model.plan
        return not same or self._clock() - last.at >= RETRY_S

    def _step_of(self, target: ActiveEnvironment, draining: Mapping[HostId, Cordon]) -> DrainStep:
        model = target.environment.model
        gentle = [host for host, cordon in draining.items() if cordon.after_runs]
        steps = [
            drain_step(
                model.tasks,
                model.state,
                hosts,
                in_transition=model.active is not None,
                after_runs=after_runs,
            )
            for after_runs, hosts in ((True, gentle), (False, draining.keys() - set(gentle)))
        ]
        return DrainStep(
            tuple(task for step in steps for task in step.leaving),
            {task: why for step in steps for task, why in step.staying.items()},
        )

    async def _move(self, target: ActiveEnvironment) -> None:
        id, draining, staying = target.stored.id, self._cordons.draining(), {}
        hosts = sorted(draining.keys() & set(target.environment.model.tasks.hosts))
        user = ", ".join(dict.fromkeys(draining[host].user for host in hosts if draining[host].user))
        reason = f"drain of {', '.join(hosts[:NAMED])}{', ...' if len(hosts) > NAMED else ''}"
        try:
            staying = await self._rescheduler.move_away(
                target,
                lambda: self._step_of(target, self._cordons.draining()).leaving,
                user=user,
                reason=reason,
            )
        except Exception as error:
            staying = dict.fromkeys(self._step_of(target, draining).leaving, f"internal error: {error!r}")
            raise
        finally:
            model = target.environment.model
            self._attempts[id] = _Attempt(
                self._clock(), model.state, model.plan, [*draining.values()], staying
            )
            self._moving.discard(id)
            for why in dict.fromkeys(staying.values()):
                log.warning("environment %s: tasks stay on a drained host: %s", id, why)

    async def _stop(self, tasks: Collection[TaskId], user: str) -> None:
        try:
            await self._pool.stop(tasks, "their host is drained", user, POOL_S)
        finally:
            self._stopping = False

    # --- description ----------------------------------------------------------------------------

    def _reasons(
        self, target: ActiveEnvironment, host: HostId, draining: Mapping[HostId, Cordon]
    ) -> dict[str, list[TaskId]]:
        """Return the tasks of ``target`` on ``host`` by the reason why they stay."""
        step, last = self._step_of(target, draining), self._attempts.get(target.stored.id)
        tried = last.staying if last else {}
        moving = MOVING if target.stored.id in self._moving else "they are moved next"
        found: dict[str, list[TaskId]] = defaultdict(list)
        for task in target.environment.model.tasks.on_host(host):
            if host not in draining:
                found[""].append(task.id)
            else:
                found[step.staying.get(task.id) or tried.get(task.id) or moving].append(task.id)
        return found

    @staticmethod
    def _described(target: ActiveEnvironment, tasks: list[TaskId], why: str) -> dict[str, Any]:
        model = target.environment.model
        return {
            "environment": target.stored.id,
            "state": model.state,
            "run_number": model.run.number,
            "tasks": len(tasks),
            "roles": [model.tasks.tasks[task].path for task in tasks[:NAMED]],
            "why": why,
        }
