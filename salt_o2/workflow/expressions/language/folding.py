"""Compute the constant parts of an expression once, as expr-lang does before it runs one.

``x && false`` is false whatever x is, also where x cannot be computed; a division by zero in a part that is
never reached is still a fault.
"""

from dataclasses import replace
from typing import Any

from salt_o2.workflow.expressions.language.nodes import (
    Array,
    Binary,
    BuiltIn,
    Call,
    Chain,
    Conditional,
    Constant,
    Let,
    Map,
    Member,
    Node,
    Predicate,
    Sequence,
    Slice,
    Unary,
)
from salt_o2.workflow.expressions.operators import OPERATORS, negative
from salt_o2.workflow.expressions.values import Refused, is_integer, is_number

_ARITHMETIC = ("+", "-", "*", "/", "%", "**")


def folded(node: Node) -> Node:
    """Return ``node`` with its constant parts computed.

    Raises:
        Refused: with its place, if a constant part cannot be computed.
    """
    match node:
        case Unary():
            return _unary(replace(node, operand=folded(node.operand)))
        case Binary():
            return _binary(replace(node, left=folded(node.left), right=folded(node.right)))
        case Member():
            return replace(node, base=folded(node.base), key=folded(node.key))
        case Chain():
            return replace(node, inner=folded(node.inner))
        case Slice():
            return replace(node, base=folded(node.base), low=_optional(node.low), high=_optional(node.high))
        case Call():
            return replace(node, function=folded(node.function), arguments=_all(node.arguments))
        case BuiltIn():
            return replace(node, arguments=_all(node.arguments))
        case Predicate():
            return replace(node, body=folded(node.body))
        case Let():
            return replace(node, value=folded(node.value), body=folded(node.body))
        case Sequence():
            return replace(node, parts=_all(node.parts))
        case Conditional():
            return replace(node, test=folded(node.test), yes=folded(node.yes), no=folded(node.no))
        case Array():
            return replace(node, items=_all(node.items))
        case Map():
            return replace(node, pairs=tuple((folded(key), folded(value)) for key, value in node.pairs))
    return node


def _all(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    return tuple(folded(each) for each in nodes)


def _optional(node: Node | None) -> Node | None:
    return None if node is None else folded(node)


def _unary(node: Unary) -> Node:
    if not isinstance(node.operand, Constant):
        return node
    value = node.operand.value
    if node.operator == "!" and isinstance(value, bool):
        return _constant(node, not value)
    if node.operator in "+-" and is_number(value):
        return _constant(node, negative(value) if node.operator == "-" else value)
    return node


def _binary(node: Binary) -> Node:
    left, right = _value(node.left), _value(node.right)
    if node.operator in ("&&", "||"):
        return _logic(node, left, right)
    if not (isinstance(node.left, Constant) and isinstance(node.right, Constant)):
        return node
    numbers = is_number(left) and is_number(right)
    texts = isinstance(left, str) and isinstance(right, str)
    if (node.operator in _ARITHMETIC and numbers) or (node.operator == "+" and texts):
        if node.operator == "%" and not (is_integer(left) and is_integer(right)):
            return node
        try:
            return _constant(node, OPERATORS[node.operator](left, right))
        except Refused as error:
            error.at, error.end = node.begin, node.end
            raise
    if node.operator == "==" and type(left) is type(right) and isinstance(left, str | int):
        return _constant(node, left == right)
    return node


def _logic(node: Binary, left: Any, right: Any) -> Node:
    neutral = node.operator == "&&"
    if left is neutral:
        return node.right
    if right is neutral:
        return node.left
    if left is (not neutral) or right is (not neutral):
        return _constant(node, not neutral)
    return node


def _value(node: Node) -> Any:
    return node.value if isinstance(node, Constant) else None


def _constant(node: Node, value: Any) -> Constant:
    return Constant(node.begin, node.end, value)
