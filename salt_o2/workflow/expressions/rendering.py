"""Write values as text: as AliECS inserts them, as Go prints them, as Go writes JSON.

AliECS inserts nil as ``<nil>`` and mappings as ``map[a:1]``. Here nil is an empty text, and mappings are
JSON: no program can read what AliECS writes there (docs/explanation/differences-from-aliecs.md).
"""

import json
import math
from collections.abc import Callable, Iterable
from typing import Any

from salt_o2.workflow.expressions.values import Attributes, Duration, Refused
from salt_o2.workflow.limits import MADE, NESTING

_ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_UNITS = ((3_600_000_000_000, "h"), (60_000_000_000, "m"))
_SMALL = ((1_000_000, "ms"), (1_000, "µs"), (1, "ns"))
_SECOND = 1_000_000_000
_PRINTED_PLAIN, _JSON_PLAIN = 6, 21
"""Powers of ten from which a number is written with an exponent."""
_STRING = json.JSONEncoder(ensure_ascii=False).encode


def text_of(value: Any) -> str:
    """Return ``value`` as a template inserts it: lists and mappings as JSON, nothing for nil.

    Raises:
        Refused: if it is no value, as a function without its call.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list | tuple | dict):
        return _json(value, NESTING, "", printed)
    if isinstance(value, Attributes) and not value.printable:
        raise Refused(f"{value} is not a value: call one of its functions, {', '.join(sorted(value.fields))}")
    return printed(value)


def printed(value: Any, levels: int = NESTING) -> str:
    """Return ``value`` as Go's ``%v`` prints it.

    Raises:
        Refused: if it is a function, or nested too deeply.
    """
    if levels < 0:
        raise Refused(f"lists and mappings nested in more than {NESTING} levels")
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case float():
            return float_text(value)
        case Duration():
            return duration_text(value)
        case dict():
            pairs = sorted(value.items(), key=_order)
            inside = (f"{printed(key, levels - 1)}:{printed(entry, levels - 1)}" for key, entry in pairs)
            return f"map[{' '.join(inside)}]"
        case list() | tuple():
            return f"[{' '.join(printed(entry, levels - 1) for entry in value)}]"
    if callable(value):
        raise Refused("a function is not a value: call it with ()")
    return str(value)


def json_of(value: Any) -> str:
    """Return ``value`` as JSON: without blanks, keys in order, as Go writes it.

    Raises:
        Refused: if it has an entry that JSON cannot hold.
    """
    return _json(value, NESTING, "", _key)


def indented_json(value: Any) -> str:
    """Return ``value`` as JSON, each entry in a line of its own.

    Raises:
        Refused: if it has an entry that JSON cannot hold.
    """
    return _json(value, NESTING, "\n", _key)


def json_text(value: str) -> str:
    """Return a text as JSON, with its signs of HTML escaped."""
    found = _STRING(value)
    for sign, escape in _ESCAPED.items():
        if sign in found:
            found = found.replace(sign, escape)
    return found


def float_text(value: float) -> str:
    """Return a number with a fraction as Go prints it: ``2``, ``0.5``, ``1e+06``."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    digits, exponent = _shortest(value)
    sign = "-" if value < 0 else ""
    if -4 <= exponent < _PRINTED_PLAIN:
        return sign + _plain(digits, exponent)
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{exponent:+03d}"


def duration_text(value: Duration) -> str:
    """Return a duration as Go prints it: ``1m30s``, ``1.5ms``."""
    left = abs(value.nanoseconds)
    sign = "-" if value.nanoseconds < 0 else ""
    if left == 0:
        return "0s"
    if left < _SECOND:
        size, unit = next((size, unit) for size, unit in _SMALL if left >= size)
        return f"{sign}{_decimal(left, size)}{unit}"
    text = ""
    for size, unit in _UNITS:
        if left >= size or text:
            text += f"{left // size}{unit}"
            left %= size
    return f"{sign}{text}{_decimal(left, _SECOND)}s"


def _decimal(amount: int, size: int) -> str:
    whole, rest = divmod(amount, size)
    digits = f"{rest:0{len(str(size)) - 1}d}".rstrip("0") if rest else ""
    return f"{whole}.{digits}" if digits else str(whole)


def _json(value: Any, levels: int, indent: str, key_text: Callable[[Any], str]) -> str:
    if levels < 0:
        raise Refused(f"lists and mappings nested in more than {NESTING} levels")
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _json_number(value)
        case str():
            return json_text(value)
        case Duration():
            return str(value.nanoseconds)
        case dict():
            pairs = sorted(((key_text(key), entry) for key, entry in value.items()), key=lambda pair: pair[0])
            colon = ": " if indent else ":"
            inside = (
                f"{json_text(key)}{colon}{_json(entry, levels - 1, indent and indent + '  ', key_text)}"
                for key, entry in pairs
            )
            return _enclosed("{", list(inside), "}", indent)
        case list() | tuple():
            return _enclosed(
                "[",
                [_json(entry, levels - 1, indent and indent + "  ", key_text) for entry in value],
                "]",
                indent,
            )
    if isinstance(value, Attributes) and value.printable:
        return json_text(str(value))
    if isinstance(value, Iterable):
        return _json(list(value), levels, indent, key_text)
    raise Refused(f"JSON has no {printed(value)}")


def _enclosed(opening: str, parts: list[str], closing: str, indent: str) -> str:
    if not indent or not parts:
        return opening + ",".join(parts) + closing
    if sum(map(len, parts)) + len(parts) * (len(indent) + 4) > MADE:
        raise Refused(f"JSON of more than {MADE:,} characters")
    return f"{opening}{indent}  " + f",{indent}  ".join(parts) + f"{indent}{closing}"


def _json_number(value: float) -> str:
    if not math.isfinite(value):
        raise Refused(f"JSON has no number {float_text(value)}")
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    digits, exponent = _shortest(value)
    sign = "-" if value < 0 else ""
    if -6 <= exponent < _JSON_PLAIN:
        return sign + _plain(digits, exponent)
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    mark = f"e{exponent:+03d}" if exponent > 0 else f"e{exponent}"
    return f"{sign}{digits[0]}{fraction}{mark}"


def _shortest(value: float) -> tuple[str, int]:
    """Return the fewest digits that spell ``value``, and the power of ten of the first one."""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    power = int(exponent or 0) + len(whole) - 1
    if whole.strip("0") == "":
        power = int(exponent or 0) - (len(fraction) - len(fraction.lstrip("0"))) - 1
    return digits.rstrip("0") or "0", power


def _plain(digits: str, exponent: int) -> str:
    if exponent < 0:
        return f"0.{'0' * (-exponent - 1)}{digits}"
    if len(digits) <= exponent + 1:
        return digits + "0" * (exponent + 1 - len(digits))
    return f"{digits[: exponent + 1]}.{digits[exponent + 1 :]}"


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, int) and not isinstance(key, bool):
        return str(key)
    raise Refused(f"JSON has no key {printed(key)}")


def _order(pair: tuple[Any, Any]) -> tuple[int, Any]:
    """Order keys of a mapping as Go prints them: by kind, then by value."""
    key = pair[0]
    kinds = ((type(None), 0), (bool, 1), (int, 2), (float, 3), (str, 4))
    for kind, rank in kinds:
        if isinstance(key, kind):
            return rank, key if key is not None else 0
    return len(kinds), str(key)
