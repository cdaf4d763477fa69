"""Convert values of payloads: their text, truth and numbers, as pongo2 does."""

from typing import Any

from salt_o2.workflow.expressions.functions.numbers import fraction
from salt_o2.workflow.expressions.rendering import json_of
from salt_o2.workflow.expressions.values import Attributes, Refused, is_integer, is_number, wrapped


class Safe(str):
    """A text that is never escaped: what a macro made."""

    __slots__ = ()


def text(value: Any) -> str:
    """Return ``value`` as a payload has it; lists and mappings as JSON, a fraction with six digits."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "True" if value else "False"
        case int():
            return str(value)
        case float():
            return f"{value:f}" if value == value and abs(value) != float("inf") else _special(value)
        case list() | dict():
            return json_of(value)
    if isinstance(value, Attributes) and not value.printable:
        raise Refused(f"{value} is not a value: call one of its functions, {', '.join(sorted(value.fields))}")
    return str(value)


def _special(value: float) -> str:
    return "NaN" if value != value else "+Inf" if value > 0 else "-Inf"


def truth(value: Any) -> bool:
    """Return whether ``value`` is true: not nil, 0, false or empty."""
    return bool(value) if isinstance(value, str | bool | int | float | list | dict) else value is not None


def negated(value: Any) -> Any:
    """Return the negation of ``value``; of a number it is a number."""
    if is_integer(value):
        return int(value == 0)
    if isinstance(value, float):
        return 0.0 if value else 1.1
    return not truth(value)


def integer(value: Any) -> int:
    """Return ``value`` as a whole number, 0 if it is none; a text that spells a number is one."""
    if isinstance(value, str):
        found = fraction(value)
        value = 0.0 if found is None else found
    if not is_number(value):
        return 0
    if isinstance(value, float):
        return wrapped(int(value)) if abs(value) < 2**63 else -(2**63)
    return int(value)


def number(value: Any) -> float:
    """Return ``value`` as a number with a fraction, 0 if it is none."""
    if isinstance(value, str):
        return fraction(value) or 0.0
    return float(value) if is_number(value) else 0.0


def equal(one: Any, other: Any) -> bool:
    """Return whether two values are equal: of one kind, and the same.

    Raises:
        Refused: if both are lists or mappings, which cannot be compared.
    """
    for kind in (list, dict):
        if isinstance(one, kind) and isinstance(other, kind):
            raise Refused("lists and mappings cannot be compared")
    if isinstance(one, str) and isinstance(other, str):
        return str(one) == str(other)
    return type(one) is type(other) and bool(one == other)


def contains(collection: Any, value: Any) -> bool:
    """Return whether ``value`` is part of a text, in a list, or a key of a mapping."""
    if isinstance(collection, str):
        return text(value) in collection
    if isinstance(collection, list):
        return any(equal(value, entry) for entry in collection)
    return isinstance(collection, dict) and isinstance(value, str) and value in collection


def length(value: Any) -> int:
    """Return the number of characters or entries; 0 for anything else."""
    return len(value) if isinstance(value, str | list | dict) else 0
