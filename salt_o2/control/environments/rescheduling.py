"""Reschedule tasks that cannot stay: their host is lost, or their agent refused a port.

The same modification also reconfigures the tasks that connect to a task whose address changes
(core/plan/plan_diff.py).
"""

from collections.abc import Collection, Mapping

from salt_o2.concurrency.request_threads import RequestThreads
from salt_o2.control.environments.modifications import free_of_transitions
from salt_o2.control.environments.service import ActiveEnvironment, Control
from salt_o2.control.planning.concurrent_planning import ConcurrentPlanning, EnvironmentChanged, Resources
from salt_o2.control.planning.draft_variants import modification_of
from salt_o2.control.planning.drafts import PlanDraft, load_with_overrides, make_draft
from salt_o2.control.planning.plan_builder import request_of
from salt_o2.core.errors import PlanError, TaskError
from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.messages.reports import HostFacts, is_healthy
from salt_o2.core.placement.constraints import matches
from salt_o2.core.placement.requests import PlacementRequest
from salt_o2.core.plan.overrides import Overrides
from salt_o2.site.settings import Site
from salt_o2.workflow import Workflow

PORT_TRIES = 3
"""Plans that control makes at most because ports were refused; a refusal names all ports in use."""
CONTROL = "control"
"""The user name for plans that control makes itself."""


def refused_paths(held: ActiveEnvironment) -> set[str]:
    """Return the paths of the roles whose tasks have no process because their agents refused a port."""
    members = held.environment.model.tasks
    return {
        members.tasks[id].path
        for id, report in members.reports.items()
        if id in members.tasks and report.failure and report.failure.taken_ports
    }


class Rescheduler:
    """Makes and carries out the plans that move single tasks of an environment."""

    def __init__(
        self, control: Control, site: Site, threads: RequestThreads, planning: ConcurrentPlanning
    ) -> None:
        """Plan for the environments of ``control``, with the settings of ``site``, in ``threads``."""
        self._control = control
        self._site = site
        self._threads = threads.create
        self._planning = planning

    async def reschedule(
        self, held: ActiveEnvironment, tasks: tuple[TaskId, ...], ports: bool
    ) -> tuple[TaskId, ...]:
        """Reschedule ``tasks``, on their hosts if only ``ports`` are needed; return those that do not fit.

        Raises:
            PlanError: if the tasks that would fit on some host find no room now.
            TaskError: if a task could not join on its new host.
        """
        while True:
            try:
                return await self._find_places(held, tasks, ports)
            except EnvironmentChanged:  # a user changed it meanwhile
                await free_of_transitions(held)
                if held.stored.id not in self._control.held:
                    return ()

    async def _find_places(
        self, held: ActiveEnvironment, tasks: tuple[TaskId, ...], ports: bool
    ) -> tuple[TaskId, ...]:
        kept = held.stored
        loaded = await self._threads.run(
            CONTROL, load_with_overrides, self._site, kept.plan.workflow, kept.overrides, kept.id
        )
        await self._control.declarations.settled()
        if held.stored is not kept or held.environment.model.active is not None:
            raise EnvironmentChanged(kept.id)
        members, hosts = held.environment.model.tasks, self._control.inventory.hosts
        wanted = {members.tasks[task].path: task for task in tasks if _needs_place(held, task)}
        requests = {task.path: request_of(task) for task in loaded.tasks if task.path in wanted}
        free = {path for path, request in requests.items() if _can_be_somewhere(request, hosts)}
        if free:
            await self._move(held, loaded, kept.overrides, free, ports)
        return tuple(task for path, task in wanted.items() if path not in free)

    async def _move(
        self, held: ActiveEnvironment, loaded: Workflow, shape: Overrides, paths: Collection[str], ports: bool
    ) -> None:
        """Move the roles at ``paths`` to other hosts or ports; plan again if agents refuse ports."""
        for left in reversed(range(PORT_TRIES)):
            made = await self._draft_move(held, loaded, shape, paths, ports)
            held.ports_refused = False
            try:
                at, revision = self._control.clock(), self._control.pooling.revision_of(made.claimed)
                wanted = modification_of(made, "control", at=at, revision=revision, may_exclude=())
                await self._control.reshaping.apply(held, wanted, shape)
            except TaskError:
                if not (held.ports_refused and left):
                    raise
            else:
                return

    async def _draft_move(
        self, held: ActiveEnvironment, loaded: Workflow, shape: Overrides, paths: Collection[str], ports: bool
    ) -> PlanDraft:
        """Return a plan with other places for ``paths``; a task whose host has no free port may move."""
        refused = {*refused_paths(held), *paths} if ports else refused_paths(held) - {*paths}
        if not ports:
            return await self._draft(held, loaded, shape, paths, refused)
        try:
            return await self._draft(held, loaded, shape, (), refused)
        except EnvironmentChanged:
            raise
        except PlanError:
            return await self._draft(held, loaded, shape, paths, refused - {*paths})

    async def _draft(
        self,
        held: ActiveEnvironment,
        loaded: Workflow,
        shape: Overrides,
        homeless: Collection[str],
        refused: Collection[str],
    ) -> PlanDraft:
        kept = held.stored

        def make(resources: Resources) -> PlanDraft:
            return make_draft(
                loaded,
                resources.inventory,
                shape,
                name=kept.plan.workflow,
                environment=kept.id,
                old=kept.plan,
                homeless=homeless,
                refused=refused,
                free=resources.free,
            )

        made = await self._planning.draft(CONTROL, make, lambda: self._control.find(kept.id).stored)
        if held.environment.model.active is not None:
            raise EnvironmentChanged(kept.id)
        return made


def _needs_place(held: ActiveEnvironment, task: TaskId) -> bool:
    """Return whether ``task`` still needs another place: its host may be back with its process."""
    members = held.environment.model.tasks
    report = members.reports.get(task)
    return task in members.tasks and (report is None or not is_healthy(report))


def _can_be_somewhere(request: PlacementRequest, hosts: Mapping[HostId, HostFacts]) -> bool:
    return any(
        all(matches(host, facts, constraint) for constraint in request.constraints)
        for host, facts in hosts.items()
    )
