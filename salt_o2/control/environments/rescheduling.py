"""Reschedule tasks that cannot stay: their host is lost, or their agent refused a port.

The same modification also reconfigures the tasks that connect to a task whose address changes
(core/plan/plan_diff.py).
"""

import asyncio
import logging
from collections.abc import Callable, Collection

from salt_o2.concurrency.background_loops import spawn
from salt_o2.control.environments.active import ActiveEnvironment, ActiveEnvironments
from salt_o2.control.environments.effect_executor import EffectExecutor, RescheduleRequest
from salt_o2.control.environments.modifications import Modifications, free_of_transitions
from salt_o2.control.environments.pool_service import PoolService
from salt_o2.control.planning.concurrent_planning import EnvironmentChanged
from salt_o2.control.planning.draft_variants import modification_of
from salt_o2.control.planning.drafts import NewId
from salt_o2.control.planning.environment_planner import CONTROL, EnvironmentPlanner
from salt_o2.core.errors import O2Error, TaskError
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.inputs import RescheduleFailed
from salt_o2.core.messages.reports import is_healthy
from salt_o2.workflow import Workflow

log = logging.getLogger(__name__)

PORT_TRIES = 3
"""Plans that control makes at most because ports were refused; a refusal names all ports in use."""


class Rescheduler:
    """Makes and carries out the plans that move single tasks of an environment."""

    def __init__(
        self,
        *,
        active: ActiveEnvironments,
        executor: EffectExecutor,
        modifications: Modifications,
        planner: EnvironmentPlanner,
        pool: PoolService,
        clock: Callable[[], float],
        new_id: NewId,
    ) -> None:
        """Carry out the requests that ``executor`` queues, with plans of ``planner``."""
        self._active = active
        self._executor = executor
        self._modifications = modifications
        self._planner = planner
        self._pool = pool
        self._clock = clock
        self._new_id = new_id
        self._searches: set[asyncio.Task[None]] = set()

    @property
    def is_idle(self) -> bool:
        """Whether no search runs or waits."""
        return not self._searches and self._executor.reschedules.empty()

    async def run(self) -> None:
        """Start a search for each queued request, until cancelled."""
        while True:
            wanted = await self._executor.reschedules.get()
            spawn(
                f"the search for places for {wanted.target.stored.id}", self._search(wanted), self._searches
            )

    async def _search(self, wanted: RescheduleRequest) -> None:
        """Search other hosts or ports, one search of an environment at a time; report those without any."""
        target, tasks, ports = wanted.target, wanted.effect.tasks, wanted.effect.ports
        async with target.rescheduling:
            await free_of_transitions(target)
            if not self._is_active(target):
                return
            try:
                left = await self._reschedule(target, tasks, ports)
                reason = "no other port is free for it" if ports else "its tasks are bound to their lost host"
            except O2Error as error:
                left, reason = tasks, str(error)
            except Exception as error:  # without a result the environment would wait forever
                log.exception("the search for other places for tasks of %s failed", target.stored.id)
                left, reason = tasks, f"internal error of control: {error!r}"
        if left and self._is_active(target):
            self._executor.step(target, RescheduleFailed(at=self._clock(), tasks=left, reason=reason))

    async def _reschedule(
        self, target: ActiveEnvironment, tasks: tuple[TaskId, ...], ports: bool
    ) -> tuple[TaskId, ...]:
        """Reschedule ``tasks``, on their hosts if only ``ports`` are needed; return those that do not fit.

        Raises:
            PlanError: if the tasks that would fit on some host find no room now.
            TaskError: if a task could not join on its new host.
        """
        while True:
            try:
                return await self._move_tasks(target, tasks, ports)
            except EnvironmentChanged:  # a user changed it meanwhile
                await free_of_transitions(target)
                if not self._is_active(target):
                    return ()

    async def _move_tasks(
        self, target: ActiveEnvironment, tasks: tuple[TaskId, ...], ports: bool
    ) -> tuple[TaskId, ...]:
        stored = target.stored
        loaded = await self._planner.load_again(stored)
        if target.stored is not stored or target.environment.model.active is not None:
            raise EnvironmentChanged(stored.id)
        members = target.environment.model.tasks
        wanted = {members.tasks[task].path: task for task in tasks if _needs_place(target, task)}
        movable = self._planner.movable_paths(loaded, wanted)
        if movable:
            await self._move(target, loaded, movable, ports)
        return tuple(task for path, task in wanted.items() if path not in movable)

    async def _move(
        self, target: ActiveEnvironment, loaded: Workflow, paths: Collection[str], ports: bool
    ) -> None:
        """Move the roles at ``paths`` to other hosts or ports; plan again if agents refuse ports."""
        overrides = target.stored.overrides
        for left in reversed(range(PORT_TRIES)):
            draft = await self._planner.plan_move(
                loaded, target.stored, target.environment, overrides, paths, ports=ports
            )
            target.ports_refused = False
            message = modification_of(
                draft,
                CONTROL,
                request=self._new_id(),
                at=self._clock(),
                revision=self._pool.revision_of(draft.claimed),
                may_exclude=(),
            )
            try:
                await self._modifications.apply(target, message, overrides)
            except TaskError:
                if not (target.ports_refused and left):
                    raise
            else:
                return

    def _is_active(self, target: ActiveEnvironment) -> bool:
        return target.stored.id in self._active


def _needs_place(target: ActiveEnvironment, task: TaskId) -> bool:
    """Return whether ``task`` still needs another place: its host may be back with its process."""
    members = target.environment.model.tasks
    report = members.reports.get(task)
    return task in members.tasks and (report is None or not is_healthy(report))
