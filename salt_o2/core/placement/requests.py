"""Define the request to the scheduler for one task, and its result."""

from dataclasses import dataclass, field

from salt_o2.core.ids import HostId
from salt_o2.core.placement.constraints import Constraint, ResourceDemand
from salt_o2.core.plan.plan import PlannedTask


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementRequest:
    """The needs of one task; ``channels`` is the number of ports that it binds for channels."""

    path: str
    constraints: tuple[Constraint, ...] = ()
    wants: ResourceDemand = field(default_factory=ResourceDemand)
    control_port: bool = False
    channels: int = 0
    before: PlannedTask | None = None
    """The task that this one replaces: its ports are used again, unless they were refused."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The placement of one task; its static ports are the request's."""

    host: HostId
    control_port: int | None
    channel_ports: tuple[int, ...]
