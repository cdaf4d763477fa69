"""Expansion: from roles as they are written to roles as they will be, with all their values worked out.

The order in which the parts of one role are worked out is AliECS's (docs/handbook/configuration.md):
enabled, defaults and vars with what the role inherits; then the name with all its variables; then
constraints and channels, which know the role's own place too. Entries of one block do not see each other.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from salt_o2.core.channel import Bound, Connected
from salt_o2.core.role import Constraint, merged_constraints
from salt_o2.core.states import ControlMode
from salt_o2.workflow import channel_template
from salt_o2.workflow.catalogue import TaskClasses, unknown_names
from salt_o2.workflow.channel_template import make_bound, make_connected, render_channels
from salt_o2.workflow.limits import ITERATIONS, ROLES
from salt_o2.workflow.problems import Place, Problems
from salt_o2.workflow.role_template import Loop, RoleTemplate, TaskLoad
from salt_o2.workflow.stack import Inherited, Layer, Position, Stack
from salt_o2.workflow.task_template import ConstraintTemplate, TaskTemplate
from salt_o2.workflow.text import Text, rendered
from salt_o2.workflow.tree import Role, TaskRole
from salt_o2.workflow.values import shown, text_of

_EMPTY: Layer = {}
_UNSCALED: Mapping[str, int] = {}
_TRUE = ("true", "1")


class Wanted(NamedTuple):
    """What a task wants to connect to."""

    path: str
    place: Place
    channel: Connected


class _TooMany(Exception):
    """The workflow grows beyond its limit."""


@dataclass(frozen=True, slots=True)
class _Outer:
    """What a role gets from the roles above it."""

    inherited: Inherited
    constraints: tuple[Constraint, ...] = ()
    bind: tuple[channel_template.Layer, ...] = ()
    connect: tuple[channel_template.Layer, ...] = ()

    @property
    def path(self) -> str:
        return self.inherited.position.path if self.inherited.position else ""


@dataclass(frozen=True, slots=True)
class _Own:
    """A role's own variables, once they are worked out."""

    locals: Layer
    vars: Layer
    defaults: Layer
    stack: Stack


