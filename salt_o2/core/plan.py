"""A plan: who runs where, with which command, ports and properties, before anything is started."""

from dataclasses import dataclass, field

from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.launch import Launch


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRole:
    """A node of the workflow: its children, or the one task it holds."""

    name: str
    path: str
    """Names from the root on, joined by dots."""
    roles: tuple["PlannedRole", ...] = ()
    task: TaskId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTask:
    """One process of the plan."""

    id: TaskId
    path: str
    """The path of its role."""
    class_name: str
    host: HostId
    critical: bool
    launch: Launch
    properties: dict[str, str]
    """What CONFIGURE pushes: channels (``chans.*``), the template's properties, ``environment_id``."""
    cpu: float = 0.0
    memory_mb: float = 0.0
    ports: tuple[int, ...] = ()
    """All TCP ports that the plan took for it: control, channels and static ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one environment will be made of."""

    workflow: str
    revision: str
    """What the templates were read from: a git commit, or a digest of the files."""
    root: PlannedRole
    tasks: tuple[PlannedTask, ...]
    variables: dict[str, str] = field(default_factory=dict)
    """The root role's variables, consolidated (for timeouts and times of runs)."""
