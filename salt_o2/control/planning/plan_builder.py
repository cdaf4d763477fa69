"""Build a plan from a workflow and an inventory: placements, ports, addresses, commands, properties."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from salt_o2.control.planning.plan_assembly import (
    CONTROLLED,
    HOSTNAME,
    PlacedTask,
    PlanAssembly,
    planned_call,
    planned_role,
)
from salt_o2.control.planning.pool_matching import PoolMatcher, placement_still_valid
from salt_o2.core.errors import PlanError
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.placement.constraints import Constraint, ResourceDemand
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.placement.requests import Placement, PlacementRequest
from salt_o2.core.placement.scheduler import schedule
from salt_o2.core.plan.plan import Plan, PlannedTask
from salt_o2.workflow import TaskRole, Workflow
from salt_o2.workflow.expansion.gc_pause import collector_paused
from salt_o2.workflow.expressions.evaluation_budget import within
from salt_o2.workflow.limits import LOAD_S

_NO_TASKS: Mapping[str, PlannedTask] = {}
_NOWHERE: Mapping[str, HostId] = {}


@within(LOAD_S)
@collector_paused()
def make_plan(
    workflow: Workflow,
    inventory: Inventory,
    environment: EnvironmentId,
    new_task_id: Callable[[], TaskId],
    stay: Mapping[str, PlannedTask] = _NO_TASKS,
    move: Mapping[str, HostId] = _NOWHERE,
    free: Iterable[PlannedTask] = (),
    anew: Mapping[str, PlannedTask] = _NO_TASKS,
) -> Plan:
    """Return the plan of ``environment``: ``workflow`` on the hosts of ``inventory``, which is only read.

    ``stay`` has tasks, by the paths of their roles, that keep their ids, hosts and ports if possible;
    ``move`` names by path the host that a task must be on; ``free`` are tasks of the pool, which the plan
    claims with their processes where they fit. ``anew`` has tasks, by path, that are replaced on their hosts
    by tasks with other ports where their ports were refused.

    Raises:
        PlanError: if a role cannot be placed, or a channel cannot reach its peer.
        TemplateError: if a task template is invalid for a task on its host.
    """
    requests = [
        _bound_to(_instead_of(anew.get(task.path), request_of(task)), move.get(task.path))
        for task in workflow.tasks
    ]
    claims = PoolMatcher(free, inventory, environment, workflow.revision)
    existing = [
        _found(_at_its_place(stay.get(request.path), request, inventory), task, request, claims)
        for task, request in zip(workflow.tasks, requests, strict=True)
    ]
    new = [request for request, old in zip(requests, existing, strict=True) if old is None]
    fresh = iter(schedule(new, inventory))
    seats = [
        PlacedTask(old.id, task, request, _placement(old, request))
        if old
        else PlacedTask(new_task_id(), task, request, next(fresh))
        for task, request, old in zip(workflow.tasks, requests, existing, strict=True)
    ]
    tasks = PlanAssembly(inventory, environment, workflow.revision).fill(seats)
    return Plan(
        workflow=workflow.name,
        revision=workflow.revision,
        root=planned_role(workflow.root, {task.path: task.id for task in tasks}),
        tasks=tasks,
        calls=tuple(map(planned_call, workflow.calls)),
        variables=workflow.variables,
    )


def request_of(task: TaskRole) -> PlacementRequest:
    """Return the placement request of ``task``; a port that its channels fix counts as a static one."""
    fixed = {channel.fixed_port for channel in task.bind} - {None}
    wants = task.wants
    if fixed:
        ports = sorted({*wants.ports, *(port for port in fixed if port)})
        wants = ResourceDemand(cpu=wants.cpu, memory_mb=wants.memory_mb, ports=tuple(ports))
    return PlacementRequest(
        path=task.path,
        constraints=task.constraints,
        wants=wants,
        control_port=task.mode in CONTROLLED,
        channels=sum(channel.needs_port for channel in task.bind) if task.mode in CONTROLLED else 0,
    )


def _bound_to(request: PlacementRequest, host: HostId | None) -> PlacementRequest:
    if host is None:
        return request
    here = (*(each for each in request.constraints if each.attribute != HOSTNAME), Constraint(HOSTNAME, host))
    return replace(request, constraints=here)


def _instead_of(old: PlannedTask | None, request: PlacementRequest) -> PlacementRequest:
    return _bound_to(replace(request, before=old), old.host) if old else request


def _at_its_place(
    old: PlannedTask | None, request: PlacementRequest, inventory: Inventory
) -> PlannedTask | None:
    """Return ``old`` if its placement is still valid for ``request``."""
    if old is None:
        return None
    facts = inventory.facts_of(old.host)
    if facts is None:
        raise PlanError(f"role {old.path} is on host {old.host}, which is unknown: move it")
    return old if placement_still_valid(old, request, facts) else None


def _found(
    old: PlannedTask | None, task: TaskRole, request: PlacementRequest, claims: PoolMatcher
) -> PlannedTask | None:
    """Return the task whose process and host ``task`` uses: its own, or one of the pool that saves a start.

    A task that would need a restart may use a pool task of the same host, if no task connects to it: peers
    would need new addresses, and a modification changes only what it must.
    """
    if old is None:
        return claims.match(task, request)
    if task.bind or not claims.requires_restart(old, task, request):
        return old
    return claims.match(task, _bound_to(request, old.host)) or old


def _placement(old: PlannedTask, request: PlacementRequest) -> Placement:
    return Placement(old.host, old.launch.control_port, old.launch.ports[: request.channels])
