"""Compile and evaluate expressions between ``{{`` and ``}}``: one compilation per text, one value per role.

The language is expr-lang's (version 1.17), with the functions of AliECS. All variables are texts. An unknown
name is an error, as in AliECS; ``$env?.name`` is nil where there is no such name.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from operator import is_
from typing import Any, Protocol

from salt_o2.workflow.expressions.evaluation.checker import ENVIRONMENT, check
from salt_o2.workflow.expressions.evaluation.evaluator import Run, Step, compiled
from salt_o2.workflow.expressions.evaluation_budget import begin
from salt_o2.workflow.expressions.functions.catalogue import BUILT_IN, FUNCTIONS
from salt_o2.workflow.expressions.language.folding import folded
from salt_o2.workflow.expressions.language.foreign_forms import NAMES
from salt_o2.workflow.expressions.language.nodes import (
    BuiltIn,
    Call,
    Constant,
    Let,
    Member,
    Name,
    Node,
    children,
)
from salt_o2.workflow.expressions.language.parser import parse
from salt_o2.workflow.expressions.static_types import UNKNOWN, type_of_value
from salt_o2.workflow.expressions.values import MISSING, Open, Refused, Variables
from salt_o2.workflow.limits import EXPRESSION, RENDERED

__all__ = ["MISSING", "Expression", "Names", "UnknownVariable", "expression"]


class Names(Protocol):
    """The names that an expression can use."""

    def find(self, name: str) -> Any:
        """Return the value of ``name``, or MISSING."""

    def names(self) -> Iterable[str]:
        """Return all available names, for advice."""


class UnknownVariable(Refused):
    """An expression uses a name that is not defined."""

    def __init__(self, name: str, at: int = -1) -> None:
        """Set the message, which has advice if the name is one of jinja2."""
        advice = NAMES.get(name)
        super().__init__(f"unknown variable {name}" + (f": {advice}" if advice else ""), at)
        self.name = name


class Expression:
    """One compiled expression; ``required`` are the names it cannot do without.

    It stores its last value: the roles of an iterator mostly request the same value again.
    """

    __slots__ = (
        "_checked",
        "_last",
        "_lets",
        "_lone_name",
        "_names",
        "_pure",
        "_step",
        "_tree",
        "required",
        "source",
    )

    def __init__(self, source: str) -> None:
        """Compile ``source``.

        Raises:
            Refused: with its place, if it is not an expression.
        """
        self.source = source.strip()
        self._tree = parse(self.source, BUILT_IN)
        used = _Uses(self._tree)
        self.required = frozenset(used.names)
        self._names = tuple(sorted(used.names))
        self._lone_name = self._tree.name if isinstance(self._tree, Name) and used.names else None
        self._lets = tuple(used.lets)
        self._pure = not used.calls and not used.lets
        self._step: Step = compiled(folded(self._tree))
        self._checked: set[tuple[type, ...]] = set()
        self._last: tuple[list[Any], Any] = ([], MISSING)
        if not self._names:
            check(self._tree, {})

    @property
    def tree(self) -> Node:
        """The tree of the expression, as it is written."""
        return self._tree

    @property
    def is_constant(self) -> bool:
        """Whether it uses neither a variable nor a function: its value is the author's own text."""
        return not self._names and self._pure

    def value(self, names: Names) -> Any:
        """Return the value of the expression with the variables of ``names``.

        Raises:
            UnknownVariable: if a required name is not defined.
            Refused: if it cannot be computed.
        """
        if self._lone_name:
            return self._find(names, self._lone_name)
        given = [self._find(names, name) for name in self._names]
        known, value = self._last
        if self._pure and value is not MISSING and all(map(is_, given, known)):
            return value
        values = dict(zip(self._names, given, strict=True))
        begin()
        try:
            if self._lets:
                self._refuse_hidden(names)
            self._check(given)
            value = _bounded(self._step(Run(values, Variables(partial(_found, names)))))
        except Refused as error:
            error.where = error.where or _marked(self.source, error.at, error.end)
            raise
        except (RecursionError, MemoryError) as error:
            raise Refused("too deep or too large") from error
        except (ArithmeticError, TypeError, ValueError, LookupError) as error:
            raise Refused(f"it cannot be computed: {error}") from error
        self._last = (given, value)
        return value

    def _check(self, given: list[Any]) -> None:
        """Check the types, once for each combination of types of the names."""
        kinds = tuple(map(type, given))
        if kinds in self._checked:
            return
        types = [UNKNOWN if value is None else type_of_value(value) for value in given]
        check(self._tree, dict(zip(self._names, types, strict=True)))
        self._checked.add(kinds)

    def _refuse_hidden(self, names: Names) -> None:
        """Refuse a ``let`` that would hide a variable, as AliECS does."""
        for name in self._lets:
            if names.find(name) is not MISSING or name in FUNCTIONS:
                raise Refused(f"let cannot define {name}: it is a variable", *_place_of(self._tree, name))

    def _find(self, names: Names, name: str) -> Any:
        value = names.find(name)
        if isinstance(value, Open):
            raise value.refuse(name)
        if value is not MISSING:
            return value
        if name in FUNCTIONS:
            return FUNCTIONS[name]
        error = UnknownVariable(name)
        error.where = _marked(self.source, *_place_of(self._tree, name))
        raise error


