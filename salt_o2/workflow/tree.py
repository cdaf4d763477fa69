"""A workflow: what a template becomes when its roles are expanded. Values only."""

from dataclasses import dataclass, field

from salt_o2.core.channel import Bound, Connected
from salt_o2.core.role import Constraint, Wants
from salt_o2.core.states import ControlMode
from salt_o2.workflow.problems import Place
from salt_o2.workflow.stack import Stack
from salt_o2.workflow.task_template import TaskTemplate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TaskRole:
    """A leaf: one task to be placed and started."""

    path: str
    place: Place
    """Where the role is written."""
    template: TaskTemplate
    critical: bool
    constraints: tuple[Constraint, ...]
    bind: tuple[Bound, ...]
    connect: tuple[Connected, ...]
    stack: Stack

    @property
    def class_name(self) -> str:
        """The name of its task template."""
        return self.template.name

    @property
    def mode(self) -> ControlMode:
        """How it is driven."""
        return self.template.mode

    @property
    def wants(self) -> Wants:
        """What it needs of its host."""
        return self.template.wants

    @property
    def variables(self) -> dict[str, str]:
        """All its variables: the consolidated stack, without the task template's own."""
        return self.stack.flattened()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Role:
    """A node of the expanded tree; either it has children or it holds a task."""

    name: str
    path: str
    roles: tuple["Role", ...] = ()
    task: TaskRole | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Workflow:
    """An expanded workflow."""

    name: str
    description: str
    revision: str
    root: Role
    tasks: tuple[TaskRole, ...]
    """All leaves, in the order of the tree."""
    variables: dict[str, str] = field(default_factory=dict)
    """The root role's consolidated stack."""
