"""From an expanded workflow and an inventory to a plan: places, ports, addresses, commands and properties."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from salt_o2.control.claiming import Claims, keeps_place
from salt_o2.control.command import make_launch, specials
from salt_o2.core.channel import Endpoint, Wiring, bound_properties, connected_properties
from salt_o2.core.errors import PlanError
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.inventory import Inventory
from salt_o2.core.place import Placement, Request, place
from salt_o2.core.plan import Plan, PlannedCall, PlannedRole, PlannedTask
from salt_o2.core.role import Constraint, Wants
from salt_o2.core.states import ControlMode
from salt_o2.core.tasks.restarts import RestartPolicy
from salt_o2.workflow import CallRole, Role, TaskRole, Workflow
from salt_o2.workflow.account import within
from salt_o2.workflow.limits import LOAD_S
from salt_o2.workflow.pause import collector_paused
from salt_o2.workflow.problems import Problems
from salt_o2.workflow.rendering import render

_CONTROLLED = (ControlMode.DIRECT, ControlMode.FAIRMQ)
_NOBODY: Mapping[str, PlannedTask] = {}
_NOWHERE: Mapping[str, HostId] = {}
HOSTNAME = "hostname"
"""The attribute that every host has: its name."""


@within(LOAD_S)
@collector_paused()
def make_plan(
    workflow: Workflow,
    inventory: Inventory,
    environment: EnvironmentId,
    new_task_id: Callable[[], TaskId],
    stay: Mapping[str, PlannedTask] = _NOBODY,
    move: Mapping[str, HostId] = _NOWHERE,
    free: Iterable[PlannedTask] = (),
    anew: Mapping[str, PlannedTask] = _NOBODY,
) -> Plan:
    """Return the plan of ``environment``: ``workflow`` on the hosts of ``inventory``, which is only read.

    ``stay`` has tasks, by the paths of their roles, that keep their ids, hosts and ports if they still can;
    ``move`` says by path which host a task must be on; ``free`` are tasks of the pool, which are taken with
    their processes where they fit. ``anew`` has tasks, by path, that are replaced on their hosts by tasks
    with other ports where theirs were refused.

    Raises:
        PlanError: if a role cannot be placed, or a channel cannot reach its peer.
        TemplateError: if what a task template says makes no sense for a task in its place.
    """
    requests = [
        _bound_to(_instead_of(anew.get(task.path), request_of(task)), move.get(task.path))
        for task in workflow.tasks
    ]
    claims = Claims(free, inventory, environment, workflow.revision)
    kept = [
        _found(_kept(stay.get(request.path), request, inventory), task, request, claims)
        for task, request in zip(workflow.tasks, requests, strict=True)
    ]
    new = [request for request, old in zip(requests, kept, strict=True) if old is None]
    fresh = iter(place(new, inventory))
    seats = [
        _Seat(old.id, task, request, _placement(old, request))
        if old
        else _Seat(new_task_id(), task, request, next(fresh))
        for task, request, old in zip(workflow.tasks, requests, kept, strict=True)
    ]
    tasks = _Draft(inventory, environment, workflow.revision).fill(seats)
    return Plan(
        workflow=workflow.name,
        revision=workflow.revision,
        root=_planned_role(workflow.root, {task.path: task.id for task in tasks}),
        tasks=tasks,
        calls=tuple(map(_planned_call, workflow.calls)),
        variables=workflow.variables,
    )


def request_of(task: TaskRole) -> Request:
    """Return what ``task`` asks of a host; a port that its channels fix counts as a static one."""
    fixed = {channel.fixed_port for channel in task.bind} - {None}
    wants = task.wants
    if fixed:
        ports = sorted({*wants.ports, *(port for port in fixed if port)})
        wants = Wants(cpu=wants.cpu, memory_mb=wants.memory_mb, ports=tuple(ports))
    return Request(
        path=task.path,
        constraints=task.constraints,
        wants=wants,
        control_port=task.mode in _CONTROLLED,
        channels=sum(channel.needs_port for channel in task.bind) if task.mode in _CONTROLLED else 0,
    )


def _recovery(task: TaskRole) -> str:
    """Return what a failure of ``task`` leads to: the variable ``recovery`` of its role."""
    found = task.stack.find("recovery")
    written = found.strip().lower() if isinstance(found, str) else RestartPolicy.RESTART
    if written not in list(RestartPolicy):
        raise PlanError(
            f"role {task.path}: recovery is {written!r}, which is none of {', '.join(RestartPolicy)}"
        )
    return written


def _bound_to(request: Request, host: HostId | None) -> Request:
    if host is None:
        return request
    here = (*(each for each in request.constraints if each.attribute != HOSTNAME), Constraint(HOSTNAME, host))
    return replace(request, constraints=here)


def _instead_of(old: PlannedTask | None, request: Request) -> Request:
    return _bound_to(replace(request, before=old), old.host) if old else request


def _kept(old: PlannedTask | None, request: Request, inventory: Inventory) -> PlannedTask | None:
    """Return ``old`` if its place still does for ``request``."""
    if old is None:
        return None
    facts = inventory.facts_of(old.host)
    if facts is None:
        raise PlanError(f"role {old.path} is on host {old.host}, which was never heard of: move it")
    return old if keeps_place(old, request, facts) else None


def _found(old: PlannedTask | None, task: TaskRole, request: Request, claims: Claims) -> PlannedTask | None:
    """Return whose process and place ``task`` has: its own, or one of the pool that saves a start.

    A task that would start again in its place may have another of the same host, if nobody connects to it:
    peers would have to hear of other addresses, and a change touches only what it must.
    """
    if old is None:
        return claims.find(task, request)
    if task.bind or not claims.must_start_again(old, task, request):
        return old
    return claims.find(task, _bound_to(request, old.host)) or old


def _placement(old: PlannedTask, request: Request) -> Placement:
    return Placement(old.host, old.launch.control_port, old.launch.ports[: request.channels])


@dataclass(slots=True)
class _Seat:
    """A task with its place."""

    id: TaskId
    task: TaskRole
    request: Request
    placement: Placement


class _Draft:
    """A plan in the making; all faults are gathered before any is raised."""

    def __init__(self, inventory: Inventory, environment: EnvironmentId, revision: str) -> None:
        self._inventory = inventory
        self._environment = environment
        self._revision = revision
        self._wiring = Wiring()
        self._problems = Problems()
        self._refused: list[str] = []

    def fill(self, seats: list[_Seat]) -> tuple[PlannedTask, ...]:
        """Return the planned tasks."""
        bound = [self._bind(seat) for seat in seats]
        self._raise_refused()
        tasks = [self._plan(seat, endpoints) for seat, endpoints in zip(seats, bound, strict=True)]
        self._problems.raise_any()
        self._raise_refused()
        return tuple(task for task in tasks if task is not None)

    def _bind(self, seat: _Seat) -> list[Endpoint]:
        """Give each bound channel of a task its address."""
        host, ports = seat.placement.host, iter(seat.placement.channel_ports)
        facts = self._inventory.facts_of(host)
        address = facts.address if facts else host
        endpoints = []
        for number, channel in enumerate(seat.task.bind if seat.task.mode in _CONTROLLED else ()):
            port = next(ports) if channel.needs_port else None
            try:
                unique = f"{seat.id}-{number}"
                endpoints.append(self._wiring.add(seat.task.path, host, address, channel, port, unique))
            except PlanError as error:
                self._refused.append(str(error))
        return endpoints

    def _plan(self, seat: _Seat, bound: list[Endpoint]) -> PlannedTask | None:
        task, put = seat.task, seat.placement
        own = specials(task, seat.id, put.host, put.control_port, self._environment)
        rendered = render(task, own, self._problems)
        try:
            properties = rendered.properties | self._channel_properties(seat, bound)
            ports = (*put.channel_ports, *seat.request.wants.ports)
            launch = make_launch(task, seat.id, rendered, put.control_port, ports, self._revision)
        except PlanError as error:
            self._refused.append(str(error))
            return None
        return PlannedTask(
            id=seat.id,
            path=task.path,
            class_name=task.class_name,
            host=put.host,
            critical=task.critical,
            launch=launch,
            properties=properties,
            cpu=task.wants.cpu,
            memory_mb=task.wants.memory_mb,
            ports=ports if put.control_port is None else (put.control_port, *ports),
            trigger=task.trigger,
            timeout_s=task.timeout_s,
            recovery=_recovery(task),
            ends_data=task.ends_data,
        )

    def _channel_properties(self, seat: _Seat, bound: list[Endpoint]) -> dict[str, str]:
        if seat.task.mode not in _CONTROLLED:
            return {}
        properties = {"environment_id": str(self._environment)}
        for endpoint in bound:
            properties |= bound_properties(endpoint)
        for channel in seat.task.connect:
            peer = self._wiring.peer(seat.task.path, seat.placement.host, channel)
            properties |= connected_properties(channel, peer)
        return properties

    def _raise_refused(self) -> None:
        if self._refused:
            raise PlanError("\n".join(dict.fromkeys(self._refused)))


def _planned_call(call: CallRole) -> PlannedCall:
    return PlannedCall(
        path=call.path,
        func=call.func,
        trigger=call.trigger,
        until=call.until,
        result=call.result,
        timeout_s=call.timeout_s,
        critical=call.critical,
        variables=call.variables,
    )


def _planned_role(role: Role, ids: dict[str, TaskId]) -> PlannedRole:
    return PlannedRole(
        name=role.name,
        path=role.path,
        roles=tuple(_planned_role(child, ids) for child in role.roles),
        task=ids[role.path] if role.task else None,
        tolerate=role.tolerate,
        detector=role.detector,
    )
