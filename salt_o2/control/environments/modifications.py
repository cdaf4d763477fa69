"""Modify the plans of environments, and record which tasks could not join."""

import asyncio
from dataclasses import replace

from salt_o2.control.environments.active import ActiveEnvironment, ActiveEnvironments
from salt_o2.control.environments.effect_executor import EffectExecutor
from salt_o2.control.environments.pool_service import PoolService
from salt_o2.control.environments.request_waiters import RequestWaiters
from salt_o2.control.storage.store import Store
from salt_o2.core.environment.environment import Environment
from salt_o2.core.messages.inputs import Modified
from salt_o2.core.plan.overrides import Overrides, excluded_tasks
from salt_o2.core.recovery import snapshot


class Modifications:
    """Carries out modifications, requested by a user or by the rescheduler."""

    def __init__(
        self,
        *,
        active: ActiveEnvironments,
        executor: EffectExecutor,
        pool: PoolService,
        store: Store,
        waiters: RequestWaiters,
    ) -> None:
        """Modify environments in ``active`` by steps of ``executor``."""
        self._active = active
        self._executor = executor
        self._pool = pool
        self._store = store
        self._waiters = waiters

    async def apply(self, target: ActiveEnvironment, wanted: Modified, overrides: Overrides) -> None:
        """Give an environment another plan and other overrides, and wait until the modification ends.

        The environment owns the tasks that its plan claims from the pool from then on.

        Raises:
            IllegalTransitionError: if the state of the environment does not allow it.
            PlanError: if a claimed task is no longer in the pool.
            TaskError: if a task could not join; the environment continues without it.
        """
        self._pool.ensure_claimable(wanted.claimed)
        message = replace(wanted, overrides=overrides)
        try:
            await self._waiters.wait(wanted.request, lambda: self._executor.step(target, message))
        finally:
            if target.stored.plan is wanted.plan:
                self._record_failed_joins(target)

    def _record_failed_joins(self, target: ActiveEnvironment) -> None:
        """Exclude tasks that could not join until a user includes them again by their paths."""
        members, overrides = target.environment.model.tasks, target.stored.overrides
        on_request, _ = excluded_tasks(overrides, members.plan)
        failed = {
            task.path: members.excluded[task.id]
            for task in members.plan.tasks
            if task.id in members.excluded and task.id not in on_request
        }
        target.stored = replace(
            target.stored, overrides=replace(overrides, exclude=overrides.exclude | failed)
        )
        if target.stored.id in self._active:
            known = snapshot.capture(target.environment)
            self._store.save(target.stored.id, known, overrides=target.stored.overrides)

    def record_failed_joins_later(self, target: ActiveEnvironment) -> None:
        """Record which tasks could not join, after a modification that a restart of control interrupted."""

        def record_when_idle(environment: Environment) -> None:
            if environment.model.active is None:
                target.watchers.remove(record_when_idle)
                self._record_failed_joins(target)

        target.watchers.append(record_when_idle)


async def free_of_transitions(target: ActiveEnvironment) -> None:
    """Wait until the environment has no transition under way, or until it has ended."""
    while target.environment.model.active is not None:
        idle = asyncio.get_running_loop().create_future()

        def complete_when_idle(environment: Environment, idle: "asyncio.Future[None]" = idle) -> None:
            if environment.model.active is None and not idle.done():
                idle.set_result(None)

        target.watchers.append(complete_when_idle)
        try:
            await idle
        finally:
            target.watchers.remove(complete_when_idle)
