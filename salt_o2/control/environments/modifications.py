"""Modify the plans of environments, on request or because a host is lost."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from salt_o2.concurrency.background_loops import spawn
from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import O2Error, PlanError
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.inputs import Modified, RescheduleFailed
from salt_o2.core.plan.overrides import Overrides, excluded_tasks
from salt_o2.core.recovery import snapshot

if TYPE_CHECKING:
    from salt_o2.control.environments.service import ActiveEnvironment, Control

log = logging.getLogger(__name__)

Replacer = Callable[["ActiveEnvironment", tuple[TaskId, ...], bool], Awaitable[tuple[TaskId, ...]]]


class Modifications:
    """The part of control that replaces plans and adjusts the allocated resources of hosts."""

    def __init__(self, control: "Control") -> None:
        """Work for ``control``."""
        self._control = control
        self.replacer: Replacer | None = None
        """Reschedules tasks; returns the tasks that do not fit on any host.

        If the last argument is true, the tasks keep their hosts and need only other ports.
        """
        self.searches: set[asyncio.Task[None]] = set()
        """Running searches for other hosts or ports."""

    async def apply(self, held: "ActiveEnvironment", wanted: Modified, shape: Overrides) -> None:
        """Give an environment another plan and other overrides, and wait until the modification ends.

        The environment owns the tasks that its plan claims from the pool from then on.

        Raises:
            IllegalTransitionError: if the state of the environment does not allow it.
            PlanError: if a claimed task is no longer in the pool.
            TaskError: if a task could not join; the environment continues without it.
        """
        try:
            await self._control.answers.wait(wanted.request, lambda: self._begin(held, wanted, shape))
        finally:
            if held.stored.plan is wanted.plan:
                self._record_failed_joins(held)

    def _begin(self, held: "ActiveEnvironment", wanted: Modified, shape: Overrides) -> None:
        before = held.stored
        self._control.pooling.ensure_claimable(wanted.claimed)
        held.stored = replace(before, plan=wanted.plan, overrides=shape)
        try:
            self._control.step(held, replace(wanted, overrides=shape))
        except O2Error:
            held.stored = before
            raise

    def _record_failed_joins(self, held: "ActiveEnvironment") -> None:
        """Exclude tasks that could not join until a user includes them again by their paths."""
        members, shape = held.environment.model.tasks, held.stored.overrides
        on_request, _ = excluded_tasks(shape, members.plan)
        failed = {
            task.path: members.excluded[task.id]
            for task in members.plan.tasks
            if task.id in members.excluded and task.id not in on_request
        }
        held.stored = replace(held.stored, overrides=replace(shape, exclude=shape.exclude | failed))
        if held.stored.id in self._control.held:
            known = snapshot.take(held.environment)
            self._control.store.save(held.stored.id, known, overrides=held.stored.overrides)

    def record_failed_joins_later(self, held: "ActiveEnvironment") -> None:
        """Record which tasks could not join, after a modification that a restart of control interrupted."""

        def look(environment: Environment) -> None:
            if environment.model.active is None:
                held.watchers.remove(look)
                self._record_failed_joins(held)

        held.watchers.append(look)

    def find_other_places(self, held: "ActiveEnvironment", tasks: tuple[TaskId, ...], *, ports: bool) -> None:
        """Start a search for other hosts, or only other ``ports``; the environment receives the result."""
        spawn(f"the search of places for {held.stored.id}", self._replace(held, tasks, ports), self.searches)

    async def _replace(self, held: "ActiveEnvironment", tasks: tuple[TaskId, ...], ports: bool) -> None:
        async with held.replacing:
            await free_of_transitions(held)
            if held.stored.id not in self._control.held:
                return
            try:
                if self.replacer is None:
                    raise PlanError("nobody here can make a plan")
                left = await self.replacer(held, tasks, ports)
                reason = "no other port is free for it" if ports else "its tasks are bound to their lost host"
            except O2Error as error:
                left, reason = tasks, str(error)
            except Exception as error:  # without a result the environment would wait forever
                log.exception("the search of other places for tasks of %s failed", held.stored.id)
                left, reason = tasks, f"control's own fault: {error!r}"
        if left and held.stored.id in self._control.held:
            self._control.step(held, RescheduleFailed(at=self._control.clock(), tasks=left, reason=reason))


async def free_of_transitions(held: "ActiveEnvironment") -> None:
    """Wait until the environment has no transition under way, or until it has ended."""
    while held.environment.model.active is not None:
        moved = asyncio.get_running_loop().create_future()

        def look(environment: Environment, moved: "asyncio.Future[None]" = moved) -> None:
            if environment.model.active is None and not moved.done():
                moved.set_result(None)

        held.watchers.append(look)
        try:
            await moved
        finally:
            held.watchers.remove(look)
