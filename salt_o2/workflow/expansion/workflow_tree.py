"""A workflow: what a template becomes when its roles are expanded. Values only."""

from dataclasses import dataclass, field

from salt_o2.core.placement.constraints import Constraint, ResourceDemand
from salt_o2.core.plan.channels import BoundChannel, ConnectedChannel
from salt_o2.core.plan.moments import Moment
from salt_o2.core.states import ControlMode
from salt_o2.workflow.problems import Place
from salt_o2.workflow.templates.task_template import TaskTemplate
from salt_o2.workflow.templates.variable_specs import Specification
from salt_o2.workflow.variables.stack import Stack


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TaskRole:
    """A leaf: one task to be placed and started."""

    path: str
    place: Place
    """Where the role is written."""
    template: TaskTemplate
    critical: bool
    constraints: tuple[Constraint, ...]
    bind: tuple[BoundChannel, ...]
    connect: tuple[ConnectedChannel, ...]
    stack: Stack
    trigger: Moment | None = None
    """When it runs, if it is a hook."""
    timeout_s: float = 30.0
    """How long a hook may run."""
    ends_data: bool = False
    """Whether exit code 0 of its program ends the data although it is not critical."""

    @property
    def class_name(self) -> str:
        """The name of its task template."""
        return self.template.name

    @property
    def mode(self) -> ControlMode:
        """How it is driven; a hook is, whatever its template says, started and waited for."""
        return ControlMode.HOOK if self.trigger else self.template.mode

    @property
    def wants(self) -> ResourceDemand:
        """What it needs of its host."""
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
    """A node of the expanded tree; either it has children, or it holds a task or a call."""

    name: str
    path: str
    roles: tuple["Role", ...] = ()
    task: TaskRole | None = None
    call: CallRole | None = None
    tolerate: int = 0
    """How many of its direct children it can lose and still be whole."""
    detector: str = ""
    """The detector that it belongs to, if any: its variable of that name."""


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
    """What is no fault, but not what its author may think it is."""
    variables: dict[str, str] = field(default_factory=dict)
    """The root role's consolidated stack."""
