"""A plan: who runs where, with which command, ports and properties, before anything is started."""

from dataclasses import dataclass, field

from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.plan.launch import Launch
from salt_o2.core.plan.moments import Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRole:
    """A node of the workflow: its children, or the one task it holds."""

    name: str
    path: str
    """Names from the root on, joined by dots."""
    roles: tuple["PlannedRole", ...] = ()
    task: TaskId | None = None
    tolerate: int = 0
    """How many of its direct children it can lose and still be whole."""
    detector: str = ""
    """The detector that it and all below it belong to, if any."""


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
    trigger: Moment | None = None
    """When it runs, if it is a hook: it is started at that moment and must end by itself with exit code 0."""
    timeout_s: float = 30.0
    """How long a hook may run."""
    recovery: str = "fail"
    """What its failure leads to, see core/tasks/restarts: ``restart``, ``ignore``, ``stop`` or ``fail``."""
    ends_data: bool = False
    """Whether exit code 0 of its program is an end of the data although it is not critical."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCall:
    """A function of an integration, called around a transition."""

    path: str
    func: str
    """As the template has it, for example ``trg.RunStart()``; evaluated when it is called."""
    trigger: Moment
    until: Moment
    """The moment that waits for its end (``await`` in templates)."""
    result: str = ""
    """The variable that takes what it returns (``return`` in templates)."""
    timeout_s: float = 30.0
    critical: bool = True
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one environment will be made of."""

    workflow: str
    revision: str
    """What the templates were read from: a git commit, or a digest of the files."""
    root: PlannedRole
    tasks: tuple[PlannedTask, ...]
    calls: tuple[PlannedCall, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    """The root role's variables, consolidated (for timeouts and times of runs)."""
