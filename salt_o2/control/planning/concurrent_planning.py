"""Make drafts of plans in threads; return a draft only while it can be carried out as it was made.

Control computes templates of tasks while it makes a plan, and they may query slow services. Control's event
loop continues meanwhile:

1. The loop copies the inputs of plans: hosts, their allocated resources, the tasks of the pool.
2. A thread makes the draft from the copy.
3. The loop compares the copy with the current inputs. If a host of the draft has changed, or a resource of it
   was allocated to another environment, the draft is made again.

Only one outdated draft is made again at a time, so that requests for the same resources do not invalidate
each other's drafts without end. See docs/decisions/0085-plans-are-made-in-threads.md.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from salt_o2.concurrency.request_threads import Threads
from salt_o2.control.planning.drafts import PlanDraft
from salt_o2.control.storage.stored import StoredEnvironment
from salt_o2.core.errors import PlanError, UnreachableError
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.plan.plan import PlannedTask

TRIES = 10
"""Times that control makes a draft again because its hosts or resources have changed."""


class EnvironmentChanged(PlanError):
    """The plan or the overrides of the environment were modified while a change of it was planned."""

    def __init__(self, environment: str) -> None:
        """Name ``environment`` in the message."""
        super().__init__(
            f"environment {environment} was changed by another request while this change was planned. "
            "Nothing was done; its tasks are not affected. Repeat the request"
        )


@dataclass(frozen=True, slots=True)
class Resources:
    """Immutable input of a plan: hosts with their allocated resources, and tasks of the pool."""

    inventory: Inventory
    free: list[PlannedTask]


Make = Callable[[Resources], PlanDraft]
"""Makes a draft; called in a thread."""


class FreeTasks(Protocol):
    """The tasks of the pool that a plan may claim."""

    def claimable(self) -> list[PlannedTask]:
        """Return the tasks that can be claimed now."""

    def are_free(self, tasks: Collection[TaskId]) -> bool:
        """Return whether all ``tasks`` can be claimed now."""


class ConcurrentPlanning:
    """Makes the drafts that control carries out; all requests share one object, so that they take turns."""

    def __init__(
        self,
        inventory: Inventory,
        pool: FreeTasks,
        declarations_settled: Callable[[], Awaitable[None]],
        threads: Threads,
    ) -> None:
        """Plan with the hosts of ``inventory`` and the tasks of ``pool``, in ``threads``.

        ``declarations_settled`` returns when the pillars of hosts that have just signed in are compiled.
        """
        self._inventory, self._pool = inventory, pool
        self._declarations_settled = declarations_settled
        self._threads = threads
        self._again = asyncio.Lock()

    async def resources(self) -> Resources:
        """Return a copy of the current input of plans. O(hosts + allocated ports + tasks of the pool).

        Hosts that have just signed in are included if the master compiles their pillars in time.
        """
        await self._declarations_settled()
        return Resources(self._inventory.for_planning(), self._pool.claimable())

    async def draft(
        self, user: str, make: Make, stored: Callable[[], StoredEnvironment] | None = None
    ) -> PlanDraft:
        """Return the draft of ``make`` for ``user``; the caller must carry it out before it awaits anything.

        ``stored`` returns the current stored environment, if the draft modifies one.

        Raises:
            EnvironmentChanged: if its plan or overrides have changed since this call.
            UnknownNameError: if the environment has ended, from ``stored``.
            UnreachableError: if hosts and resources change faster than a draft can be made.
        """
        before = stored() if stored else None
        made = await self._attempt(user, make, stored, before)
        if made is not None:
            return made
        async with self._again:
            for _ in range(TRIES):
                made = await self._attempt(user, make, stored, before)
                if made is not None:
                    return made
        raise UnreachableError(
            f"the hosts of the plan or their resources changed {TRIES} times while it was made. "
            "Nothing was done; running tasks are not affected. Repeat the request"
        )

    async def _attempt(
        self,
        user: str,
        make: Make,
        stored: Callable[[], StoredEnvironment] | None,
        before: StoredEnvironment | None,
    ) -> PlanDraft | None:
        """Return a draft; ``None`` if it cannot be carried out as it was made."""
        resources = await self.resources()
        made = await self._threads.run(user, make, resources)
        if stored and (now := stored()) is not before:
            raise EnvironmentChanged(now.id)
        return made if self._is_valid(made, resources) else None

    def _is_valid(self, made: PlanDraft, resources: Resources) -> bool:
        old = {task.id for task in made.previous.tasks} if made.previous else set()
        new = [task for task in made.plan.tasks if task.id not in old and task.id not in made.claimed]
        return (
            self._pool.are_free(made.claimed)
            and all(self._is_same(task, resources.inventory) for task in made.plan.tasks)
            and not self._inventory.has_less_room(resources.inventory, new)
        )

    def _is_same(self, task: PlannedTask, planned_on: Inventory) -> bool:
        """Return whether the host of ``task`` offers the same as when ``planned_on`` was copied."""
        now = self._inventory
        is_there = (task.host in now.hosts) == (task.host in planned_on.hosts)
        is_open = (task.host in now.cordons) == (task.host in planned_on.cordons)
        return (
            is_there and is_open and _offer(now.facts_of(task.host)) == _offer(planned_on.facts_of(task.host))
        )


def _offer(facts: HostFacts | None) -> object:
    """Return the part of ``facts`` that a plan depends on."""
    if facts is None:
        return None
    place = (facts.address, facts.bindable, facts.network, facts.cpus, facts.memory_mb)
    return (*place, facts.attributes, facts.control_ports, facts.channel_ports)
