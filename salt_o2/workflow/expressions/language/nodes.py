"""The tree of an expression. Each node has the place of its text: ``begin`` and ``end``."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A part of an expression, from character ``begin`` to before ``end``."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Constant(Node):
    """A number, a text, a boolean or nil."""

    value: Any


@dataclass(frozen=True, slots=True, eq=False)
class Name(Node):
    """A variable, a function, or a name that ``let`` defines."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Pointer(Node):
    """``#``, ``#index`` or ``#acc`` in a predicate; ``name`` is the word after ``#``."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Unary(Node):
    """``!x``, ``-x``, ``+x``; ``not`` is ``!``."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True, eq=False)
class Binary(Node):
    """``left operator right``; ``and`` is ``&&``, ``or`` is ``||``, ``^`` is ``**``."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, eq=False)
class Member(Node):
    """``base.key`` or ``base[key]``; ``optional`` with ``?.``."""

    base: Node
    key: Node
    optional: bool


@dataclass(frozen=True, slots=True, eq=False)
class Chain(Node):
    """The extent in which ``?.`` of nil gives nil."""

    inner: Node


@dataclass(frozen=True, slots=True, eq=False)
class Slice(Node):
    """``base[low:high]``."""

    base: Node
    low: Node | None
    high: Node | None


@dataclass(frozen=True, slots=True, eq=False)
class Call(Node):
    """The call of a function that a variable or a member has."""

    function: Node
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class BuiltIn(Node):
    """The call of a built-in function; one with a predicate has it as its second argument."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Predicate(Node):
    """The part of an expression that a function computes for each item."""

    body: Node


@dataclass(frozen=True, slots=True, eq=False)
class Let(Node):
    """``let name = value; body``."""

    name: str
    value: Node
    body: Node


@dataclass(frozen=True, slots=True, eq=False)
class Sequence(Node):
    """``a; b``, whose value is that of the last part."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Conditional(Node):
    """``test ? yes : no``, or ``if test { yes } else { no }``."""

    test: Node
    yes: Node
    no: Node


@dataclass(frozen=True, slots=True, eq=False)
class Array(Node):
    """``[a, b]``."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Map(Node):
    """``{a: 1, (b): 2}``."""

    pairs: tuple[tuple[Node, Node], ...]


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below ``node``, in the order of the text."""
    match node:
        case Unary():
            return (node.operand,)
        case Binary():
            return (node.left, node.right)
        case Member():
            return (node.base, node.key)
        case Chain():
            return (node.inner,)
        case Slice():
            return tuple(each for each in (node.base, node.low, node.high) if each is not None)
        case Call():
            return (node.function, *node.arguments)
        case BuiltIn():
            return node.arguments
        case Predicate():
            return (node.body,)
        case Let():
            return (node.value, node.body)
        case Sequence():
            return node.parts
        case Conditional():
            return (node.test, node.yes, node.no)
        case Array():
            return node.items
        case Map():
            return tuple(each for pair in node.pairs for each in pair)
    return ()
