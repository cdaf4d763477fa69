"""Parse expressions by precedence (a Pratt parser), after expr-lang's language definition, version 1.17.

Beyond it, templates of 2018 and 2019 are read: ``.it`` for the variable ``it``, ``up 2`` for ``Up(2)``.
Functions with a predicate are known to the parser, since ``#`` has a meaning only inside one.
"""

import math
from collections.abc import Collection
from typing import NoReturn

from salt_o2.workflow.expressions.language.foreign_forms import advice
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
    Name,
    Node,
    Pointer,
    Predicate,
    Sequence,
    Slice,
    Unary,
)
from salt_o2.workflow.expressions.language.tokens import WORDS, Kind, Token, tokens
from salt_o2.workflow.expressions.values import Refused
from salt_o2.workflow.limits import EXPRESSION_DEPTH, EXPRESSION_NODES

UNARY = {"not": 50, "!": 50, "-": 90, "+": 90}
BINARY = {
    "|": 0,
    "or": 10,
    "||": 10,
    "and": 15,
    "&&": 15,
    "==": 20,
    "!=": 20,
    "<": 20,
    ">": 20,
    ">=": 20,
    "<=": 20,
    "in": 20,
    "matches": 20,
    "contains": 20,
    "startsWith": 20,
    "endsWith": 20,
    "..": 25,
    "+": 30,
    "-": 30,
    "*": 60,
    "/": 60,
    "%": 60,
    "**": 100,
    "^": 100,
    "??": 500,
}
"""Precedences of the operators; a higher one binds more tightly."""
_RIGHT = ("**", "^")
_COMPARISONS = ("<", ">", ">=", "<=")
_AFTER_NOT = ("in", "matches", "contains", "startsWith", "endsWith")
_SAME = {"and": "&&", "or": "||", "^": "**", "not": "!"}
_LITERALS = {"true": True, "false": False, "nil": None}
_LARGEST = 2**63 - 1

PREDICATES = {
    "all": (2, 2),
    "none": (2, 2),
    "any": (2, 2),
    "one": (2, 2),
    "filter": (2, 2),
    "map": (2, 2),
    "count": (1, 2),
    "sum": (1, 2),
    "find": (2, 2),
    "findIndex": (2, 2),
    "findLast": (2, 2),
    "findLastIndex": (2, 2),
    "groupBy": (2, 2),
    "sortBy": (2, 3),
    "reduce": (2, 3),
}
"""Functions whose second argument is a predicate: least and most number of arguments."""


def parse(source: str, built_in: Collection[str]) -> Node:
    """Return the tree of ``source``; ``built_in`` are the names of functions without a predicate.

    Raises:
        Refused: with its place, if it is not an expression.
    """
    return _Parser(source, built_in).parse()


