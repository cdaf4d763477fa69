"""Convert values of expressions between text, numbers and conditions, within bounds."""

import json
import math
from collections.abc import Iterable
from typing import Any

from jinja2 import Undefined

from salt_o2.workflow.expressions.values import Attributes, Refused, shown
from salt_o2.workflow.limits import INTEGER_BITS, NESTING, RENDERED


def bounded(value: Any) -> Any:
    """Return ``value`` unless it is missing, or larger than a template may make.

    Raises:
        Refused: if it is missing or too large.
    """
    if isinstance(value, Undefined):
        raise Refused(value._undefined_message)
    if isinstance(value, str | list | tuple | dict) and len(value) > RENDERED:
        raise Refused(f"a result of more than {RENDERED:,} characters or entries")
    if bits(value) > INTEGER_BITS or (isinstance(value, float) and not math.isfinite(value)):
        raise Refused("a number too large")
    return value


def as_number(value: Any, operator: str = "") -> Any:
    """Return ``value`` as a number if it is one or is text that spells one.

    Raises:
        Refused: if it is neither.
    """
    if isinstance(value, Undefined):
        raise Refused(value._undefined_message)
    if is_number(value):
        return value
    if isinstance(value, str):
        for kind in (int, float):
            try:
                return bounded(kind(value))
            except ValueError:
                continue
    where = f" for {operator}" if operator else ""
    raise Refused(f"{shown(value)} is not a number{where}")


def truth(value: Any) -> Any:
    """Return ``value`` as a condition: the text ``false`` is false."""
    return False if value == "false" else value


def like_boolean(value: Any) -> Any:
    """Return a boolean for the texts ``true`` and ``false``, for comparison with one."""
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def like_nothing(value: Any) -> Any:
    """Return ``None`` for a missing value, for comparison with nothing."""
    return None if isinstance(value, Undefined) else value


def like_number(value: Any) -> Any:
    """Return a number for text that spells one, for comparison with one."""
    try:
        return as_number(value) if isinstance(value, str) else value
    except Refused:
        return value


def text_of(value: Any) -> str:
    """Return ``value`` as rendered text has it: lists and mappings as JSON, whole numbers without a point."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Undefined):
        raise Refused(value._undefined_message)
    if isinstance(value, Attributes) and not value.printable:
        raise Refused(f"{value} is not a value: call one of its functions, {', '.join(sorted(value.fields))}")
    if isinstance(value, int | float | Attributes):
        return str(value)
    if callable(value):
        raise Refused("a function is not a value: call it with ()")
    return json.dumps(plain(value))


def plain(value: Any, levels: int = NESTING) -> Any:
    """Return ``value`` in types of JSON: lists for all iterables, text for positions.

    Raises:
        Refused: if lists and mappings are nested in more than ``levels`` levels.
    """
    if levels < 0:
        raise Refused(f"lists and mappings nested in more than {NESTING} levels")
    if isinstance(value, Undefined):
        raise Refused(value._undefined_message)
    if isinstance(value, dict):
        return {text_of(key): plain(entry, levels - 1) for key, entry in value.items()}
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Iterable):
        return [plain(entry, levels - 1) for entry in value]
    return text_of(value)


def is_number(value: Any) -> bool:
    """Return whether ``value`` is a number, which a boolean is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def bits(value: Any) -> int:
    """Return how many bits a whole number has; 0 for anything else."""
    return value.bit_length() if isinstance(value, int) else 0
