"""Gives environments other plans: on request, or because a host is lost."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from salt_o2.concurrency.background_loops import spawn
from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import O2Error, PlanError
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.inputs import Modified, NotReplaced
from salt_o2.core.plan.overrides import Shape, excluded_tasks
from salt_o2.core.recovery import snapshot

if TYPE_CHECKING:
    from salt_o2.control.environments.service import Control, Held

log = logging.getLogger(__name__)

Replacer = Callable[["Held", tuple[TaskId, ...], bool], Awaitable[tuple[TaskId, ...]]]


class Reshaping:
    """The part of control that exchanges plans, and with them what is taken of hosts."""

    def __init__(self, control: "Control") -> None:
        """Work for ``control``."""
        self._control = control
        self.replacer: Replacer | None = None
        """Makes plans for tasks that need another place; returns those for which there is none.

        The last argument says that the tasks keep their hosts, and need other ports only."""
        self.searches: set[asyncio.Task[None]] = set()
        """Searches for places that are under way."""

    async def modify(self, held: "Held", wanted: Modified, shape: Shape) -> None:
        """Give an environment another plan in another shape, and wait for the end of it.

        What its plan claims of the pool is its own from then on.

        Raises:
            IllegalTransition: if its state does not allow it.
            PlanError: if what it claims is in the pool no more.
            TaskError: if a task could not join; the environment goes on without it.
        """
        try:
            await self._control.answers.wait(wanted.request, lambda: self._begin(held, wanted, shape))
        finally:
            if held.kept.plan is wanted.plan:
                self._note_who_stayed_out(held)

    def _begin(self, held: "Held", wanted: Modified, shape: Shape) -> None:
        before = held.kept
        self._control.pooling.check_free(wanted.claimed)
        held.kept = replace(before, plan=wanted.plan, shape=shape)
        try:
            self._control.step(held, replace(wanted, shape=shape))
        except O2Error:
            held.kept = before
            raise

    def _note_who_stayed_out(self, held: "Held") -> None:
        """Let whoever could not join stay out until asked for again by its path."""
        members, shape = held.environment.model.tasks, held.kept.shape
        on_request, _ = excluded_tasks(shape, members.plan)
        failed = {
            task.path: members.excluded[task.id]
            for task in members.plan.tasks
            if task.id in members.excluded and task.id not in on_request
        }
        held.kept = replace(held.kept, shape=replace(shape, exclude=shape.exclude | failed))
        if held.kept.id in self._control.held:
            known = snapshot.take(held.environment)
            self._control.store.save(held.kept.id, known, shape=held.kept.shape)

    def record_failed_joins_later(self, held: "Held") -> None:
        """Record which tasks could not join when a modification that a restart interrupted is over."""

        def look(environment: Environment) -> None:
            if environment.model.active is None:
                held.watchers.remove(look)
                self._note_who_stayed_out(held)

        held.watchers.append(look)

    def find_other_places(self, held: "Held", tasks: tuple[TaskId, ...], *, ports: bool) -> None:
        """Begin to look for other hosts, or only other ``ports``; the environment hears what came of it."""
        spawn(f"the search of places for {held.kept.id}", self._replace(held, tasks, ports), self.searches)

    async def _replace(self, held: "Held", tasks: tuple[TaskId, ...], ports: bool) -> None:
        async with held.replacing:
            await free_of_transitions(held)
            if held.kept.id not in self._control.held:
                return
            try:
                if self.replacer is None:
                    raise PlanError("nobody here can make a plan")
                left = await self.replacer(held, tasks, ports)
                reason = "no other port is free for it" if ports else "its tasks are bound to their lost host"
            except O2Error as error:
                left, reason = tasks, str(error)
            except Exception as error:  # the environment must hear of it, or it waits for ever
                log.exception("the search of other places for tasks of %s failed", held.kept.id)
                left, reason = tasks, f"control's own fault: {error!r}"
        if left and held.kept.id in self._control.held:
            self._control.step(held, NotReplaced(at=self._control.clock(), tasks=left, reason=reason))


async def free_of_transitions(held: "Held") -> None:
    """Wait until no transition of the environment is under way, or the environment has ended."""
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
