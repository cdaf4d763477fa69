"""Compute the operators of expressions: Go's rules for whole numbers, fractions, texts, lists and times."""

import math
import operator as op
from collections.abc import Callable, Iterable
from typing import Any

from salt_o2.workflow.expressions.evaluation_budget import look_at_the_clock, spend
from salt_o2.workflow.expressions.linear_regex import matches
from salt_o2.workflow.expressions.rendering import duration_text
from salt_o2.workflow.expressions.times import Time
from salt_o2.workflow.expressions.values import (
    Attributes,
    Duration,
    KeyedMap,
    Namespace,
    Refused,
    TypedList,
    Variables,
    is_integer,
    is_number,
    kind_of,
    member,
    shown,
    wrapped,
)
from salt_o2.workflow.limits import LIST, RENDERED

_LARGE = 2.0**63
"""Exponents from here on are left to the C library."""


def equal(left: Any, right: Any) -> bool:
    """Return whether two values are equal: numbers by value, lists entry by entry, no text as a number."""
    if type(left) is str or type(right) is str:
        return bool(left == right)
    if left is None or right is None:
        return left is right
    if is_number(left) and is_number(right):
        return bool(left == right)
    if isinstance(left, list) and isinstance(right, list):
        spend(len(left))
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return _identical(left, right)
    return type(left) is type(right) and bool(left == right)


