"""Expand role templates to roles, with all their values computed.

The parts of one role are computed in the order of AliECS (docs/handbook/configuration.md): enabled, defaults
and vars with what the role inherits; then the name, the task, the call or the include with all its variables;
then constraints and channels, which may use the role's own place. Entries of one block cannot use each other.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import count

from salt_o2.workflow.expansion.inheritance import InheritedScope, Own, UnseenEntries
from salt_o2.workflow.expansion.iteration import Iterations
from salt_o2.workflow.expansion.leaves import Leaves
from salt_o2.workflow.expansion.template_catalogue import TaskClasses, Workflows
from salt_o2.workflow.expansion.timing import losses_of
from salt_o2.workflow.expansion.workflow_tree import Role
from salt_o2.workflow.expressions.values import OPEN, Refused, shown
from salt_o2.workflow.limits import INCLUDES, ROLES
from salt_o2.workflow.problems import Problems
from salt_o2.workflow.sources.source import Source
from salt_o2.workflow.templates.role_template import RoleTemplate
from salt_o2.workflow.templates.text import Text, needs_of, open_value, rendered
from salt_o2.workflow.variables.stack import Block, Inherited, Layer, Position, Stack
from salt_o2.workflow.variables.user_variables import UserVariables

_EMPTY: Layer = {}
_TRUE = ("true", "1")


class _TooMany(Exception):
    """The workflow exceeds its limit."""


class Expansion:
    """Expands one workflow. Faults go to ``problems``; the affected parts are omitted."""

    def __init__(
        self,
        classes: TaskClasses,
        workflows: Workflows,
        problems: Problems,
        scale: Mapping[str, int],
        user: UserVariables,
    ) -> None:
        """Set up the expansion; ``scale`` has the requested number of instances of some iterators."""
        self.leaves = Leaves(classes, problems)
        self.iterations = Iterations(problems, scale)
        self.complete = True
        """Whether every enabled role and channel is present: none was left out because of a fault."""
        self.variables: dict[str, str] = {}
        """The root role's consolidated stack."""
        self._workflows = workflows
        self._user = user
        self._problems = problems
        self._unseen = UnseenEntries(problems, workflows.alone)
        self._count = 0
        self._holders: dict[str, str] = {}
        """By the path of each role, the path of its parent role."""

    def expand(self, root: RoleTemplate, inherited: Inherited, source: Source) -> Role | None:
        """Return the tree under ``root``, or ``None`` if it is disabled or has a fault."""
        if root.loop:
            self._problems.add(root.loop.place, "", "the root role cannot be an iterator")
            return None
        try:
            return self._role(root, InheritedScope(inherited, source), _EMPTY)
        except _TooMany:
            self.complete = False
            self._problems.add(root.place, "", f"a workflow of more than {ROLES:,} roles")
            return None

    def _children(self, templates: Iterable[RoleTemplate], outer: InheritedScope) -> tuple[Role, ...]:
        children: dict[str, Role] = {}
        for template in templates:
            found = [*self._locals(template, outer)]
            for locals_ in found:
                role = self._role(template, outer, locals_, children)
                if role is not None:
                    children[role.name] = role
            undecided = None if found else self._undecided_loop(template, outer)
            if undecided is not None:
                children.setdefault(undecided.name, undecided)
        return tuple(children.values())

    def _locals(self, template: RoleTemplate, outer: InheritedScope) -> Iterator[Layer]:
        loop = template.loop
        if loop is None:
            yield _EMPTY
            return
        stack = outer.inherited.stack(_EMPTY, _EMPTY, _EMPTY)
        before = self._problems.left_open
        values = self.iterations.values(template, loop, stack, outer.path)
        self.complete = self.complete and self._problems.left_open == before
        for value in values:
            yield Block({loop.var: value}, f"iterator at {loop.place}", {loop.var: loop}, stack)

    def _role(
        self, template: RoleTemplate, outer: InheritedScope, locals_: Layer, beside: Collection[str] = ()
    ) -> Role | None:
        """Return one role; ``beside`` are the names of the roles with the same parent before it."""
        self._count += 1
        if self._count > ROLES:
            raise _TooMany
        enabled = self._enabled(template, outer, locals_)
        if not enabled:
            return self._undecided(template, outer, locals_) if enabled is None else None
        own = self._own(template, outer.inherited, locals_, outer.path)
        if outer.inherited.position is None:
            self.variables = own.stack.flattened()
        position = self._position(template, own.stack, outer.inherited.position, beside)
        if position is None:
            self.complete = False
            return _open_role(template, outer.path, "name", template.name, own.stack)
        self._check_alone(template, position.path, outer.path)
        user = self._user.at(position.path, outer.inherited.user)
        if user is not outer.inherited.user:
            outer = replace(outer, inherited=replace(outer.inherited, user=user))
            own = replace(own, stack=outer.inherited.stack(own.locals, own.vars, own.defaults))
        return self._body(template, outer, own, position)

    def _check_alone(self, template: RoleTemplate, path: str, holder: str) -> None:
        """Refuse a path that a role elsewhere has: `a.b` beside a role `a` that contains `b`."""
        other = self._holders.setdefault(path, holder)
        if other != holder:
            where = f"in {other}" if other else "at the top"
            what = f"another role, {where}, has this path too: leave the dot out of one of the names"
            self._problems.add(template.place, path, what)

    def _body(
        self, template: RoleTemplate, outer: InheritedScope, own: Own, position: Position
    ) -> Role | None:
        """Return the role, given its name and its variables."""
        own.stack.here = position
        if template.task or template.call:
            return self._leaf(template, outer, own, position)
        if template.include:
            return self._included(template, template.include, outer, own, position)
        self.complete = self.complete and bool(template.roles)
        inner = outer.below(template, own, position, self._problems)
        children = self._children(template.roles, inner)
        if not children:
            return None
        losses = losses_of(template.tolerate, len(children), own.stack, position.path, self._problems)
        return Role(
            name=position.name,
            path=position.path,
            roles=children,
            tolerate=losses,
            detector=_detector(own.stack),
        )

    def _leaf(
        self, template: RoleTemplate, outer: InheritedScope, own: Own, position: Position
    ) -> Role | None:
        path, stack = position.path, own.stack
        inner = outer.leaf(template, own, position, self._problems)
        task = self.leaves.task(template, template.task, inner, stack, path) if template.task else None
        call = self.leaves.call(template, template.call, stack, path) if template.call else None
        if template.tolerate:
            self._problems.add(template.tolerate.place, path, "tolerate is for roles with children")
        if task is None and call is None:
            self.complete = False
            return _open_leaf(template, position, stack)
        return Role(name=position.name, path=path, task=task, call=call, detector=_detector(stack))

    def _included(
        self, template: RoleTemplate, include: Text, outer: InheritedScope, own: Own, position: Position
    ) -> Role | None:
        """Return the root role of the included workflow in the place of ``template``."""
        path = position.path
        reference = rendered(include, own.stack, path, self._problems)
        if reference is not None and not reference.strip():
            what = "include is empty here: it names no workflow; use enabled for a role that may not exist"
            self._problems.add(include.place, path, what)
            reference = None
        if outer.includes >= INCLUDES:
            what = f"{INCLUDES} nested includes of workflows: does one include itself?"
            self._problems.add(include.place, path, what)
            reference = None
        found = self._workflows.find(reference, outer.source, include.place, path) if reference else None
        if found is None:
            self.complete = False
            why = open_value("include", include, own.stack) or self._workflows.left_open(
                reference, include.place
            )
            return Role(name=position.name, path=path, left_open=why) if why else None
        root, source = found
        around = outer.around(template, own, position, source, self._problems)
        enabled = self._enabled(root, around, own.locals)
        if not enabled:
            return self._undecided(root, around, own.locals, position) if enabled is None else None
        inside = self._own(root, around.inherited, own.locals, path)
        if outer.inherited.position is None:
            self.variables = inside.stack.flattened()
        return self._body(root, around, inside, position)

    def _enabled(self, template: RoleTemplate, outer: InheritedScope, locals_: Layer) -> bool | None:
        """Return whether the role exists; ``None`` if that is not known here."""
        if template.enabled is None:
            return True
        stack = outer.inherited.stack(locals_, _EMPTY, _EMPTY)
        value = rendered(template.enabled, stack, outer.path, self._problems)
        self.complete = self.complete and value is not None
        return None if value is None else value.strip().lower() in _TRUE

    def _undecided(
        self, template: RoleTemplate, outer: InheritedScope, locals_: Layer, position: Position | None = None
    ) -> Role | None:
        """Return the role of which it is not known here whether it exists; ``None`` if that is a fault."""
        stack = outer.inherited.stack(locals_, _EMPTY, _EMPTY)
        if template.enabled is None or not needs_of(template.enabled, stack):
            return None
        if position:
            why = open_value("enabled", template.enabled, stack)
            return Role(name=position.name, path=position.path, left_open=why)
        return _open_role(template, outer.path, "enabled", template.enabled, stack)

    def _undecided_loop(self, template: RoleTemplate, outer: InheritedScope) -> Role | None:
        """Return the roles of an iterator whose values are not known here, as one role."""
        if template.loop is None:
            return None
        stack = outer.inherited.stack(_EMPTY, _EMPTY, _EMPTY)
        for text in (template.loop.range, template.loop.begin, template.loop.end):
            if text is not None and needs_of(text, stack):
                return _open_role(template, outer.path, "for", text, stack)
        return None

    def _own(self, template: RoleTemplate, inherited: Inherited, locals_: Layer, path: str) -> Own:
        stack = inherited.stack(locals_, _EMPTY, _EMPTY)
        defaults = vars_ = _EMPTY
        if template.defaults:
            defaults = self._block(template, "defaults", template.defaults, stack, path)
            stack = inherited.stack(locals_, _EMPTY, defaults)
        if template.vars:
            vars_ = self._block(template, "vars", template.vars, stack, path)
            stack = inherited.stack(locals_, vars_, defaults)
        return Own(locals_, vars_, defaults, stack)

    def _block(
        self, template: RoleTemplate, key: str, entries: dict[str, Text], stack: Stack, path: str
    ) -> Layer:
        unseen = self._unseen.used_in(template, key)
        values = {
            name: None
            if name in unseen and self._unseen.record(unseen[name], text, stack, path)
            else rendered(text, stack, path, self._problems)
            for name, text in entries.items()
        }
        known = {name: OPEN if value is None else value for name, value in values.items()}
        return Block(known, f"{key} at {template.place}", entries, stack)

    def _position(
        self, template: RoleTemplate, stack: Stack, parent: Position | None, beside: Collection[str]
    ) -> Position | None:
        above = parent.path if parent else ""
        name = rendered(template.name, stack, above, self._problems)
        if name is None:
            return None
        if not name or ":" in name or not name.isprintable() or any(map(str.isspace, name)):
            what = f"{shown(name)} cannot be a role's name: it is empty, or has a colon or blanks"
            self._problems.add(template.name.place, above, what)
            return None
        distinct = self._distinct(name, template, above, beside)
        return Position(distinct, parent, "" if distinct == name else name)

    def _distinct(self, name: str, template: RoleTemplate, above: str, beside: Collection[str]) -> str:
        """Return ``name``, with a number if a role beside it has this name: AliECS accepts equal names."""
        if name not in beside:
            return name
        advice = "; use the iterator's variable in its name" if template.loop else ""
        what = f"a role beside it has this name: its path here is {above}.{name}#2 and so on{advice}"
        self._problems.note(template.place, f"{above}.{name}", what)
        return next(each for each in (f"{name}#{number}" for number in count(2)) if each not in beside)


def _open_role(template: RoleTemplate, above: str, what: str, text: Text, stack: Stack) -> Role | None:
    """Return a role of which ``text`` is not known here; ``None`` if it is wrong, not open."""
    why = open_value(what, text, stack)
    name = template.name.written
    if what == "enabled":
        with suppress(Refused):
            name = template.name.render(stack)
    return Role(name=name, path=f"{above}.{name}" if above else name, left_open=why) if why else None


def _open_leaf(template: RoleTemplate, position: Position, stack: Stack) -> Role | None:
    """Return a leaf of which something is not known here; ``None`` if it is wrong, not open."""
    task, call = template.task, template.call
    texts = {"load": task.load, "trigger": task.trigger} if task else {}
    if call:
        texts = {"func": call.func, "trigger": call.trigger, "await": call.until, "return": call.result}
    for what, text in texts.items():
        why = open_value(what, text, stack) if text is not None else ""
        if why:
            return Role(name=position.name, path=position.path, left_open=why)
    return None


def _detector(stack: Stack) -> str:
    found = stack.find("detector")
    return found if isinstance(found, str) else ""
