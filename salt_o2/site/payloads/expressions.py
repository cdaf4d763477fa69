"""Parse and compute the expressions of payloads: variables, calls, filters, operators by pongo2's rules."""

import math
from collections.abc import Callable
from typing import Any

from salt_o2.site.payloads.context import Context
from salt_o2.site.payloads.filters import FILTERS
from salt_o2.site.payloads.lexer import KEYWORD, NAME, NUMBER, STRING, SYMBOL, Fault, Token
from salt_o2.site.payloads.values import contains, equal, integer, negated, number, text, truth
from salt_o2.workflow.expressions.evaluation_budget import charged
from salt_o2.workflow.expressions.functions.signatures import Function
from salt_o2.workflow.expressions.operators import divide, modulo, power
from salt_o2.workflow.expressions.values import (
    Attributes,
    Refused,
    is_integer,
    is_number,
    kind_of,
    member,
    wrapped,
)
from salt_o2.workflow.problems import nearest

Value = Callable[[Context], Any]
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda one, other: one < other,
    ">": lambda one, other: one > other,
    "<=": lambda one, other: one <= other,
    ">=": lambda one, other: one >= other,
}
_TYPES = {"string": str, "int": int}


class Expression:
    """A compiled expression, and whether the filter ``safe`` applies to all of it."""

    __slots__ = ("is_safe", "value")

    def __init__(self, value: Value, is_safe: bool = False) -> None:
        self.value = value
        self.is_safe = is_safe


