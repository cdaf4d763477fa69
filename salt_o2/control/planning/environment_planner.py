"""Plan new environments, changes of environments, and moves of single tasks.

Request handlers and the rescheduler share one planner, so that their drafts take turns for the resources of
hosts (planning/concurrent_planning.py). Threads load workflows and compute templates of tasks. A returned
draft is valid until the caller awaits something: it must be applied before that.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial

from salt_o2.concurrency.request_threads import RequestThreads
from salt_o2.control.planning.concurrent_planning import (
    ConcurrentPlanning,
    EnvironmentChanged,
    FreeTasks,
    Resources,
)
from salt_o2.control.planning.drafts import NewId, PlanDraft, load_with_overrides, make_draft, replayed_ids
from salt_o2.control.planning.plan_builder import request_of
from salt_o2.control.storage.stored import StoredEnvironment
from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import PlanError
from salt_o2.core.ids import EnvironmentId, HostId
from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.placement.constraints import matches
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.placement.requests import PlacementRequest
from salt_o2.core.plan.overrides import Overrides
from salt_o2.site.settings import Site
from salt_o2.site.workflow_index import Purpose
from salt_o2.workflow import Workflow

CONTROL = "control"
"""The user name for plans that control makes itself."""


class EnvironmentPlanner:
    """Makes the drafts of one control process."""

    def __init__(
        self,
        *,
        site: Site,
        inventory: Inventory,
        pool: FreeTasks,
        declarations_settled: Callable[[], Awaitable[None]],
        stored: Callable[[EnvironmentId], StoredEnvironment],
        threads: RequestThreads,
        new_id: NewId,
    ) -> None:
        """Plan the workflows of ``site`` on the hosts of ``inventory``, with the claimable tasks of ``pool``.

        ``declarations_settled`` returns when the pillars of hosts that have just signed in are compiled.
        ``stored`` returns the current stored data of an active environment and raises UnknownNameError if it
        has ended. ``new_id`` draws the ids of new environments and tasks.
        """
        self._site = site
        self._inventory = inventory
        self._declarations_settled = declarations_settled
        self._planning = ConcurrentPlanning(inventory, pool, declarations_settled, threads.create)
        self._stored = stored
        self._threads = threads
        self._new_id = new_id

    async def plan_new(
        self,
        user: str,
        workflow: str,
        overrides: Overrides,
        *,
        earlier: PlanDraft | None = None,
        asked: Collection[str] = (),
        purpose: Purpose = Purpose.CREATE,
    ) -> PlanDraft:
        """Return the draft of a new environment; with the ids of ``earlier``, if the user applies that draft.

        ``asked`` are the names in ``overrides`` that this request adds: each must have a role. ``purpose``
        decides what templates may do on the master.

        Raises:
            PlanError: if the workflow cannot be placed.
            TemplateError: if it cannot be loaded.
        """
        environment = earlier.environment if earlier else EnvironmentId(self._new_id())
        make = self._maker(workflow, environment, overrides, None, earlier, asked)
        if purpose is Purpose.PLAN:
            return await self._preview(user, make, workflow, overrides, environment, asked)
        loaded = await self._load(user, workflow, overrides, environment, asked, purpose)
        return await self._planning.draft(user, partial(make, loaded))

    async def plan_change(
        self,
        user: str,
        stored: StoredEnvironment,
        environment: Environment,
        overrides: Overrides,
        *,
        earlier: PlanDraft | None = None,
        asked: Collection[str] = (),
        purpose: Purpose = Purpose.CREATE,
    ) -> PlanDraft:
        """Return the draft that gives an active environment other ``overrides``; see ``plan_new``.

        Raises:
            EnvironmentChanged: if another request has changed the environment meanwhile.
            UnknownNameError: if the environment has ended meanwhile.
            PlanError: if the workflow cannot be placed.
        """
        workflow, refused = stored.plan.workflow, refused_paths(environment)
        make = self._maker(workflow, stored.id, overrides, stored, earlier, asked, refused)
        if purpose is Purpose.PLAN:
            return await self._preview(user, make, workflow, overrides, stored.id, asked)
        loaded = await self._load(user, workflow, overrides, stored.id, asked, purpose)
        return await self._draft_of(user, partial(make, loaded), stored)

    async def load_again(self, stored: StoredEnvironment) -> Workflow:
        """Return the workflow of an active environment with its current overrides, for ``plan_move``."""
        loaded = await self._load(
            CONTROL, stored.plan.workflow, stored.overrides, stored.id, (), Purpose.CREATE
        )
        await self._declarations_settled()
        return loaded

    def movable_paths(self, loaded: Workflow, paths: Collection[str], *, ports: bool = False) -> set[str]:
        """Return those of the roles at ``paths`` whose constraints some host meets that accepts tasks.

        With ``ports``, the tasks need only other ports: cordoned hosts keep their tasks.
        """
        requests = {task.path: request_of(task) for task in loaded.tasks if task.path in paths}
        hosts = self._inventory.hosts if ports else self._inventory.accepting()
        return {path for path, request in requests.items() if _fits_somewhere(request, hosts)}

    async def plan_move(
        self,
        loaded: Workflow,
        stored: StoredEnvironment,
        environment: Environment,
        overrides: Overrides,
        paths: Collection[str],
        *,
        ports: bool,
    ) -> PlanDraft:
        """Return the draft that gives the roles at ``paths`` other hosts, or only other ports if ``ports``.

        With ``ports``, a task whose host has no free port may move. All other tasks stay unchanged.

        Raises:
            EnvironmentChanged: if another request has changed the environment meanwhile.
            PlanError: if there is no room for the tasks now.
        """
        refused = refused_paths(environment)
        if not ports:
            return await self._draft_move(loaded, stored, environment, overrides, paths, refused - {*paths})
        try:
            return await self._draft_move(loaded, stored, environment, overrides, (), {*refused, *paths})
        except EnvironmentChanged:
            raise
        except PlanError:
            return await self._draft_move(loaded, stored, environment, overrides, paths, refused - {*paths})

    async def _draft_move(
        self,
        loaded: Workflow,
        stored: StoredEnvironment,
        environment: Environment,
        overrides: Overrides,
        rescheduled: Collection[str],
        refused: Collection[str],
    ) -> PlanDraft:
        make = self._maker(
            stored.plan.workflow, stored.id, overrides, stored, refused=refused, rescheduled=rescheduled
        )
        made = await self._draft_of(CONTROL, partial(make, loaded), stored)
        if environment.model.active is not None:
            raise EnvironmentChanged(stored.id)
        return made

    async def _draft_of(
        self, user: str, make: Callable[[Resources], PlanDraft], stored: StoredEnvironment
    ) -> PlanDraft:
        """Return a draft for an active environment that is still as ``stored``."""
        if self._stored(stored.id) is not stored:
            raise EnvironmentChanged(stored.id)
        return await self._planning.draft(user, make, partial(self._stored, stored.id))

    async def _load(
        self,
        user: str,
        workflow: str,
        overrides: Overrides,
        environment: EnvironmentId,
        asked: Collection[str],
        purpose: Purpose,
    ) -> Workflow:
        return await self._threads.create.run(
            user, load_with_overrides, self._site, workflow, overrides, environment, asked, purpose
        )

    async def _preview(
        self,
        user: str,
        make: Callable[[Workflow, Resources], PlanDraft],
        workflow: str,
        overrides: Overrides,
        environment: EnvironmentId,
        asked: Collection[str],
    ) -> PlanDraft:
        """Return a draft to look at; its templates change nothing on the master."""
        resources = await self._planning.resources()

        def load_and_make() -> PlanDraft:
            loaded = load_with_overrides(self._site, workflow, overrides, environment, asked, Purpose.PLAN)
            return make(loaded, resources)

        return await self._threads.look.run(user, load_and_make)

    def _maker(
        self,
        workflow: str,
        environment: EnvironmentId,
        overrides: Overrides,
        stored: StoredEnvironment | None,
        earlier: PlanDraft | None = None,
        asked: Collection[str] = (),
        refused: Collection[str] = (),
        rescheduled: Collection[str] = (),
    ) -> Callable[[Workflow, Resources], PlanDraft]:
        """Return the function that makes the draft in a thread."""

        def make(loaded: Workflow, resources: Resources) -> PlanDraft:
            return make_draft(
                loaded,
                resources.inventory,
                overrides,
                name=workflow,
                environment=environment,
                old=stored.plan if stored else None,
                ids=replayed_ids(earlier, self._new_id),
                rescheduled=rescheduled,
                refused=refused,
                free=resources.free,
                asked=asked,
            )

        return make


def refused_paths(environment: Environment) -> set[str]:
    """Return the paths of the roles whose tasks have no process because their agents refused a port."""
    members = environment.model.tasks
    return {
        members.tasks[id].path
        for id, report in members.reports.items()
        if id in members.tasks and report.failure and report.failure.taken_ports
    }


def _fits_somewhere(request: PlacementRequest, hosts: Mapping[HostId, HostFacts]) -> bool:
    return any(
        all(matches(host, facts, constraint) for constraint in request.constraints)
        for host, facts in hosts.items()
    )
