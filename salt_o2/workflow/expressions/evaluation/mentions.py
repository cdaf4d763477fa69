"""List the variables that an expression may read, on any of its branches, without computing it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from salt_o2.workflow.expressions.evaluation.checker import ENVIRONMENT
from salt_o2.workflow.expressions.evaluation.expression import Expression
from salt_o2.workflow.expressions.language.nodes import Call, Constant, Member, Name, Node, children

OVERRIDE = "PrefixedOverride"
"""``PrefixedOverride(variable, prefix)`` reads ``prefix_variable`` and ``variable``."""


@dataclass(frozen=True, slots=True)
class Mentions:
    """What an expression may read."""

    names: frozenset[str]
    """Names of variables and of functions."""
    endings: frozenset[str] = frozenset()
    """It may also read each variable whose name ends so."""
    computes_names: bool = False
    """Whether it reads variables by names that it computes."""


def mentions(expression: Expression) -> Mentions:
    """Return what ``expression`` may read. O(nodes)."""
    return mentions_in(_walked(expression.tree))


def mentions_in(nodes: Iterable[Node]) -> Mentions:
    """Return what these nodes of an expression read themselves."""
    names: set[str] = set()
    endings: set[str] = set()
    computed = False
    for node in nodes:
        match node:
            case Member(base=Name(name=base), key=key) if base == ENVIRONMENT:
                computed = computed or not isinstance(key, Constant)
                names |= _texts(key)
            case Name(name=name) if name != ENVIRONMENT:
                names.add(name)
            case Call(function=function, arguments=(variable, prefix)) if _is_override(function):
                computed = computed or not _texts(variable)
                names |= _texts(variable)
                starts = {f"{each}_" for each in _texts(prefix)}
                names |= {start + each for start in starts for each in _texts(variable)}
                endings |= set() if starts else {f"_{each}" for each in _texts(variable)}
            case _:
                pass
    return Mentions(frozenset(names), frozenset(endings), computed)


def _is_override(function: Node) -> bool:
    match function:
        case Name(name=name):
            return name == OVERRIDE
        case Member(key=Constant(value=name)):
            return bool(name == OVERRIDE)
    return False


def _texts(node: Node) -> set[str]:
    return {node.value} if isinstance(node, Constant) and isinstance(node.value, str) else set()


def _walked(tree: Node) -> Iterator[Node]:
    todo = [tree]
    while todo:
        node = todo.pop()
        yield node
        todo += children(node)
