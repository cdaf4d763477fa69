"""Built-in functions of numbers: abs, round, max, mean, int, bits."""

import math
from collections.abc import Callable
from typing import Any

from salt_o2.workflow.expressions.functions.signatures import Function, function
from salt_o2.workflow.expressions.static_types import FLOAT, INT, UNKNOWN, Check, Type
from salt_o2.workflow.expressions.values import Duration, Refused, is_number, kind_of, shown, wrapped
from salt_o2.workflow.limits import NESTING

_TOP = float(1 << 63)
_WORD = (1 << 64) - 1
_LONGEST = 40
"""Digits of a text that are read as a number."""


def whole(text: str) -> int | None:
    """Return the whole number that ``text`` spells in Go's way, or None."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not digits.isascii() or not digits.isdigit():
        return None
    value = int(digits) if len(digits) < _LONGEST else 10**_LONGEST
    return -value if text[0] == "-" else value


def fraction(text: str) -> float | None:
    """Return the number that ``text`` spells in Go's way, or None."""
    bare = text.strip()
    if bare != text or not text.isascii() or not text or text[0] == "_" or text[-1] == "_" or "__" in text:
        return None
    try:
        if text.lower().lstrip("+-").startswith("0x"):
            return float.fromhex(text) if "p" in text.lower() else None
        if "_" in text:
            return None
        found = float(text)
    except (ValueError, OverflowError):
        return None
    spelled = text.lower().lstrip("+-")
    return None if math.isinf(found) and spelled not in ("inf", "infinity") else found


def _integer(value: Any) -> int:
    if isinstance(value, str):
        found = whole(value)
        if found is None or found != wrapped(found):
            raise Refused(f"{shown(value)} is not a whole number")
        return found
    if isinstance(value, float):
        return int(value) if -_TOP <= value < _TOP else -(1 << 63)
    return int(_a_number(value, "int"))


def _float(value: Any) -> float:
    if isinstance(value, str):
        found = fraction(value)
        if found is None:
            raise Refused(f"{shown(value)} is not a number")
        return found
    return float(_a_number(value, "float"))


def _a_number(value: Any, name: str) -> Any:
    if isinstance(value, Duration):
        return value.nanoseconds
    if not is_number(value):
        raise Refused(f"{name} takes a number, not {kind_of(value)}")
    return value


def _rounded(name: str, change: Callable[[float], float]) -> Function:
    def call(value: Any) -> float:
        number = float(_a_number(value, name))
        if not math.isfinite(number):
            return number
        found = float(change(number))
        return math.copysign(found, number) if found == 0 else found

    def check(given: list[Type]) -> Type:
        _one(name, given)
        if not given[0].is_number and not given[0].is_unknown:
            raise Refused(f"{name} takes a number, not {given[0]}")
        return FLOAT

    return Function(name, call, check=check)


def _nearest(number: float) -> float:
    found = math.floor(abs(number))
    return math.copysign(found + (abs(number) - found >= 0.5), number)


def _one(name: str, given: list[Type]) -> None:
    if len(given) != 1:
        raise Refused(f"{name} takes 1 argument, not {len(given)}")


def _converted(name: str, call: Callable[[Any], Any], result: Type) -> Function:
    def check(given: list[Type]) -> Type:
        _one(name, given)
        kinds = ("string", "duration") if result == INT else ("string",)
        if not (given[0].is_number or given[0].is_unknown or given[0].kind in kinds):
            raise Refused(f"{name} takes a number or a text, not {given[0]}")
        return result

    return Function(name, call, check=check)


def _absolute(value: Any) -> Any:
    return wrapped(abs(_a_number(value, "abs"))) if not isinstance(value, float) else abs(value)


def _check_absolute(given: list[Type]) -> Type:
    _one("abs", given)
    if not given[0].is_number and not given[0].is_unknown:
        raise Refused(f"abs takes a number, not {given[0]}")
    return given[0]


def _check_of_all(name: str) -> Check:
    def check(given: list[Type]) -> Type:
        if not given:
            raise Refused(f"{name} takes at least 1 argument")
        for type_ in given:
            if type_.is_unknown or type_.kind == "array":
                return UNKNOWN
            if not type_.is_number and type_.kind != "duration":
                raise Refused(f"{name} takes numbers, not {type_}")
        return given[0]

    return check


def _extreme(name: str, is_better: Callable[[Any, Any], bool]) -> Function:
    def best(values: tuple[Any, ...] | list[Any], levels: int = NESTING) -> Any:
        found: Any = None
        if levels < 0:
            raise Refused(f"lists nested in more than {NESTING} levels")
        for value in values:
            each = best(value, levels - 1) if isinstance(value, list) else value
            if not is_number(each) and isinstance(value, list) and not value:
                continue
            if not is_number(each):
                if len(values) == 1 and levels == NESTING and not isinstance(value, list):
                    return value
                raise Refused(f"{name} takes numbers, not {kind_of(each)}")
            if found is None or is_better(each, found):
                found = each
        return found

    return Function(name, lambda *values: best(values), check=_check_of_all(name))


def _flat(values: Any, name: str, levels: int = NESTING) -> list[float]:
    if levels < 0:
        raise Refused(f"lists nested in more than {NESTING} levels")
    found: list[float] = []
    for value in values:
        if isinstance(value, list):
            found += _flat(value, name, levels - 1)
        else:
            found.append(float(_a_number(value, name)))
    return found


def _mean(*values: Any) -> float:
    numbers = _flat(values, "mean")
    total = 0.0
    for number in numbers:
        total += number
    return total / len(numbers) if numbers else 0.0


def _median(*values: Any) -> float:
    numbers = sorted(_flat(values, "median"))
    if not numbers:
        return 0.0
    middle = len(numbers) // 2
    return numbers[middle] if len(numbers) % 2 else (numbers[middle - 1] + numbers[middle]) / 2


def _bits(name: str, compute: Callable[[int, int], int]) -> Function:
    return function(name, lambda left, right: compute(left, right), (INT, INT), INT)


def _shift(name: str, compute: Callable[[int, int], int]) -> Function:
    def shifted(value: int, by: int) -> int:
        if by < 0:
            raise Refused(f"{name} takes 0 or more places, not {by}")
        return compute(value, min(by, 64))

    return function(name, shifted, (INT, INT), INT)


FUNCTIONS = (
    Function("abs", _absolute, check=_check_absolute),
    _rounded("ceil", math.ceil),
    _rounded("floor", math.floor),
    _rounded("round", _nearest),
    _converted("int", _integer, INT),
    _converted("float", _float, FLOAT),
    _extreme("max", lambda each, best: each > best),
    _extreme("min", lambda each, best: each < best),
    Function("mean", _mean, check=_check_of_all("mean")),
    Function("median", _median, check=_check_of_all("median")),
    _bits("bitand", lambda left, right: left & right),
    _bits("bitor", lambda left, right: left | right),
    _bits("bitxor", lambda left, right: left ^ right),
    _bits("bitnand", lambda left, right: left & ~right),
    _shift("bitshl", lambda value, by: wrapped(value << by)),
    _shift("bitshr", lambda value, by: value >> by),
    _shift("bitushr", lambda value, by: wrapped((value & _WORD) >> by)),
    function("bitnot", lambda value: ~value, (INT,), INT),
)
