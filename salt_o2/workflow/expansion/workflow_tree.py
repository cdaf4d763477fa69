"""Define a workflow: the expanded roles of a template. Values only."""

from dataclasses import dataclass, field

from salt_o2.core.placement.constraints import Constraint, ResourceDemand
from salt_o2.core.plan.channels import BoundChannel, ConnectedChannel
from salt_o2.core.plan.moments import Moment
from salt_o2.core.states import ControlMode
from salt_o2.workflow.problems import Place
from salt_o2.workflow.templates.role_template import RoleTemplate
from salt_o2.workflow.templates.task_template import TaskTemplate
from salt_o2.workflow.templates.variable_specs import Specification
from salt_o2.workflow.variables.stack import Stack


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TaskRole:
    """A leaf: one task to be placed and started."""

    path: str
    place: Place
    """The place of the role in its template."""
    template: TaskTemplate
    critical: bool
    constraints: tuple[Constraint, ...]
    bind: tuple[BoundChannel, ...]
    connect: tuple[ConnectedChannel, ...]
    stack: Stack
    trigger: Moment | None = None
    """The moment of a hook."""
    timeout_s: float = 30.0
    """How long a hook may run, in seconds."""
    ends_data: bool = False
    """Whether exit code 0 of its program ends the data although the task is not critical."""
    left_open: tuple[str, ...] = ()
    """Its constraints and channels that are not known where the template is checked alone."""

    @property
    def written_path(self) -> str:
        """The path as targets in templates may name it: without the numbers of roles that have one name."""
        return self.stack.here.written if self.stack.here else self.path

    @property
    def class_name(self) -> str:
        """The name of its task template."""
        return self.template.name

    @property
    def mode(self) -> ControlMode:
        """The control mode; a hook is started and waited for, whatever mode its template sets."""
        return ControlMode.HOOK if self.trigger else self.template.mode

    @property
    def wants(self) -> ResourceDemand:
        """The demands of the task on its host."""
        return self.template.wants

    @property
    def variables(self) -> dict[str, str]:
        """All its variables: the consolidated stack, without the task template's own."""
        return self.stack.flattened()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CallRole:
    """A leaf without a process: a function of an integration, called at a moment."""

    path: str
    place: Place
    func: str
    trigger: Moment
    until: Moment
    result: str
    timeout_s: float
    critical: bool
    stack: Stack

    @property
    def variables(self) -> dict[str, str]:
        """All its variables: the consolidated stack."""
        return self.stack.flattened()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Role:
    """A node of the expanded tree; either it has children, or it has a task or a call."""

    name: str
    path: str
    roles: tuple["Role", ...] = ()
    task: TaskRole | None = None
    call: CallRole | None = None
    tolerate: int = 0
    """How many of its direct children may be lost."""
    detector: str = ""
    """The detector of the role, if any: its variable of that name."""
    left_open: str = ""
    """Why it is not known here whether the role exists, or what it holds; only where a check is alone."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Workflow:
    """An expanded workflow."""

    name: str
    description: str
    revision: str
    root: Role
    tasks: tuple[TaskRole, ...]
    """All leaves with a task, in the order of the tree."""
    calls: tuple[CallRole, ...] = ()
    """All leaves with a call, in the order of the tree."""
    specifications: dict[str, Specification] = field(default_factory=dict)
    """The variables that are described for forms, by name."""
    notes: tuple[str, ...] = ()
    """Notes for the author: no faults, but possibly not what the author intended."""
    variables: dict[str, str] = field(default_factory=dict)
    """The root role's consolidated stack."""
    written: tuple[RoleTemplate, ...] = ()
    """Its template and those of the workflows that it includes."""
    warnings: tuple[str, ...] = ()
    """What the user of this expansion should know, such as variables that nothing reads."""