class Expansion:
    """Expands one workflow. Faults go to ``problems``; what they spoil is left out."""

    def __init__(
        self, classes: TaskClasses, problems: Problems, scale: Mapping[str, int] = _UNSCALED
    ) -> None:
        """``scale`` has the wanted number of instances of some iterators, by the part of their names
        before the iterator's variable, with or without the path above it."""
        self.scale = dict(scale)
        """What of it has met no iterator yet."""
        self._scale = dict(scale)
        self.tasks: list[TaskRole] = []
        self.wanted: list[Wanted] = []
        self.complete = True
        """Whether every role and channel that is enabled is there: none was left out for a fault."""
        self.variables: dict[str, str] = {}
        """The root role's consolidated stack."""
        self._classes = classes
        self._problems = problems
        self._count = 0
        self._checked: set[tuple[int, str]] = set()

    def expand(self, root: RoleTemplate, inherited: Inherited) -> Role | None:
        """Return the tree under ``root``, or ``None`` if it is disabled or wrong."""
        if root.loop:
            self._problems.add(root.loop.place, "", "the root role cannot be an iterator")
            return None
        try:
            return self._role(root, _Outer(inherited), _EMPTY)
        except _TooMany:
            self.complete = False
            self._problems.add(root.place, "", f"a workflow of more than {ROLES:,} roles")
            return None

    def _children(self, templates: Iterable[RoleTemplate], outer: _Outer) -> tuple[Role, ...]:
        children: dict[str, Role] = {}
        for template in templates:
            for locals_ in self._iterations(template, outer):
                role = self._role(template, outer, locals_)
                if role is None:
                    continue
                if role.name in children:
                    advice = "; use the iterator's variable in its name" if template.loop else ""
                    what = f"a second role of this name beside it{advice}"
                    self._problems.add(template.place, role.path, what)
                children[role.name] = role
        return tuple(children.values())

    def _iterations(self, template: RoleTemplate, outer: _Outer) -> Iterator[Layer]:
        if template.loop is None:
            yield _EMPTY
            return
        stack = outer.inherited.stack(_EMPTY, _EMPTY, _EMPTY)
        values = self._values(template.loop, stack, outer.path)
        for value in self._scaled(template, outer.path, values):
            yield {template.loop.var: value}

    def _scaled(self, template: RoleTemplate, above: str, values: Iterable[str]) -> Iterable[str]:
        """Return as many values as the user wants of this iterator: numbers go on, lists are cut."""
        first_part = template.name.parts[0] if template.name.parts else ""
        prefix = first_part if isinstance(first_part, str) else ""
        name = next((name for name in (f"{above}.{prefix}", prefix) if name in self._scale), None)
        if name is None:
            return values
        self.scale.pop(name, None)
        wanted, known = self._scale[name], list(values)
        if template.loop and not template.loop.range and known:
            first = int(known[0])
            return map(str, range(first, first + min(wanted, ITERATIONS)))
        if wanted > len(known):
            what = f"cannot be scaled to {wanted}: its range has {len(known)} values"
            self._problems.add(template.place, above, what)
        return known[:wanted]

    def _values(self, loop: Loop, stack: Stack, path: str) -> Iterable[str]:
        if loop.range:
            return self._listed(loop.range, stack, path)
        begin, end = self._integer(loop.begin, stack, path), self._integer(loop.end, stack, path)
        if begin is None or end is None:
            return ()
        if end - begin >= ITERATIONS:
            self._problems.add(
                loop.place, path, f"an iterator from {begin} to {end} makes more than {ITERATIONS:,} roles"
            )
            return ()
        return map(str, range(begin, end + 1))

    def _integer(self, text: Text | None, stack: Stack, path: str) -> int | None:
        value = rendered(text, stack, path, self._problems) if text else None
        if text is None or value is None:
            return None
        try:
            return int(value)
        except ValueError:
            self._problems.add(
                text.place, path, f"begin and end of an iterator are whole numbers, not {value!r}"
            )
            return None

    def _listed(self, text: Text, stack: Stack, path: str) -> Iterable[str]:
        value = rendered(text, stack, path, self._problems)
        if value is None:
            return ()
        try:
            values = json.loads(value)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, list) or any(isinstance(each, list | dict) for each in values):
            self._problems.add(text.place, path, f"range must be a JSON list of texts, not {value[:80]!r}")
            return ()
        if len(values) > ITERATIONS:
            self._problems.add(text.place, path, f"an iterator over more than {ITERATIONS:,} values")
            return ()
        return map(text_of, values)

    def _role(self, template: RoleTemplate, outer: _Outer, locals_: Layer) -> Role | None:
        self._count += 1
        if self._count > ROLES:
            raise _TooMany
        if not self._enabled(template, outer.inherited.stack(locals_, _EMPTY, _EMPTY), outer.path):
            return None
        own = self._own(template, outer.inherited, locals_, outer.path)
        if outer.inherited.position is None:
            self.variables = own.stack.flattened()
        position = self._position(template, own.stack, outer.inherited.position)
        if position is None:
            self.complete = False
            return None
        own.stack.here = position
        if template.task:
            return self._task_role(template, template.task, outer, own, position)
        self.complete = self.complete and bool(template.roles)
        inner = self._inner(template, outer, own, position)
        children = self._children(template.roles, inner)
        return Role(name=position.name, path=position.path, roles=children) if children else None

    def _enabled(self, template: RoleTemplate, stack: Stack, path: str) -> bool:
        if template.enabled is None:
            return True
        value = rendered(template.enabled, stack, path, self._problems)
        self.complete = self.complete and value is not None
        return value is not None and value.strip().lower() in _TRUE

    def _own(self, template: RoleTemplate, inherited: Inherited, locals_: Layer, path: str) -> _Own:
        stack = inherited.stack(locals_, _EMPTY, _EMPTY)
        defaults = vars_ = _EMPTY
        if template.defaults:
            defaults = self._entries(template.defaults, stack, path)
            stack = inherited.stack(locals_, _EMPTY, defaults)
        if template.vars:
            vars_ = self._entries(template.vars, stack, path)
            stack = inherited.stack(locals_, vars_, defaults)
        return _Own(locals_, vars_, defaults, stack)

    def _entries(self, entries: dict[str, Text], stack: Stack, path: str) -> Layer:
        return {name: rendered(text, stack, path, self._problems) or "" for name, text in entries.items()}

    def _position(self, template: RoleTemplate, stack: Stack, parent: Position | None) -> Position | None:
        above = parent.path if parent else ""
        name = rendered(template.name, stack, above, self._problems)
        if name is None:
            return None
        if not name or name != name.strip() or ":" in name or not name.isprintable():
            what = f"{shown(name)} cannot be a role's name: it is empty, has a colon, or blanks around it"
            self._problems.add(template.name.place, above, what)
            return None
        return Position(name, parent)

    def _inner(self, template: RoleTemplate, outer: _Outer, own: _Own, position: Position) -> _Outer:
        path = position.path
        bind = render_channels(template.bind, own.stack, path, self._problems)
        connect = render_channels(template.connect, own.stack, path, self._problems)
        return _Outer(
            outer.inherited.below(position, own.locals, own.vars, own.defaults),
            merged_constraints(outer.constraints, self._constraints(template.constraints, own.stack, path)),
            (*outer.bind, bind) if bind else outer.bind,
            (*outer.connect, connect) if connect else outer.connect,
        )

    def _constraints(
        self, templates: tuple[ConstraintTemplate, ...], stack: Stack, path: str
    ) -> tuple[Constraint, ...]:
        values = ((each.attribute, rendered(each.value, stack, path, self._problems)) for each in templates)
        return tuple(Constraint(attribute, value) for attribute, value in values if value is not None)

    def _task_role(
        self, template: RoleTemplate, task: TaskLoad, outer: _Outer, own: _Own, position: Position
    ) -> Role | None:
        path, stack = position.path, own.stack
        name = rendered(task.load, stack, path, self._problems)
        found = self._classes.find(name, task.load.place, path) if name is not None else None
        if found is None:
            self.complete = False
            return None
        self._check_names(template, found, stack, path)
        leaf = self._leaf(template, task, found, self._inner(template, outer, own, position), stack, path)
        self.tasks.append(leaf)
        return Role(name=position.name, path=path, task=leaf)

    def _leaf(
        self,
        template: RoleTemplate,
        task: TaskLoad,
        found: TaskTemplate,
        inner: _Outer,
        stack: Stack,
        path: str,
    ) -> TaskRole:
        bound, connected = self._channels(found, inner, stack, path)
        self.wanted.extend(Wanted(path, place, channel) for channel, place in connected)
        return TaskRole(
            path=path,
            place=template.place,
            template=found,
            critical=task.critical,
            constraints=merged_constraints(
                self._constraints(found.constraints, stack, path), inner.constraints
            ),
            bind=bound,
            connect=tuple(channel for channel, _ in connected),
            stack=stack,
        )

    def _channels(
        self, found: TaskTemplate, inner: _Outer, stack: Stack, path: str
    ) -> tuple[tuple[Bound, ...], tuple[tuple[Connected, Place], ...]]:
        """Return the channels of a task: its template's below those of the roles around it."""
        if found.mode is ControlMode.BASIC:  # roles above it may give channels, meant for others
            return (), ()
        before = len(self._problems)
        bind = render_channels(found.bind, stack, path, self._problems)
        connect = render_channels(found.connect, stack, path, self._problems)
        bound = make_bound((bind, *inner.bind), path, self._problems)
        connected = make_connected((connect, *inner.connect), path, self._problems)
        self.complete = self.complete and len(self._problems) == before
        return bound, connected

    def _check_names(self, role: RoleTemplate, found: TaskTemplate, stack: Stack, path: str) -> None:
        """Note names that the task template needs and the role does not give; once for each pair of these.

        Which names a role has depends on where it is written alone, not on the values of iterators.
        """
        if (id(role), found.name) in self._checked:
            return
        self._checked.add((id(role), found.name))
        for text, name, known in unknown_names(found, stack.names()):
            self._problems.add(text.place, path, f"unknown variable {name}", name, known)
