"""Charge a template for all values that it makes or iterates over (evaluation_budget.py), also inside jinja2.

jinja2's sandbox passes operators, calls and filters to its environment; it compiles literals, slices,
comparisons, ``~`` and loops to plain Python. Here these become filters, which are passed to it, too.
"""

from collections.abc import Iterator
from typing import Any, cast

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from salt_o2.workflow.expressions.evaluation_budget import charged, spend
from salt_o2.workflow.expressions.values import Refused
from salt_o2.workflow.limits import IN_A_ROW

MADE, COUNTED = "_o2_made", "_o2_counted"


class Counted:
    """The items of a loop; each round is charged for."""

    def __init__(self, values: Any) -> None:
        self._values = values if hasattr(values, "__len__") else list(charged(iter(values)))

    def __iter__(self) -> Iterator[Any]:
        """Yield the items, and charge for each."""
        for value in self._values:
            spend(1)
            yield value

    def __len__(self) -> int:
        """Count the rounds."""
        return len(self._values)


class Metering(NodeTransformer):
    """Puts charges around what jinja2 compiles to plain Python."""

    def visit_List(self, node: nodes.List) -> nodes.Node:
        """Charge for a list."""
        return self._made(node)

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
        """Charge for a mapping."""
        return self._made(node)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        """Charge for a list in round brackets; names on the left of ``=`` and of ``in`` are none."""
        return self._made(node) if node.ctx == "load" else node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        """Charge for a slice, which is a copy."""
        self.generic_visit(node)
        return filtered(node, MADE) if isinstance(node.arg, nodes.Slice) else node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        """Charge for a comparison, which may go through all of two lists."""
        if len(node.ops) > IN_A_ROW:
            raise Refused(f"more than {IN_A_ROW} comparisons in a row", node.lineno)
        return self._made(node)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        """Charge for ``a ~ b``."""
        self.generic_visit(node)
        return filtered(nodes.List(node.nodes, lineno=node.lineno), "join")

    def visit_For(self, node: nodes.For) -> nodes.Node:
        """Charge for each round of a loop."""
        self.generic_visit(node)
        node.iter = filtered(node.iter, COUNTED)
        return node

    def _made(self, node: nodes.Expr) -> nodes.Node:
        self.generic_visit(node)
        return filtered(node, MADE)


def filtered(node: nodes.Node, name: str) -> nodes.Expr:
    """Return ``node``, which is an expression, with the filter ``name`` around it."""
    return nodes.Filter(cast(nodes.Expr, node), name, [], [], None, None, lineno=node.lineno)
