"""Reschedule tasks that cannot stay: their host is lost or drained, or their agent refused a port.

The same modification also reconfigures the tasks that connect to a task whose address changes
(core/plan/plan_diff.py).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import TypeVar

from salt_o2.concurrency.background_loops import spawn
from salt_o2.control.environments.active import ActiveEnvironment, ActiveEnvironments
from salt_o2.control.environments.effect_executor import EffectExecutor, RescheduleRequest
from salt_o2.control.environments.modifications import Modifications, free_of_transitions
from salt_o2.control.environments.pool_service import PoolService
from salt_o2.control.planning.concurrent_planning import EnvironmentChanged
from salt_o2.control.planning.draft_variants import modification_of
from salt_o2.control.planning.drafts import NewId
from salt_o2.control.planning.environment_planner import CONTROL, EnvironmentPlanner
from salt_o2.control.storage.stored import StoredEnvironment
from salt_o2.core.errors import O2Error, TaskError
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.inputs import RescheduleFailed
from salt_o2.core.messages.reports import is_healthy
from salt_o2.core.states import EnvironmentState
from salt_o2.workflow import Workflow

log = logging.getLogger(__name__)

Result = TypeVar("Result")
Choice = Callable[[], Collection[TaskId]]
"""Returns the tasks to move, as the environment is now."""
NO_OTHER_HOST = "no other host meets the constraints of their roles"
PINNED = "a user has placed them there (--move)"
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
                unmoved = await self._until_unchanged(target, lambda: self._move_tasks(target, tasks, ports))
                reason = "no other port is free for it" if ports else "its tasks are bound to their lost host"
            except O2Error as error:
                unmoved, reason = tasks, str(error)
            except Exception as error:  # without a result the environment would wait forever
                log.exception("the search for other places for tasks of %s failed", target.stored.id)
                unmoved, reason = tasks, f"internal error of control: {error!r}"
        if unmoved and self._is_active(target):
            self._executor.step(target, RescheduleFailed(at=self._clock(), tasks=unmoved, reason=reason))

    async def move_away(
        self, target: ActiveEnvironment, choose: Choice, *, user: str, reason: str
    ) -> dict[TaskId, str]:
        """Move the tasks of ``choose`` to other hosts for ``user``; return why tasks stay.

        The tasks may be healthy. ``choose`` is called whenever the environment has no transition under way;
        a move of all chosen tasks succeeds or none is moved.
        """
        async with target.rescheduling:
            await free_of_transitions(target)
            if not self._is_active(target):
                return {}
            try:
                return await self._until_unchanged(
                    target, lambda: self._move_chosen(target, choose(), user, reason)
                )
            except O2Error as error:
                return dict.fromkeys(choose(), str(error)) if self._is_active(target) else {}

    async def _until_unchanged(
        self, target: ActiveEnvironment, move: Callable[[], Awaitable[Result]]
    ) -> Result:
        """Return the result of ``move``; repeat it if a user changed the environment meanwhile.

        Raises:
            PlanError: if the tasks that would fit on some host find no room now.
            TaskError: if a task could not join on its new host.
            UnknownNameError: if the environment has ended.
        """
        while True:
            try:
                return await move()
            except EnvironmentChanged:
                await free_of_transitions(target)
                self._active.stored(target.stored.id)

    async def _move_chosen(
        self, target: ActiveEnvironment, tasks: Collection[TaskId], user: str, reason: str
    ) -> dict[TaskId, str]:
        if not tasks:
            return {}
        loaded = await self._load(target)
        members, placed = target.environment.model.tasks, target.stored.overrides.move
        wanted = {members.tasks[task].path: task for task in tasks if task in members.tasks}
        pinned = {path for path, task in wanted.items() if placed.get(path) == members.tasks[task].host}
        movable = self._planner.movable_paths(loaded, wanted.keys() - pinned)
        if movable:
            await self._move(target, loaded, movable, ports=False, user=user, reason=reason)
        return {
            task: PINNED if path in pinned else NO_OTHER_HOST
            for path, task in wanted.items()
            if path not in movable
        }

    async def _move_tasks(
        self, target: ActiveEnvironment, tasks: tuple[TaskId, ...], ports: bool
    ) -> tuple[TaskId, ...]:
        """Move ``tasks``, on their hosts if only ``ports`` are needed; return those that do not fit."""
        loaded = await self._load(target)
        members = target.environment.model.tasks
        wanted = {members.tasks[task].path: task for task in tasks if _needs_place(target, task)}
        movable = self._planner.movable_paths(loaded, wanted, ports=ports)
        if movable:
            await self._move(target, loaded, movable, ports=ports)
        return tuple(task for path, task in wanted.items() if path not in movable)

    async def _load(self, target: ActiveEnvironment) -> Workflow:
        """Return the workflow of ``target``.

        Raises:
            EnvironmentChanged: if the environment has changed meanwhile.
        """
        stored, state = target.stored, target.environment.model.state
        loaded = await self._planner.load_again(stored)
        self._ensure_same(target, stored, state)
        return loaded

    def _ensure_same(
        self, target: ActiveEnvironment, stored: StoredEnvironment, state: EnvironmentState
    ) -> None:
        model = target.environment.model
        if target.stored is not stored or model.active is not None or model.state is not state:
            raise EnvironmentChanged(stored.id)

    async def _move(
        self,
        target: ActiveEnvironment,
        loaded: Workflow,
        paths: Collection[str],
        *,
        ports: bool,
        user: str = CONTROL,
        reason: str = "",
    ) -> None:
        """Move the roles at ``paths`` to other hosts or ports; plan again if agents refuse ports."""
        overrides, state = target.stored.overrides, target.environment.model.state
        for tries_left in reversed(range(PORT_TRIES)):
            draft = await self._planner.plan_move(
                loaded, target.stored, target.environment, overrides, paths, ports=ports
            )
            self._ensure_same(target, target.stored, state)
            target.ports_refused = False
            message = modification_of(
                draft,
                user,
                request=self._new_id(),
                at=self._clock(),
                revision=self._pool.revision_of(draft.claimed),
                may_exclude=(),
                reason=reason,
            )
            try:
                await self._modifications.apply(target, message, overrides)
            except TaskError:
                if not (target.ports_refused and tries_left):
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
