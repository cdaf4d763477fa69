"""Assemble addresses, properties and launches of placed tasks."""

from dataclasses import dataclass

from salt_o2.control.planning.task_command import make_launch, placement_variables
from salt_o2.core.errors import PlanError
from salt_o2.core.ids import EnvironmentId, TaskId
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.placement.requests import Placement, PlacementRequest
from salt_o2.core.plan.channel_properties import bound_properties, connected_properties
from salt_o2.core.plan.channel_resolution import ChannelResolver
from salt_o2.core.plan.channels import ANY_ADDRESS, Endpoint
from salt_o2.core.plan.plan import PlannedCall, PlannedRole, PlannedTask
from salt_o2.core.states import ControlMode
from salt_o2.core.tasks.restarts import RestartPolicy
from salt_o2.workflow import CallRole, Role, TaskRole
from salt_o2.workflow.expansion.task_rendering import render
from salt_o2.workflow.problems import Problems

CONTROLLED = (ControlMode.DIRECT, ControlMode.FAIRMQ)
HOSTNAME = "hostname"
"""The attribute that every host has: its name."""


def recovery_of(task: TaskRole) -> str:
    """Return the restart policy of ``task``: the variable ``recovery`` of its role."""
    found = task.stack.find("recovery")
    written = found.strip().lower() if isinstance(found, str) else RestartPolicy.RESTART
    if written not in list(RestartPolicy):
        raise PlanError(
            f"role {task.path}: recovery is {written!r}, expected one of {', '.join(RestartPolicy)}"
        )
    return written


@dataclass(slots=True)
class PlacedTask:
    """A task with its placement."""

    id: TaskId
    task: TaskRole
    request: PlacementRequest
    placement: Placement


class PlanAssembly:
    """A plan under construction; all faults are collected before any is raised."""

    def __init__(self, inventory: Inventory, environment: EnvironmentId, revision: str) -> None:
        self._inventory = inventory
        self._environment = environment
        self._revision = revision
        self._wiring = ChannelResolver()
        self._problems = Problems()
        self._refused: list[str] = []

    def fill(self, seats: list[PlacedTask]) -> tuple[PlannedTask, ...]:
        """Return the planned tasks."""
        bound = [self._bind(seat) for seat in seats]
        self._raise_refused()
        tasks = [self._plan(seat, endpoints) for seat, endpoints in zip(seats, bound, strict=True)]
        self._problems.raise_any()
        self._raise_refused()
        return tuple(task for task in tasks if task is not None)

    def _bind(self, seat: PlacedTask) -> list[Endpoint]:
        """Give each bound channel of a task its address."""
        host, ports = seat.placement.host, iter(seat.placement.channel_ports)
        facts = self._inventory.facts_of(host)
        address = facts.address if facts else host
        bindable = address if facts and facts.bindable == address else ANY_ADDRESS
        endpoints = []
        for number, channel in enumerate(seat.task.bind if seat.task.mode in CONTROLLED else ()):
            port = next(ports) if channel.needs_port else None
            try:
                unique = f"{seat.id}-{number}"
                written = seat.task.written_path
                endpoints.append(
                    self._wiring.add(seat.task.path, host, address, channel, port, unique, bindable, written)
                )
            except PlanError as error:
                self._refused.append(str(error))
        return endpoints

    def _plan(self, seat: PlacedTask, bound: list[Endpoint]) -> PlannedTask | None:
        task, put = seat.task, seat.placement
        own = placement_variables(task, seat.id, put.host, put.control_port, self._environment)
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
            recovery=recovery_of(task),
            ends_data=task.ends_data,
        )

    def _channel_properties(self, seat: PlacedTask, bound: list[Endpoint]) -> dict[str, str]:
        if seat.task.mode not in CONTROLLED:
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


def planned_call(call: CallRole) -> PlannedCall:
    """Return the planned call of a call role."""
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


def planned_role(role: Role, ids: dict[str, TaskId]) -> PlannedRole:
    """Return the planned role of a workflow role, with the roles below it."""
    return PlannedRole(
        name=role.name,
        path=role.path,
        roles=tuple(planned_role(child, ids) for child in role.roles),
        task=ids[role.path] if role.task else None,
        tolerate=role.tolerate,
        detector=role.detector,
    )
