"""Variables in layers: the value of a name at one role, without copies of its ancestors' variables.

Strongest first: what the iterator sets, the user's variables, ``vars`` from the role up to the root, the
site's vars, ``defaults`` from the role up to the root, the site's defaults; for a task its template's vars
and defaults come last (AliECS's order, docs/handbook/configuration.md). Below all of them ``Parent()``,
``Up(n)`` and ``This()``.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from salt_o2.workflow.expressions.evaluation.expression import MISSING, Expression
from salt_o2.workflow.expressions.functions.aliecs import UTIL
from salt_o2.workflow.expressions.functions.catalogue import FUNCTIONS
from salt_o2.workflow.expressions.functions.signatures import Function, function
from salt_o2.workflow.expressions.rendering import text_of
from salt_o2.workflow.expressions.static_types import STRING
from salt_o2.workflow.expressions.values import (
    Attributes,
    Namespace,
    NotHere,
    Open,
    Refused,
    is_integer,
    kind_of,
)
from salt_o2.workflow.variables.site_services import NOWHERE, Services

Layer = Mapping[str, Any]


class Written(Protocol):
    """The text of a template from which a variable was computed."""

    @property
    def expressions(self) -> Iterator[Expression]:
        """The expressions in it."""


class Block(dict[str, Any]):
    """One block of variables, with its place in the template."""

    __slots__ = ("origin", "seen", "written")

    def __init__(
        self,
        entries: Mapping[str, Any],
        origin: str,
        written: Mapping[str, Written] = MappingProxyType({}),
        seen: "Stack | None" = None,
    ) -> None:
        """Set the entries; they were computed from ``written`` with the variables that were ``seen``."""
        super().__init__(entries)
        self.origin = origin
        self.written = written
        self.seen = seen


class Position(Attributes):
    """A role as expressions see it; printing it prints its path."""

    __slots__ = ("above", "name", "path", "written")
    fields = frozenset({"name", "Name", "path", "Path"})

    def __init__(self, name: str, above: "Position | None", written: str = "") -> None:
        """Set the name, the parent, and the name as the template has it, if that is another one."""
        self.name = name
        self.above = above
        self.path: str = f"{above.path}.{name}" if above else name
        self.written: str = self.path
        """The path without the numbers of roles that have one name."""
        if above and (written or above.written is not above.path):
            self.written = f"{above.written}.{written or name}"

    def __str__(self) -> str:
        """Return the role's path."""
        return self.path

    @property
    def Name(self) -> str:
        """The role's name, in the templates' spelling."""
        return self.name

    @property
    def Path(self) -> str:
        """The role's path, in the templates' spelling."""
        return self.path


class Stack:
    """The layers of one role, and where the role stands in the tree."""

    __slots__ = ("above", "folder", "here", "layers", "services")

    def __init__(
        self,
        layers: tuple[Layer, ...],
        above: Position | None,
        here: Position | None = None,
        services: Services = NOWHERE,
        folder: Path | None = None,
    ) -> None:
        self.layers = layers
        self.services = services
        self.folder = folder
        """Where the templates of the role come from, if that is a directory."""
        self.above = above
        """The role's parent; ``None`` at the root."""
        self.here = here
        """The role itself, once its name is known."""

    def find(self, name: str) -> Any:
        """Return the value of ``name`` here, or MISSING."""
        for layer in self.layers:
            if name in layer:
                return layer[name]
        bound = _BOUND.get(name) or self.services.get(name)
        return bound(self) if bound else MISSING

    def layer_of(self, name: str) -> Layer | None:
        """Return the layer that gives the variable ``name`` its value; ``None`` if no layer does."""
        return next((layer for layer in self.layers if name in layer), None)

    def names(self) -> Iterator[str]:
        """Return every name that is defined or open here; some occur more than once."""
        for layer in self.layers:
            yield from getattr(layer, "known", ())
        yield from self.given()

    def given(self) -> Iterator[str]:
        """Return every name that has a value here; some occur more than once."""
        for layer in self.layers:
            yield from layer
        yield from _BOUND
        yield from self.services
        yield from FUNCTIONS

    def flattened(self) -> dict[str, str]:
        """Return all variables as one mapping: the consolidated stack."""
        merged: dict[str, Any] = {}
        for layer in reversed(self.layers):
            merged.update(layer)
        return {name: "" if isinstance(value, Open) else value for name, value in merged.items()}

    def origins(self) -> dict[str, str]:
        """Return where each variable's value comes from."""
        merged: dict[str, str] = {}
        for layer in reversed(self.layers):
            merged.update(dict.fromkeys(layer, getattr(layer, "origin", "")))
        return merged

    @property
    def checked_alone(self) -> bool:
        """Whether an author checks the template, which other workflows may include."""
        return any(hasattr(layer, "known") for layer in self.layers)

    def over(self, *below: Layer) -> "Stack":
        """Return these layers with weaker ones below."""
        layers = (*self.layers, *(layer for layer in below if layer))
        return Stack(layers, self.above, self.here, self.services, self.folder)

    def under(self, *over: Layer) -> "Stack":
        """Return these layers with stronger ones on top."""
        return Stack((*over, *self.layers), self.above, self.here, self.services, self.folder)


