"""What is asked of the scheduler for one task, and what comes of it."""

from dataclasses import dataclass, field

from salt_o2.core.ids import HostId
from salt_o2.core.placement.constraints import Constraint, ResourceDemand
from salt_o2.core.plan.plan import PlannedTask


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementRequest:
    """What one task needs; ``channels`` is how many ports it binds for channels."""

    path: str
    constraints: tuple[Constraint, ...] = ()
    wants: ResourceDemand = field(default_factory=ResourceDemand)
    control_port: bool = False
    channels: int = 0
    before: PlannedTask | None = None
    """The task that this one replaces: ports of it that were not refused are taken again."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one task goes; its static ports are the request's."""

    host: HostId
    control_port: int | None
    channel_ports: tuple[int, ...]