def _identical(left: Any, right: Any) -> bool:
    """Compare as Go compares entries of mappings: 1 and 1.0 are different there."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        spend(len(left))
        return left.keys() == right.keys() and all(_identical(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_identical, left, right))
    return bool(left == right)


def _compared(sign: str, compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compared(left: Any, right: Any) -> bool:
        if type(left) is str and type(right) is str:
            return compare(left, right)
        if (is_number(left) and is_number(right)) or (
            type(left) is type(right) and isinstance(left, Duration | Time)
        ):
            return compare(left, right)
        raise _mismatch(left, sign, right)

    return compared


less = _compared("<", op.lt)


def add(left: Any, right: Any) -> Any:
    """Return the sum of two numbers, the join of two texts, or a time moved by a duration."""
    if type(left) is str and type(right) is str:
        if len(left) + len(right) > RENDERED:
            raise Refused(f"a result of more than {RENDERED:,} characters")
        spend(len(left) + len(right))
        return left + right
    if is_number(left) and is_number(right):
        return _number(left + right)
    if isinstance(left, Duration) and isinstance(right, Duration):
        return Duration(wrapped(left.nanoseconds + right.nanoseconds))
    if isinstance(left, Time) and isinstance(right, Duration):
        return left.moved(right)
    if isinstance(left, Duration) and isinstance(right, Time):
        return right.moved(left)
    if _has_text(left) and _has_text(right):
        return str(left) + str(right)
    raise _mismatch(left, "+", right)


def _has_text(value: Any) -> bool:
    """Return whether ``value`` is text or the place of a role, which templates of 2018 add to texts."""
    return isinstance(value, str) or (
        isinstance(value, Attributes) and value.printable and not isinstance(value, Time)
    )


def subtract(left: Any, right: Any) -> Any:
    """Return the difference of two numbers, durations or times."""
    if is_number(left) and is_number(right):
        return _number(left - right)
    if isinstance(left, Duration) and isinstance(right, Duration):
        return Duration(wrapped(left.nanoseconds - right.nanoseconds))
    if isinstance(left, Time) and isinstance(right, Time):
        return left.since(right)
    if isinstance(left, Time) and isinstance(right, Duration):
        return left.moved(Duration(-right.nanoseconds))
    raise _mismatch(left, "-", right)


def multiply(left: Any, right: Any) -> Any:
    """Return the product of two numbers, or of a number and a duration."""
    if is_number(left) and is_number(right):
        return _number(left * right)
    durations = isinstance(left, Duration), isinstance(right, Duration)
    if any(durations):
        factors = [each.nanoseconds if isinstance(each, Duration) else each for each in (left, right)]
        if all(map(is_integer, factors)):
            return Duration(wrapped(factors[0] * factors[1]))
        if all(map(is_number, factors)):
            return float(factors[0] * factors[1])
    raise _mismatch(left, "*", right)


def divide(left: Any, right: Any) -> float:
    """Return the quotient of two numbers, always with a fraction; by zero it is infinite."""
    if not (is_number(left) and is_number(right)):
        raise _mismatch(left, "/", right)
    above, below = float(left), float(right)
    if below == 0:
        if above == 0 or math.isnan(above):
            return math.nan
        return math.copysign(math.inf, above) * math.copysign(1, below)
    return above / below


def modulo(left: Any, right: Any) -> int:
    """Return the remainder of a division of whole numbers, with the sign of the dividend."""
    if not (is_integer(left) and is_integer(right)):
        raise _mismatch(left, "%", right)
    if right == 0:
        raise Refused("division by zero")
    return int(math.copysign(1, left)) * (abs(left) % abs(right)) if left else 0


def power(left: Any, right: Any) -> float:
    """Return a power as a number with a fraction: infinite if too large, NaN if there is none."""
    if not (is_number(left) and is_number(right)):
        raise _mismatch(left, "**", right)
    base, exponent = float(left), float(right)
    try:
        return _power(base, exponent)
    except OverflowError:
        odd = exponent == int(exponent) and int(exponent) % 2 == 1
        return -math.inf if base < 0 and odd else math.inf
    except ValueError:
        if base == 0:
            odd = exponent == int(exponent) and int(exponent) % 2 == 1
            return math.copysign(math.inf, base) if odd else math.inf
        return math.nan


def _power(base: float, exponent: float) -> float:
    """Return a power by squares for the whole part of the exponent, which is how Go rounds."""
    if exponent in (0.5, -0.5) or base <= 0 or not math.isfinite(base) or abs(exponent) >= _LARGE:
        return math.pow(base, exponent)
    fraction, whole = math.modf(abs(exponent))
    found = 1.0
    if fraction:
        if fraction > 0.5:
            fraction, whole = fraction - 1, whole + 1
        found = math.exp(fraction * math.log(base))
    mantissa, scale = math.frexp(base)
    scales, left = 0, int(whole)
    while left:
        if left & 1:
            found, scales = found * mantissa, scales + scale
        mantissa, scale = mantissa * mantissa, scale * 2
        if mantissa < 0.5:
            mantissa, scale = mantissa * 2, scale - 1
        left >>= 1
    if exponent < 0:
        found, scales = 1 / found, -scales
    return math.ldexp(found, scales)


def contains(value: Any, collection: Any) -> bool:
    """Return whether ``value`` is in a list, or a key of a mapping."""
    if collection is None:
        return False
    if isinstance(collection, list):
        spend(len(collection))
        return any(equal(entry, value) for entry in collection)
    if isinstance(collection, dict):
        return has_key(collection, value)
    if isinstance(collection, Namespace | Variables):
        return value in collection.fields if isinstance(collection, Namespace) else collection.has(value)
    raise Refused(f"in takes a list or a mapping, not {kind_of(collection)}")


def has_key(mapping: dict[Any, Any], key: Any) -> bool:
    """Return whether ``key`` is one of ``mapping``; nil stands for an empty text."""
    if isinstance(key, list | dict):
        raise Refused(f"{kind_of(key)} cannot be the key of a mapping")
    if not isinstance(key, str | None) and not isinstance(mapping, KeyedMap):
        raise Refused(f"the key of this mapping is a text, not {kind_of(key)}")
    return ("" if key is None else key) in mapping


def numbers_between(first: Any, last: Any) -> list[int]:
    """Return the whole numbers from ``first`` to ``last``.

    Raises:
        Refused: if they are too many.
    """
    if not (is_number(first) and is_number(last)):
        raise _mismatch(first, "..", last)
    begin, end = int(first), int(last) + 1
    if end - begin >= LIST:
        raise Refused(f"a range of {LIST:,} numbers or more")
    spend(max(end - begin, 0))
    return TypedList(range(begin, end))


def matches_pattern(value: Any, pattern: Any) -> bool:
    """Return whether a pattern of RE2 is found anywhere in a text; never in nil."""
    if value is None or pattern is None:
        return False
    look_at_the_clock()
    return matches(_text(pattern, "matches"), _text(value, "matches"))


def _of_texts(name: str, test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    def tested(left: Any, right: Any) -> bool:
        if left is None or right is None:
            return False
        spend(len(left) if isinstance(left, str) else 0)
        return test(_text(left, name), _text(right, name))

    return tested


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise Refused(f"{name} takes a text, not {kind_of(value)}")
    return value


def negative(value: Any) -> Any:
    """Return a number with the other sign."""
    if not is_number(value):
        raise Refused(f"- takes a number, not {kind_of(value)}")
    return _number(-value)


def truth(value: Any, name: str) -> bool:
    """Return ``value``, which must be a boolean.

    Raises:
        Refused: if it is none.
    """
    if value is True or value is False:
        return bool(value)
    raise Refused(f"{name} takes a boolean, not {shown(value)}")


def member_of(base: Any, key: Any) -> Any:
    """Return an entry of a list or a mapping, or a field or function of an object; nil if a key is missing.

    Raises:
        Refused: if there is no such entry.
    """
    if isinstance(base, dict):
        return base.get("" if key is None else key) if has_key(base, key) else None
    if isinstance(base, list):
        return base[position(key, len(base))]
    if isinstance(base, str):
        return base[position(key, len(base))]
    if isinstance(base, Variables):
        return base.get(key)
    if isinstance(base, Attributes) and isinstance(key, str):
        return member(base, key)
    if isinstance(base, Duration) and isinstance(key, str):
        return _duration_member(base, key)
    raise Refused(f"{kind_of(base)} has no {key if isinstance(key, str) else 'entries'}")


def position(index: Any, length: int) -> int:
    """Return the place of ``index`` in a list of ``length`` entries; a negative one counts from the end.

    Raises:
        Refused: if there is no such entry.
    """
    if not is_number(index):
        raise Refused(f"the place in a list is a whole number, not {kind_of(index)}")
    at = int(index) + (length if index < 0 else 0)
    if not 0 <= at < length:
        raise Refused(f"there is no entry {int(index)}: the list has {length}")
    return at


def slice_of(base: Any, low: Any, high: Any) -> Any:
    """Return a part of a list or a text, by characters; places outside are moved to its ends."""
    if not isinstance(base, list | str):
        raise Refused(f"[:] takes a list or a text, not {kind_of(base)}")
    begin = 0 if low is None else _bound(low, len(base))
    end = len(base) if high is None else min(_bound(high, len(base)), len(base))
    spend(max(end - begin, 0))
    return base[min(begin, end) : end]


def _bound(index: Any, length: int) -> int:
    if not is_number(index):
        raise Refused(f"the place in a list is a whole number, not {kind_of(index)}")
    return max(int(index) + (length if index < 0 else 0), 0)


def items_of(value: Any, name: str) -> list[Any]:
    """Return the items of a list.

    Raises:
        Refused: if ``value`` is none.
    """
    if isinstance(value, list):
        return value
    if isinstance(value, str):
        raise Refused(f"{name} takes a list, not a text: FromJson() makes one of its JSON")
    raise Refused(f"{name} takes a list, not {kind_of(value)}")


def _number(value: Any) -> Any:
    return wrapped(value) if isinstance(value, int) else value


def _duration_member(value: Duration, name: str) -> Callable[..., Any]:
    found = DURATION_METHODS.get(name)
    if found is None:
        raise Refused(f"a duration has no {name}")
    return lambda: found(value)


def _mismatch(left: Any, sign: str, right: Any) -> Refused:
    sides: Iterable[Any] = (left, right)
    numbers = any(map(is_number, sides))
    texts = [side for side in sides if isinstance(side, str)]
    hint = ": Atoi() makes a number of a text, string() a text of a number" if numbers and texts else ""
    return Refused(f"{sign} takes two values of one kind, not {shown(left)} and {shown(right)}{hint}")


DURATION_METHODS: dict[str, Callable[[Duration], Any]] = {
    "Hours": lambda value: value.nanoseconds / 3_600_000_000_000,
    "Minutes": lambda value: value.nanoseconds / 60_000_000_000,
    "Seconds": lambda value: value.nanoseconds / 1_000_000_000,
    "Milliseconds": lambda value: int(value.nanoseconds / 1_000_000),
    "Microseconds": lambda value: int(value.nanoseconds / 1_000),
    "Nanoseconds": lambda value: value.nanoseconds,
    "String": duration_text,
    "Abs": lambda value: Duration(abs(value.nanoseconds)),
}
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    "<": less,
    "<=": _compared("<=", op.le),
    ">": _compared(">", op.gt),
    ">=": _compared(">=", op.ge),
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": modulo,
    "**": power,
    "in": contains,
    "matches": matches_pattern,
    "contains": _of_texts("contains", lambda text, part: part in text),
    "startsWith": _of_texts("startsWith", str.startswith),
    "endsWith": _of_texts("endsWith", str.endswith),
    "..": numbers_between,
}
"""All operators that compute both sides."""