def _found(names: Names, name: str) -> Any:
    """Return the value of ``name`` in ``$env``, or MISSING."""
    value = names.find(name)
    if isinstance(value, Open):
        raise value.refuse(name)
    return FUNCTIONS.get(name, MISSING) if value is MISSING else value


class _Uses:
    """The names that a tree uses without defining them, and whether it calls a function that can vary."""

    def __init__(self, tree: Node) -> None:
        self.names: set[str] = set()
        self.lets: set[str] = set()
        self.calls = False
        self._read(tree, frozenset())

    def _read(self, node: Node, lets: frozenset[str]) -> None:
        match node:
            case Name():
                if node.name == ENVIRONMENT:
                    self.calls = True
                elif node.name not in lets:
                    self.names.add(node.name)
            case Member(base=Name(name=name), key=Constant(value=str() as key)) if name == ENVIRONMENT:
                self.calls = True
                if not node.optional:
                    self.names.add(key)
                return
            case Let():
                self.lets.add(node.name)
                self._read(node.value, lets)
                self._read(node.body, lets | {node.name})
                return
            case Call():
                self.calls = True
            case BuiltIn(name="now"):
                self.calls = True
        for child in children(node):
            self._read(child, lets)


@lru_cache(maxsize=20_000)
def expression(source: str) -> Expression:
    """Return the compiled expression of ``source``; a cache avoids compiling it again.

    Raises:
        Refused: if it is not an expression.
    """
    if len(source) > EXPRESSION:
        raise Refused(f"an expression of more than {EXPRESSION:,} characters")
    begin()
    try:
        return Expression(source)
    except Refused as error:
        raise _not_one(source, error) from error
    except (RecursionError, MemoryError) as error:
        raise Refused("an expression nested too deeply") from error


def _not_one(source: str, error: Refused) -> Refused:
    """Return the refusal of a text that is no expression, with the place where it stops to be one."""
    text = source.strip()
    place = _marked(text, error.at, error.end)
    shown = f" in {{{{ {place} }}}}" if place and place != f"«{text}»" else ""
    line = text.count("\n", 0, max(error.at, 0)) + 1
    if "\n" in text and error.at >= 0:
        shown += f", line {line}, column {error.at - text.rfind(chr(10), 0, error.at)}"
    return Refused(f"{{{{{source}}}}} is not an expression: {error}{shown}", error.at, error.end)


def _bounded(value: Any) -> Any:
    if isinstance(value, str | list | dict) and len(value) > RENDERED:
        raise Refused(f"a result of more than {RENDERED:,} characters or entries")
    return value


def _place_of(tree: Node, name: str) -> tuple[int, int]:
    for node in _walked(tree):
        if isinstance(node, Name | Let) and node.name == name:
            return node.begin, node.end
    return tree.begin, tree.end


def _walked(tree: Node) -> Iterator[Node]:
    todo = [tree]
    while todo:
        node = todo.pop()
        yield node
        todo += reversed(children(node))


def _marked(source: str, begin: int, end: int) -> str:
    """Return ``source`` with the fault between «»; nothing if its place is not known."""
    if not 0 <= begin <= len(source):
        return ""
    end = end if end > begin else _end_of_word(source, begin)
    return f"{source[:begin]}«{source[begin:end]}»{source[end:]}"


def _end_of_word(source: str, begin: int) -> int:
    end = begin
    while end < len(source) and (source[end].isalnum() or source[end] == "_"):
        end += 1
    return max(end, min(begin + 1, len(source)))
