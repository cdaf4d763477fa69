"""Define a plan: the host, command, ports and properties of each task, before any task starts."""

from dataclasses import dataclass, field

from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.plan.launch import Launch
from salt_o2.core.plan.moments import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRole:
    """A node of the workflow: its children, or its one task."""

    name: str
    path: str
    """Names from the root on, joined by dots."""
    roles: tuple["PlannedRole", ...] = ()
    task: TaskId | None = None
    tolerate: int = 0
    """How many of its direct children may be lost."""
    detector: str = ""
    """The detector of the role and of all roles below it, if any."""


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
    """The properties that CONFIGURE pushes: ``chans.*``, the template's properties, ``environment_id``."""
    cpu: float = 0.0
    memory_mb: float = 0.0
    ports: tuple[int, ...] = ()
    """All TCP ports that the plan allocated for the task: control, channels and static ports."""
    trigger: Moment | None = None
    """The moment of a hook: the hook starts at that moment and must exit with code 0."""
    timeout_s: float = 30.0
    """How long a hook may run, in seconds."""
    recovery: str = "fail"
    """The policy for its failure, see core/tasks/restarts: ``restart``, ``ignore``, ``stop`` or ``fail``."""
    ends_data: bool = False
    """Whether exit code 0 of its program ends the data although the task is not critical."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCall:
    """A function of an integration, called around a transition."""

    path: str
    func: str
    """The call as the template writes it, for example ``trg.RunStart()``; evaluated when control calls it."""
    trigger: Moment
    until: Moment
    """The moment that waits for its end (``await`` in templates)."""
    result: str = ""
    """The variable that stores its result (``return`` in templates)."""
    timeout_s: float = 30.0
    critical: bool = True
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The tasks and calls of one environment."""

    workflow: str
    revision: str
    """The revision of the templates: a git commit, or a digest of the files."""
    root: PlannedRole
    tasks: tuple[PlannedTask, ...]
    calls: tuple[PlannedCall, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    """The root role's variables, consolidated (for timeouts and times of runs)."""