@dataclass(frozen=True, slots=True)
class Inherited:
    """The layers that a role passes to its children."""

    user: Layer
    site_vars: Layer
    site_defaults: Layer
    outside: Layer = field(default_factory=dict)
    """The names from outside, where an author checks a template: the weakest layer."""
    vars: tuple[Layer, ...] = ()
    defaults: tuple[Layer, ...] = ()
    position: Position | None = None
    services: Services = field(default_factory=lambda: NOWHERE)
    folder: Path | None = None
    """Where the templates come from, if that is a directory."""

    def stack(self, locals_: Layer, vars_: Layer, defaults: Layer) -> Stack:
        """Return the layers of a child with these own entries."""
        layers = (
            locals_,
            self.user,
            vars_,
            *self.vars,
            self.site_vars,
            defaults,
            *self.defaults,
            self.site_defaults,
            self.outside,
        )
        known = tuple([layer for layer in layers if layer])
        return Stack(known, self.position, None, self.services, self.folder)

    def below(self, position: Position, locals_: Layer, vars_: Layer, defaults: Layer) -> "Inherited":
        """Return the layers for the child's own children; its iterator's variable is a var to them."""
        return self._around(locals_, vars_, defaults, position)

    def around(self, locals_: Layer, vars_: Layer, defaults: Layer) -> "Inherited":
        """Return the layers that a role with these own entries puts around another role in its place."""
        return self._around(locals_, vars_, defaults, self.position)

    def _around(
        self, locals_: Layer, vars_: Layer, defaults: Layer, position: Position | None
    ) -> "Inherited":
        mine = tuple([layer for layer in (locals_, vars_) if layer])
        return Inherited(
            self.user,
            self.site_vars,
            self.site_defaults,
            self.outside,
            (*mine, *self.vars) if mine else self.vars,
            (defaults, *self.defaults) if defaults else self.defaults,
            position,
            self.services,
            self.folder,
        )


def _here(stack: Stack) -> Position:
    if stack.here is None:
        raise Refused(
            "This() is not known yet where a role's name, enabled, defaults and vars are worked out"
        )
    return stack.here


def _up(stack: Stack, levels: Any = 1) -> Position:
    if not is_integer(levels):
        raise Refused(f"Up(n) takes a whole number, not {kind_of(levels)}")
    found = stack.above
    for _ in range(min(levels, 1_000) - 1):
        found = found.above if found else None
    if levels < 1:
        raise Refused("Up(n) takes 1 or more")
    if found is None and stack.checked_alone:
        raise NotHere("the role above the root, where another workflow includes this one")
    if found is None:
        raise Refused("there is no role above the root")
    return found


def _prefixed_override(stack: Stack, variable: Any, prefix: Any) -> str:
    """Return ``<prefix>_<variable>`` if that says something, else ``variable``; ``none`` says nothing."""
    for name in (f"{prefix}_{variable}", str(variable)):
        value = stack.find(name)
        if isinstance(value, Open):
            raise value.refuse(name)
        if isinstance(value, str) and value.strip() not in ("", "none"):
            return value
    return ""


def _dump(stack: Stack, text: Any, path: Any) -> str:
    """Return ``text``, which the site may write to a file called ``path``."""
    write = stack.services.get("Dump")
    if write:
        write(stack)(text_of(text), text_of(path))
    return text_of(text)


def _override_of(stack: Stack) -> Function:
    return function("PrefixedOverride", partial(_prefixed_override, stack), (STRING, STRING), STRING)


def _dump_of(stack: Stack) -> Function:
    return function("Dump", partial(_dump, stack), (STRING, STRING), STRING)


def _util(stack: Stack) -> Namespace:
    own = {"PrefixedOverride": _override_of(stack), "Dump": _dump_of(stack)}
    return Namespace("util", {name: each.with_empty_arguments() for name, each in {**UTIL, **own}.items()})


_BOUND: dict[str, Callable[[Stack], Any]] = {
    "util": _util,
    "PrefixedOverride": _override_of,
    "Dump": _dump_of,
    "Parent": lambda stack: lambda: _up(stack),
    "Up": lambda stack: lambda levels=1: _up(stack, levels),
    "This": lambda stack: lambda: _here(stack),
    "parent": _up,
    "up": _up,
    "this": _here,
}


def bound_names() -> tuple[str, ...]:
    """Return the names of functions that depend on the role, such as ``Parent``."""
    return tuple(_BOUND)