class Reader:
    """Tokens of one tag or expression, read from the left."""

    def __init__(self, tokens: list[Token], line: int) -> None:
        self._tokens = tokens
        self._at = 0
        self.line = line

    @property
    def current(self) -> Token:
        """The next token; an empty symbol at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else Token(SYMBOL, "", self.line)

    @property
    def is_done(self) -> bool:
        """Whether there is no token left."""
        return self._at >= len(self._tokens)

    def has(self, kind: str, text_: str) -> bool:
        """Return whether the tokens have this one anywhere."""
        return any(token.kind == kind and token.text == text_ for token in self._tokens)

    def skip(self, kind: str, *texts: str) -> str:
        """Return the text of the next token after reading it, if it is one of these; else nothing."""
        token = self.current
        if not self.is_done and token.kind == kind and token.text in texts:
            self._at += 1
            return token.text
        return ""

    def take(self, kind: str, what: str) -> str:
        """Return the text of the next token, which must be of ``kind``."""
        token = self.current
        if self.is_done or token.kind != kind:
            raise self.fault(f"{what} expected")
        self._at += 1
        return token.text

    def expect(self, symbol: str) -> None:
        """Read this symbol."""
        if not self.skip(SYMBOL, symbol):
            raise self.fault(f"{symbol} expected")

    def fault(self, what: str) -> Fault:
        """Return a fault at the line of the tokens."""
        return Fault(what, self.line)

    def finish(self) -> None:
        """Check that no token is left."""
        if not self.is_done:
            raise self.fault(f"{self.current.text!r} is too much")

    # Expressions, the loosest operator first

    def expression(self) -> Expression:
        """Return the expression that begins here."""
        left = self._relation()
        operator = self.skip(SYMBOL, "&&", "||") or self.skip(KEYWORD, "and", "or")
        if not operator:
            return left
        right = self.expression()
        one, other = left.value, right.value
        if operator in ("&&", "and"):
            return Expression(lambda at: truth(other(at)) if truth(one(at)) else False)
        return Expression(lambda at: True if truth(one(at)) else truth(other(at)))

    def _relation(self) -> Expression:
        left = self._sum()
        sign = self.skip(SYMBOL, "==", "<=", ">=", "!=", "<>", ">", "<")
        if sign:
            return Expression(_compared(sign, left.value, self._relation().value))
        if self.skip(KEYWORD, "in"):
            one, other = left.value, self._sum().value
            return Expression(lambda at: _in(one(at), other(at)))
        return left

    def _sum(self) -> Expression:
        minus = self.skip(SYMBOL, "+", "-") == "-"
        negate = bool(self.skip(SYMBOL, "!") or self.skip(KEYWORD, "not"))
        found = self._product()
        if minus or negate:
            found = Expression(_signed(found.value, minus, negate))
        while sign := self.skip(SYMBOL, "+", "-"):
            found = Expression(_added(sign, found.value, self._product().value))
        return found

    def _product(self) -> Expression:
        found = self._power()
        while sign := self.skip(SYMBOL, "*", "/", "%"):
            found = Expression(_multiplied(sign, found.value, self._power().value))
        return found

    def _power(self) -> Expression:
        found = self._factor()
        if self.skip(SYMBOL, "^"):
            one, other = found.value, self._power().value
            return Expression(lambda at: power(number(one(at)), number(other(at))))
        return found

    def _factor(self) -> Expression:
        if self.skip(SYMBOL, "("):
            found = self.expression()
            self.expect(")")
            return found
        value, safe = self.operand(), False
        while self.skip(SYMBOL, "|"):
            name, value = self.filtered(value)
            safe = safe or name == "safe"
        return Expression(value, safe)

    def filtered(self, value: Value) -> tuple[str, Value]:
        """Read the name and the argument of a filter; return its name, and ``value`` filtered."""
        name = self.take(NAME, "the name of a filter")
        if name not in FILTERS:
            raise self.fault(f"no filter {name}{nearest(name, FILTERS)}")
        argument = self.operand() if self.skip(SYMBOL, ":") else lambda _at: None
        apply = FILTERS[name]
        return name, lambda at: charged(apply(value(at), argument(at)))

    def operand(self) -> Value:
        """Return a number, a text, a boolean, or a variable with its members and calls."""
        token = self.current
        if self.is_done:
            raise self.fault("a value expected")
        if token.kind == NUMBER:
            return self._number()
        if token.kind == STRING:
            self._at += 1
            return lambda _at: token.text
        if word := self.skip(KEYWORD, "true", "false"):
            return lambda _at: word == "true"
        return self._variable(self.take(NAME, "a value"))

    def _number(self) -> Value:
        whole = self.take(NUMBER, "a number")
        if self.skip(SYMBOL, "."):
            found: int | float = float(f"{whole}.{self.take(NUMBER, 'a number')}")
        else:
            found = int(whole) if len(whole) < 20 else 2**63
        if isinstance(found, int) and found >= 2**63:
            raise self.fault(f"{whole[:40]} is a number too large")
        return lambda _at: found

    def _variable(self, name: str) -> Value:
        parts: list[tuple[str, Any]] = []
        while True:
            if self.skip(SYMBOL, "."):
                if self.current.kind == NUMBER:
                    parts.append(("index", int(self.take(NUMBER, "a number")[:18])))
                else:
                    parts.append(("member", self.take(NAME, "a name")))
            elif self.skip(SYMBOL, "["):
                parts.append(("entry", self.expression().value))
                self.expect("]")
            elif self.skip(SYMBOL, "("):
                parts.append(("call", self._arguments()))
            else:
                return lambda at: _resolved(at, name, parts)

    def _arguments(self) -> list[Value]:
        found: list[Value] = []
        while not self.skip(SYMBOL, ")"):
            found.append(self.expression().value)
            if not self.skip(SYMBOL, ","):
                self.expect(")")
                break
        return found


def _resolved(at: Context, name: str, parts: list[tuple[str, Any]]) -> Any:
    value = at.find(name)
    called = bool(parts) and parts[0][0] == "call"
    value = value if called else _implicit(value, name)
    for position, (kind, part) in enumerate(parts):
        if value is None:
            return None
        if kind == "call":
            value = _called(value, name, [argument(at) for argument in part])
            continue
        value = _part(value, kind, part(at) if kind == "entry" else part, name)
        following = parts[position + 1][0] if position + 1 < len(parts) else ""
        value = value if following == "call" else _implicit(value, name)
    return value


def _implicit(value: Any, name: str) -> Any:
    """Return the result of a function that stands without brackets, which calls it."""
    return _called(value, name, []) if callable(value) else value


def _called(value: Any, name: str, arguments: list[Any]) -> Any:
    if not callable(value):
        raise Refused(f"{name} is no function")
    if isinstance(value, Function) and value.overloads:
        wanted = value.overloads[0].arguments
        if len(wanted) != len(arguments):
            raise Refused(f"{value.name} takes {len(wanted)} arguments, not {len(arguments)}")
        for argument, type_ in zip(arguments, wanted, strict=True):
            if type_.kind in _TYPES and type(argument) is not _TYPES[type_.kind]:
                if type_.kind == "string" and isinstance(argument, str):
                    continue
                raise Refused(f"{value.name} takes {type_}, not {kind_of(argument)}")
    try:
        return charged(value(*arguments))
    except (TypeError, AttributeError) as error:
        raise Refused(f"wrong arguments of {name}") from error


def _part(value: Any, kind: str, key: Any, name: str) -> Any:
    if kind == "member":
        if isinstance(value, dict):
            return value.get(key)
        if isinstance(value, Attributes):
            return member(value, key) if key in value.fields else None
        raise Refused(f"{kind_of(value)} {name} has no {key}")
    if isinstance(value, str | list):
        place = key if kind == "index" else integer(key)
        return value[place] if 0 <= place < len(value) else None
    if isinstance(value, dict) and kind == "entry":
        return value.get(key) if isinstance(key, str) else None
    raise Refused(f"{kind_of(value)} {name} has no entries")


def _compared(sign: str, one: Value, other: Value) -> Value:
    if sign == "==":
        return lambda at: equal(one(at), other(at))
    if sign in ("!=", "<>"):
        return lambda at: not equal(one(at), other(at))
    order = _ORDERS[sign]

    def compared(at: Context) -> bool:
        left, right = one(at), other(at)
        if isinstance(left, float) or isinstance(right, float):
            return order(number(left), number(right))
        return order(integer(left), integer(right))

    return compared


def _in(value: Any, collection: Any) -> bool:
    return contains(collection, value)


def _signed(value: Value, minus: bool, negate: bool) -> Value:
    def signed(at: Context) -> Any:
        found = value(at)
        found = negated(found) if negate else found
        if not minus:
            return found
        if not is_number(found):
            raise Refused(f"- takes a number, not {kind_of(found)}")
        return wrapped(-found) if is_integer(found) else -found

    return signed


def _added(sign: str, one: Value, other: Value) -> Value:
    def added(at: Context) -> Any:
        left, right = one(at), other(at)
        if sign == "+" and (isinstance(left, str) or isinstance(right, str)):
            return charged(text(left) + text(right))
        if isinstance(left, float) or isinstance(right, float):
            return number(left) + (number(right) if sign == "+" else -number(right))
        return wrapped(integer(left) + (integer(right) if sign == "+" else -integer(right)))

    return added


def _multiplied(sign: str, one: Value, other: Value) -> Value:
    def multiplied(at: Context) -> Any:
        left, right = one(at), other(at)
        if sign == "%":
            return modulo(integer(left), integer(right))
        if isinstance(left, float) or isinstance(right, float):
            return number(left) * number(right) if sign == "*" else divide(number(left), number(right))
        if sign == "*":
            return wrapped(integer(left) * integer(right))
        return _quotient(integer(left), integer(right))

    return multiplied


def _quotient(left: int, right: int) -> int:
    """Return a quotient of whole numbers, towards zero."""
    if right == 0:
        raise Refused("division by zero")
    found = abs(left) // abs(right)
    return wrapped(int(math.copysign(1, left) * math.copysign(1, right)) * found)
