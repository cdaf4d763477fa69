"""Compute what a role inherits from the roles above it, and what it adds for its children."""

from dataclasses import dataclass, replace

from salt_o2.core.placement.constraints import Constraint, merged_constraints
from salt_o2.workflow.expressions.evaluation.expression import MISSING
from salt_o2.workflow.problems import Problems
from salt_o2.workflow.sources.source import Source
from salt_o2.workflow.templates import channel_template
from salt_o2.workflow.templates.channel_template import render_channels
from salt_o2.workflow.templates.role_template import RoleTemplate
from salt_o2.workflow.templates.task_template import ConstraintTemplate
from salt_o2.workflow.templates.text import Text, open_value, rendered
from salt_o2.workflow.variables.stack import Inherited, Layer, Position, Stack


@dataclass(frozen=True, slots=True)
class Own:
    """The own variables of a role, after their computation."""

    locals: Layer
    vars: Layer
    defaults: Layer
    stack: Stack


@dataclass(frozen=True, slots=True)
class InheritedScope:
    """What roles pass to their children: variables, constraints, channels, and the source of templates."""

    inherited: Inherited
    source: Source
    constraints: tuple[Constraint, ...] = ()
    bind: tuple[channel_template.Layer, ...] = ()
    connect: tuple[channel_template.Layer, ...] = ()
    includes: int = 0
    """Number of nested includes of workflows at this place."""
    open_constraints: tuple[str, ...] = ()
    """Constraints of the roles above that are not known here."""

    @property
    def path(self) -> str:
        """The path of the role above."""
        return self.inherited.position.path if self.inherited.position else ""

    def below(
        self, template: RoleTemplate, own: Own, position: Position, problems: Problems
    ) -> "InheritedScope":
        """Return what the role at ``position`` passes to its children."""
        inherited = self.inherited.below(position, own.locals, own.vars, own.defaults)
        return self._with(template, own, position, inherited, problems)

    def leaf(
        self, template: RoleTemplate, own: Own, position: Position, problems: Problems
    ) -> "InheritedScope":
        """Return what applies to the leaf at ``position`` itself, which has no children."""
        return self._with(template, own, position, self.inherited, problems)

    def around(
        self, template: RoleTemplate, own: Own, position: Position, source: Source, problems: Problems
    ) -> "InheritedScope":
        """Return what an include role at ``position`` adds around the workflow of ``source``.

        The two are one role: they have the same place in the tree, and the included layers come on top.
        """
        around = self.inherited.around(own.locals, own.vars, own.defaults)
        inherited = replace(around, folder=getattr(source, "path", None))
        made = self._with(template, own, position, inherited, problems)
        return replace(made, source=source, includes=self.includes + 1)

    def _with(
        self, template: RoleTemplate, own: Own, position: Position, inherited: Inherited, problems: Problems
    ) -> "InheritedScope":
        path = position.path
        bind = render_channels(template.bind, own.stack, path, problems)
        connect = render_channels(template.connect, own.stack, path, problems)
        mine, left_open = render_constraints(template.constraints, own.stack, path, problems)
        return InheritedScope(
            inherited,
            self.source,
            merged_constraints(self.constraints, mine) if mine else self.constraints,
            (*self.bind, bind) if bind else self.bind,
            (*self.connect, connect) if connect else self.connect,
            self.includes,
            (*self.open_constraints, *left_open),
        )


class UnseenEntries:
    """Entries of ``defaults`` and ``vars`` that use other entries of their role, which they do not see.

    A form gives all public variables, so in a check without a user such a use is open, not wrong.
    """

    def __init__(self, problems: Problems, alone: bool) -> None:
        self._problems = problems
        self._alone = alone
        """Whether an author checks the template, without the variables that a form gives."""
        self._found: dict[tuple[int, str], dict[str, dict[str, bool]]] = {}

    def used_in(self, template: RoleTemplate, block: str) -> dict[str, dict[str, bool]]:
        """Return by entry of ``block`` the unseen names that it uses, each with whether it is public."""
        key = (id(template), block)
        if key not in self._found:
            self._found[key] = _unseen(template, block)
        return self._found[key]

    def record(self, used: dict[str, bool], text: Text, stack: Stack, path: str) -> bool:
        """Record the first of the names in ``used`` that has no value; return whether there is one."""
        for name, is_public in used.items():
            if stack.find(name) is not MISSING:
                continue
            if is_public and self._alone:
                what = f"{name}, a public variable of the same role: known if a form gives it"
                self._problems.leave_open(text.place, path, what)
            else:
                what = f"unknown variable {name}: entries of one block do not see each other"
                self._problems.add(text.place, path, what)
            return True
        return False


def _unseen(template: RoleTemplate, block: str) -> dict[str, dict[str, bool]]:
    entries = template.defaults if block == "defaults" else template.vars
    names = {**template.defaults, **template.vars} if block == "defaults" else template.vars
    public = {each.name for each in template.specifications}
    found: dict[str, dict[str, bool]] = {}
    for entry, text in entries.items():
        used = {name for each in text.expressions for name in each.required if name in names}
        if used:
            found[entry] = {name: name in public for name in sorted(used)}
    return found


def render_constraints(
    templates: tuple[ConstraintTemplate, ...], stack: Stack, path: str, problems: Problems
) -> tuple[tuple[Constraint, ...], tuple[str, ...]]:
    """Return the constraints that ``templates`` produce at the role of ``stack``, and those left open."""
    found, left_open = [], []
    for each in templates:
        value = rendered(each.value, stack, path, problems)
        if value is not None:
            found.append(Constraint(each.attribute, value))
        elif why := open_value("value", each.value, stack):
            left_open.append(f"constraint {each.attribute} {why}")
    return tuple(found), tuple(left_open)