class _Parser:
    """One pass over the tokens; ``current`` is the next one."""

    def __init__(self, source: str, built_in: Collection[str]) -> None:
        self._source = source
        self._tokens = tokens(source)
        self._built_in = built_in
        self._next = 0
        self.current: Token = self._tokens[0]
        self._depth = 0
        self._predicates = 0
        self._nodes = 0

    def parse(self) -> Node:
        tree = self._sequence()
        if self.current.kind is not Kind.END:
            self._refuse()
        return tree

    # Steps over tokens

    def _advance(self) -> Token:
        before = self.current
        self._next = min(self._next + 1, len(self._tokens) - 1)
        self.current = self._tokens[self._next]
        self._nodes += 1
        if self._nodes > EXPRESSION_NODES:
            raise Refused(f"it has more than {EXPRESSION_NODES:,} parts", before.begin)
        return before

    def _look(self, ahead: int = 1) -> Token:
        return self._tokens[min(self._next + ahead, len(self._tokens) - 1)]

    @property
    def _end(self) -> int:
        """Where the token before the current one ends."""
        return self._tokens[self._next - 1].end if self._next else 0

    def _skip_operator(self, *texts: str) -> bool:
        if self.current.is_operator(*texts):
            self._advance()
            return True
        return False

    def _skip_bracket(self, text: str) -> bool:
        if self.current.is_bracket(text):
            self._advance()
            return True
        return False

    def _expect_operator(self, text: str) -> None:
        if not self._skip_operator(text):
            self._refuse(f"{text} expected")

    def _expect_bracket(self, text: str) -> None:
        if not self._skip_bracket(text):
            self._refuse(f"{text} expected")

    def _expect_name(self) -> Token:
        if self.current.kind is not Kind.NAME:
            self._refuse("a name expected")
        return self._advance()

    def _refuse(self, what: str = "") -> NoReturn:
        hint = advice(self._tokens, self._next)
        if self.current.kind is Kind.END:
            raise Refused(hint or "it ends too early" + (f": {what}" if what else ""), self.current.begin)
        shown = self._source[self.current.begin : self.current.end]
        raise Refused(hint or f"{shown!r} is too much" + (f": {what}" if what else ""), self.current.begin)

    # Expressions

    def _sequence(self) -> Node:
        begin = self.current.begin
        parts = [self._expression(0)]
        while self._skip_operator(";"):
            if self.current.kind is Kind.END:
                break
            parts.append(self._expression(0))
        return parts[0] if len(parts) == 1 else Sequence(begin, self._end, tuple(parts))

    def _expression(self, precedence: int) -> Node:
        self._depth += 1
        if self._depth > EXPRESSION_DEPTH:
            raise Refused("an expression nested too deeply", self.current.begin)
        try:
            if precedence == 0 and self.current.is_operator("let"):
                return self._let()
            if precedence == 0 and self.current.is_operator("if"):
                return self._if()
            found = self._operators(self._primary(), precedence)
            return self._conditional(found) if precedence == 0 else found
        finally:
            self._depth -= 1

    def _operators(self, left: Node, precedence: int) -> Node:
        before = ""
        while self.current.kind is Kind.OPERATOR:
            token = self.current
            negated = token.text == "not"
            if negated:
                token = self._look()
                if not token.is_operator(*_AFTER_NOT):
                    self._advance()
                    self._refuse()
            if BINARY.get(token.text, -1) < precedence:
                break
            if negated:
                self._advance()
            self._advance()
            left = self._binary(left, token, before, negated)
            before = token.text
        return left

    def _binary(self, left: Node, token: Token, before: str, negated: bool) -> Node:
        operator, precedence = token.text, BINARY[token.text]
        if operator == "|":
            return self._call(self._expect_piped(), (left,))
        if before == "??" and operator != "??":
            raise Refused(f"{operator} after ?? needs brackets, as in (a ?? b) {operator} c", token.begin)
        if operator in _COMPARISONS:
            return self._comparison(left, operator, precedence)
        right = self._expression(precedence if operator in _RIGHT else precedence + 1)
        found: Node = Binary(left.begin, self._end, _SAME.get(operator, operator), left, right)
        return Unary(left.begin, self._end, "!", found) if negated else found

    def _comparison(self, left: Node, operator: str, precedence: int) -> Node:
        """Return ``a < b < c`` as ``a < b && b < c``."""
        found: Node | None = None
        while True:
            right = self._expression(precedence + 1)
            compared = Binary(left.begin, right.end, operator, left, right)
            found = Binary(found.begin, right.end, "&&", found, compared) if found else compared
            if not self.current.is_operator(*_COMPARISONS):
                return found
            left, operator = right, self._advance().text

    def _conditional(self, test: Node) -> Node:
        while self._skip_operator("?"):
            if self._skip_operator(":"):
                yes = test
            else:
                yes = self._expression(0)
                self._expect_operator(":")
            test = Conditional(test.begin, self._end, test, yes, self._expression(0))
        return test

    def _let(self) -> Node:
        begin = self._advance().begin
        name = self._expect_name().text
        self._expect_operator("=")
        value = self._expression(0)
        self._expect_operator(";")
        body = self._sequence()
        return Let(begin, self._end, name, value, body)

    def _if(self) -> Node:
        begin = self._advance().begin
        test = self._expression(0)
        yes = self._block()
        self._expect_operator("else")
        no = self._if() if self.current.is_operator("if") else self._block()
        return Conditional(begin, self._end, test, yes, no)

    def _block(self) -> Node:
        self._expect_bracket("{")
        found = self._sequence()
        self._expect_bracket("}")
        return found

    # Operands

    def _primary(self) -> Node:
        token = self.current
        if token.kind is Kind.OPERATOR:
            if token.text in UNARY:
                self._advance()
                operand = self._expression(UNARY[token.text])
                operator = _SAME.get(token.text, token.text)
                return self._postfix(Unary(token.begin, self._end, operator, operand))
            if token.text == "#" or (token.text == "." and self._predicates):
                return self._postfix(self._pointer())
            if token.text == "." and self._look().kind is Kind.NAME:
                self._advance()
                name = self._advance()
                return self._postfix(Name(name.begin, name.end, name.text))
            if token.text == "::":
                self._advance()
                return self._postfix(self._call(self._expect_name(), ()))
        if self._skip_bracket("("):
            found = self._sequence()
            self._expect_bracket(")")
            return self._postfix(found)
        return self._secondary()

    def _pointer(self) -> Node:
        token = self.current
        if not self._predicates:
            raise Refused(
                "# means something only in a predicate, as in filter(list, # > 1)", token.begin, token.end
            )
        if token.text == ".":
            return Pointer(token.begin, token.begin, "")
        self._advance()
        name = ""
        if self.current.kind is Kind.NAME:
            name = self._advance().text
        return Pointer(token.begin, self._end, name)

    def _secondary(self) -> Node:
        token = self.current
        match token.kind:
            case Kind.NAME:
                return self._name(self._advance())
            case Kind.NUMBER:
                self._advance()
                return Constant(token.begin, token.end, number_of(token))
            case Kind.TEXT:
                self._advance()
                return self._postfix(Constant(token.begin, token.end, token.text))
        if token.is_bracket("["):
            return self._postfix(self._array())
        if token.is_bracket("{"):
            return self._postfix(self._map())
        return self._refuse()

    def _name(self, token: Token) -> Node:
        if token.text in _LITERALS:
            return Constant(token.begin, token.end, _LITERALS[token.text])
        if self.current.is_bracket("("):
            return self._postfix(self._call(token, ()))
        if token.text == "up" and self.current.kind is Kind.NUMBER:
            levels = self._advance()
            count = Constant(levels.begin, levels.end, number_of(levels))
            return Call(token.begin, levels.end, Name(token.begin, token.end, "Up"), (count,))
        return self._postfix(Name(token.begin, token.end, token.text))

    def _array(self) -> Node:
        begin = self._advance().begin
        items: list[Node] = []
        while not self.current.is_bracket("]"):
            if items:
                self._expect_operator(",")
                if self.current.is_bracket("]"):
                    break
            items.append(self._expression(0))
        self._expect_bracket("]")
        return Array(begin, self._end, tuple(items))

    def _map(self) -> Node:
        begin = self._advance().begin
        pairs: list[tuple[Node, Node]] = []
        while not self.current.is_bracket("}"):
            if pairs:
                self._expect_operator(",")
                if self.current.is_bracket("}"):
                    break
            key = self._key()
            self._expect_operator(":")
            pairs.append((key, self._expression(0)))
        self._expect_bracket("}")
        return Map(begin, self._end, tuple(pairs))

    def _key(self) -> Node:
        token = self.current
        if token.kind in (Kind.NAME, Kind.NUMBER, Kind.TEXT):
            self._advance()
            return Constant(token.begin, token.end, token.text)
        if token.is_bracket("("):
            return self._expression(0)
        return self._refuse("a key is a name, a text, a number, or an expression in brackets")

    # Calls

    def _expect_piped(self) -> Token:
        if self.current.kind is not Kind.NAME or not self._look().is_bracket("("):
            self._refuse("a pipe calls a function: value | name()")
        return self._advance()

    def _call(self, name: Token, first: tuple[Node, ...]) -> Node:
        begin = first[0].begin if first else name.begin
        if name.text in PREDICATES:
            found = self._with_predicate(name.text, first)
            return BuiltIn(begin, self._end, name.text, found)
        arguments = (*first, *self._arguments())
        if name.text in self._built_in:
            return BuiltIn(begin, self._end, name.text, arguments)
        return Call(begin, self._end, Name(name.begin, name.end, name.text), arguments)

    def _with_predicate(self, name: str, first: tuple[Node, ...]) -> tuple[Node, ...]:
        least, most = PREDICATES[name]
        arguments = list(first)
        self._expect_bracket("(")
        begin = len(arguments)
        for position in range(begin, most):
            if self.current.is_bracket(")"):
                if position < least:
                    self._refuse(f"{name} takes at least {least} arguments")
                break
            if position > begin:
                self._expect_operator(",")
            arguments.append(self._predicate() if position == 1 else self._expression(0))
        self._skip_operator(",")
        self._expect_bracket(")")
        return tuple(arguments)

    def _predicate(self) -> Node:
        begin = self.current.begin
        self._predicates += 1
        if self._skip_bracket("{"):
            body = self._sequence()
            self._expect_bracket("}")
        else:
            body = self._expression(0)
            if self.current.is_operator(";"):
                self._refuse("a predicate with ; needs braces around it")
        self._predicates -= 1
        return Predicate(begin, self._end, body)

    def _arguments(self) -> tuple[Node, ...]:
        found: list[Node] = []
        self._expect_bracket("(")
        while not self.current.is_bracket(")"):
            if found:
                self._expect_operator(",")
                if self.current.is_bracket(")"):
                    break
            found.append(self._expression(0))
        self._expect_bracket(")")
        return tuple(found)

    # Members

    def _postfix(self, node: Node) -> Node:
        """Read ``.name``, ``?.name``, ``[index]``, ``[low:high]`` and calls of members."""
        while True:
            if self.current.is_operator(".", "?."):
                optional = self._advance().text == "?."
                node = (
                    self._index(node, True)
                    if optional and self.current.is_bracket("[")
                    else self._member(node, optional)
                )
            elif self.current.is_bracket("["):
                node = self._index(node, False)
            else:
                return node

    def _member(self, node: Node, optional: bool) -> Node:
        token = self.current
        if token.kind is not Kind.NAME and token.text not in WORDS:
            self._refuse("a name expected")
        self._advance()
        chained = isinstance(node, Chain)
        base = node.inner if isinstance(node, Chain) else node
        key = Constant(token.begin, token.end, token.text)
        found: Node = Member(node.begin, self._end, base, key, optional)
        if self.current.is_bracket("("):
            arguments = self._arguments()
            found = Call(node.begin, self._end, found, arguments)
        return Chain(node.begin, self._end, found) if chained or optional else found

    def _index(self, node: Node, optional: bool) -> Node:
        self._advance()
        low: Node | None = None
        if not self.current.is_operator(":"):
            low = self._expression(0)
            if self._skip_bracket("]"):
                found = Member(node.begin, self._end, node, low, optional)
                return Chain(node.begin, self._end, found) if optional else found
        self._expect_operator(":")
        high = None if self.current.is_bracket("]") else self._expression(0)
        self._expect_bracket("]")
        return Slice(node.begin, self._end, node, low, high)


def number_of(token: Token) -> int | float:
    """Return the number that ``token`` spells.

    Raises:
        Refused: if it spells none, or one that 64 bits cannot hold.
    """
    text = token.text.replace("_", "")
    lowered = text.lower()
    if not lowered.startswith("0x") and ("." in lowered or "e" in lowered):
        return _fraction(text, token)
    try:
        if lowered.startswith(("0x", "0b", "0o")):
            found = int(lowered[2:], {"x": 16, "b": 2, "o": 8}[lowered[1]])
        else:
            found = int(text) if len(text) <= 40 else _LARGEST + 1
    except ValueError:
        raise Refused(f"{token.text!r} is no number", token.begin) from None
    if found > _LARGEST:
        raise Refused(f"{token.text[:40]} is a number too large: it needs more than 64 bits", token.begin)
    return found


def _fraction(text: str, token: Token) -> float:
    try:
        number = float(text)
    except ValueError:
        raise Refused(f"{token.text!r} is no number", token.begin) from None
    if math.isinf(number):
        raise Refused(f"{token.text[:40]} is a number too large", token.begin)
    return number
