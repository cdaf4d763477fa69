"""Adapt the operators in the tree of an expression to values that are all text."""

from jinja2 import nodes

from salt_o2.workflow.expressions.metering import Metering, filtered


class Semantics(Metering):
    """Gives operators the meaning that templates expect where all values are text."""

    def visit_CondExpr(self, node: nodes.CondExpr) -> nodes.Node:
        """``false`` is false."""
        self.generic_visit(node)
        node.test = filtered(node.test, "truth")
        return node

    def visit_Not(self, node: nodes.Not) -> nodes.Node:
        """``false`` is false."""
        self.generic_visit(node)
        node.node = filtered(node.node, "truth")
        return node

    def visit_And(self, node: nodes.And) -> nodes.Node:
        """``false`` is false."""
        self.generic_visit(node)
        node.left, node.right = filtered(node.left, "truth"), filtered(node.right, "truth")
        return node

    def visit_Or(self, node: nodes.Or) -> nodes.Node:
        """``false`` is false."""
        self.generic_visit(node)
        node.left, node.right = filtered(node.left, "truth"), filtered(node.right, "truth")
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        """Text that spells a number or a boolean compares as one with one."""
        sides = [node.expr, *(operand.expr for operand in node.ops if operand.op not in ("in", "notin"))]
        kinds = {type(side.value) for side in sides if isinstance(side, nodes.Const)}
        like = "like_boolean" if bool in kinds else "like_number" if kinds & {int, float} else None
        like = "like_nothing" if type(None) in kinds else like
        if like and len(sides) == len(node.ops) + 1:
            self.generic_visit(node)
            node.expr = filtered(node.expr, like)
            for operand in node.ops:
                operand.expr = filtered(operand.expr, like)
            return super().visit_Compare(node) if len(node.ops) > 1 else node
        if len(node.ops) == 1 and str in kinds and len(sides) == 2:  # with a text that is written: quick
            self.generic_visit(node)
            return node
        if len(node.ops) == 1 and len(sides) == 2:
            self.generic_visit(node)
            (operand,) = node.ops
            arguments = [nodes.Const(operand.op), operand.expr]
            return nodes.Filter(node.expr, "compared", arguments, [], None, None, lineno=node.lineno)
        return super().visit_Compare(node)
