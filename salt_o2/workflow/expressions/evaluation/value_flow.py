"""Find the names whose values can become part of the value of an expression, without computing it.

A condition and a comparison choose between values; they pass on no part of what they compare.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from salt_o2.workflow.expressions.evaluation.expression import Expression
from salt_o2.workflow.expressions.evaluation.mentions import mentions_in
from salt_o2.workflow.expressions.language.nodes import (
    Binary,
    BuiltIn,
    Call,
    Conditional,
    Member,
    Name,
    Node,
    children,
)

_BOOLEAN = frozenset(
    ("==", "!=", "<", "<=", ">", ">=", "&&", "||", "in", "matches", "contains", "startsWith", "endsWith")
)
_NUMBERS = frozenset(("len", "count", "indexOf", "lastIndexOf"))
_CHOOSERS = frozenset(("inventory", "DetectorForHost", "DetectorsForHosts", "CRUCardsForHost"))
"""Functions of the site that answer with texts of the site, and none of their arguments."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What can become part of the value of an expression."""

    names: frozenset[str]
    """Names of variables and of functions."""
    endings: frozenset[str]
    """Also each variable whose name ends so."""
    computes_names: bool
    """Also each variable: the expression computes their names."""
    decodes: bool
    """Whether a text without signs of a shell can become one that has them."""

    def reads(self, name: str) -> bool:
        """Return whether the value of the variable ``name`` can be a part."""
        return self.computes_names or name in self.names or name.endswith(tuple(self.endings))


@lru_cache(maxsize=4096)
def flow_of(expression: Expression) -> Flow:
    """Return what can become part of the value of ``expression``. O(nodes)."""
    nodes = list(_passed_on(expression.tree))
    found = mentions_in(nodes)
    decodes = any(isinstance(node, BuiltIn) and node.name == "fromBase64" for node in nodes)
    return Flow(found.names, found.endings, found.computes_names, decodes)


def _passed_on(tree: Node) -> Iterator[Node]:
    """Return the nodes whose values can be part of the value of ``tree``."""
    todo = [tree]
    while todo:
        node = todo.pop()
        yield node
        match node:
            case Binary(operator=operator) if operator in _BOOLEAN:
                pass
            case BuiltIn(name=name) if name in _NUMBERS:
                pass
            case Conditional():
                todo += (node.yes, node.no)
            case Call(function=function) if _first_name(function) in _CHOOSERS:
                todo.append(function)
            case _:
                todo += children(node)


def _first_name(function: Node) -> str:
    base = function.base if isinstance(function, Member) else function
    return base.name if isinstance(base, Name) else ""
