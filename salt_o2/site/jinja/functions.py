"""Define functions of expressions that need no variables of the role: expr-lang's, and the original's.

Names, aliases and meaning are those of AliECS (``configuration/template/stack.go``) and of expr-lang.
"""

import base64
import json
import math
import secrets
import statistics
from collections.abc import Callable, Iterable
from typing import Any

from salt_o2.core.ids import short_id
from salt_o2.site.jinja.operators import listed
from salt_o2.site.jinja.values import as_number, bounded, plain, text_of
from salt_o2.workflow.expressions.values import Namespace, Refused, kind_of, shown
from salt_o2.workflow.limits import NESTING, RENDERED

TRUTHY = ("true", "yes", "y", "1", "on", "ok")
FALSY = ("", "false", "no", "n", "0", "off", "none")


def atoi(value: Any) -> int:
    """Return the whole number that a text spells; 0 for an empty text, as in the original."""
    text = text_of(value).strip()
    try:
        return int(bounded(int(text))) if text else 0
    except ValueError:
        raise Refused(f"{shown(text)} is not a whole number") from None


def is_truthy(value: Any) -> bool:
    """Return whether a text says yes."""
    return text_of(value).strip().lower() in TRUTHY


def is_falsy(value: Any) -> bool:
    """Return whether a text says no, or nothing."""
    return text_of(value).strip().lower() in FALSY


def from_json(value: Any) -> Any:
    """Return what a JSON text describes."""
    text = text_of(value)
    if len(text) > RENDERED:
        raise Refused(f"JSON of more than {RENDERED:,} characters")
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise Refused(f"{shown(text)} is JSON nested in more than {NESTING} levels") from error
    except ValueError as error:
        raise Refused(f"{shown(text)} is not JSON: {error}") from error
    plain(found)  # A value that is nested too deeply would be found only where it is written.
    return found


def to_json(value: Any) -> str:
    """Return ``value`` as JSON."""
    return json.dumps(plain(value))


def sort_json(value: Any) -> Any:
    """Return a list in order; given as JSON it is returned as JSON."""
    if isinstance(value, str):
        return to_json(sort_json(from_json(value)))
    return sorted(listed(value, "Sort"), key=lambda each: (str(type(each)), each))


def trim_quotes(value: Any) -> str:
    """Return a text without the double quotes around it."""
    text = text_of(value)
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text


def suffix_in_range(value: Any, prefix: Any, least: Any, most: Any) -> str:
    """Return ``true`` if ``value`` is ``prefix`` and a number from ``least`` to ``most``, else ``false``."""
    text, start = text_of(value), text_of(prefix)
    suffix = text.removeprefix(start)
    if not text.startswith(start) or not suffix.isdecimal():
        return "false"
    return "true" if int(as_number(least)) <= int(suffix) <= int(as_number(most)) else "false"


def new_id() -> str:
    """Return a unique id."""
    return short_id(secrets.randbits(63))


def _repeat(value: Any, times: Any) -> str:
    text, count = text_of(value), int(as_number(times))
    if len(text) * count > RENDERED:
        raise Refused(f"a result of more than {RENDERED:,} characters")
    return text * max(count, 0)


def _replace(value: Any, old: Any, new: Any) -> str:
    text, before, after = text_of(value), text_of(old), text_of(new)
    if len(text) + (text.count(before) + 1) * len(after) > RENDERED:
        raise Refused(f"a result of more than {RENDERED:,} characters")
    return text.replace(before, after)


def _split(value: Any, separator: Any, most: Any = -1) -> list[str]:
    text, by = text_of(value), text_of(separator)
    return text.split(by, int(as_number(most)) if most != -1 else -1) if by else list(text)


def _split_after(value: Any, separator: Any) -> list[str]:
    *parts, last = _split(value, separator)
    return [*(f"{part}{separator}" for part in parts), last]


def _trim(value: Any, characters: Any = None) -> str:
    return text_of(value).strip(None if characters is None else text_of(characters))


def _flat(values: Iterable[Any], levels: int = NESTING) -> list[Any]:
    if levels < 0:
        raise Refused(f"lists nested in more than {NESTING} levels")
    found: list[Any] = []
    for value in values:
        found += _flat(value, levels - 1) if isinstance(value, list | tuple) else [value]
        bounded(found)
    return found


def _numbers(values: tuple[Any, ...], name: str) -> list[Any]:
    given = values[0] if len(values) == 1 and isinstance(values[0], list | tuple | range) else values
    return [as_number(value, name) for value in _flat(given)]


def _unique(values: Any) -> list[Any]:
    found: dict[str, Any] = {}
    for value in listed(values, "uniq"):
        found.setdefault(to_json(value), value)
    return list(found.values())


def _mapping(value: Any, name: str) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise Refused(f"{name} takes a mapping, not {kind_of(value)}")
    return value


def _get(value: Any, key: Any) -> Any:
    if isinstance(value, list | tuple):
        return value[int(key)] if -len(value) <= int(key) < len(value) else None
    return _mapping(value, "get").get(key)


def _type(value: Any) -> str:
    if value is None:
        return "nil"
    names = {
        str: "string",
        bool: "bool",
        int: "int",
        float: "float",
        list: "array",
        tuple: "array",
        dict: "map",
    }
    return names.get(type(value), "unknown")


def _from_base64(value: Any) -> str:
    try:
        return base64.b64decode(text_of(value), validate=True).decode()
    except ValueError as error:
        raise Refused(f"{shown(value)} is not base64") from error


def _rounded(value: Any) -> int:
    number = as_number(value)
    return int(math.floor(abs(number) + 0.5) * (1 if number >= 0 else -1))


def _joined(values: Any, separator: Any = "") -> str:
    parts, between = [text_of(each) for each in listed(values, "join")], text_of(separator)
    if sum(map(len, parts)) + len(between) * len(parts) > RENDERED:
        raise Refused(f"a result of more than {RENDERED:,} characters")
    return between.join(parts)


STRINGS: dict[str, Callable[..., Any]] = {
    "Atoi": atoi,
    "Itoa": lambda value: str(atoi(value)),
    "TrimQuotes": trim_quotes,
    "TrimSpace": lambda value: text_of(value).strip(),
    "ToUpper": lambda value: text_of(value).upper(),
    "ToLower": lambda value: text_of(value).lower(),
    "IsTruthy": is_truthy,
    "IsFalsy": is_falsy,
}
JSON: dict[str, Callable[..., Any]] = {
    "Unmarshal": from_json,
    "Deserialize": from_json,
    "Marshal": to_json,
    "Serialize": to_json,
    "Sort": sort_json,
}
UID: dict[str, Callable[..., Any]] = {"New": new_id}
UTIL: dict[str, Callable[..., Any]] = {
    "SuffixInRange": suffix_in_range,
    "Nullable": lambda value: "" if value is None else text_of(value),
}
"""Without the functions that need the variables of the role; workflow/variables/stack.py adds those."""
NAMESPACES: dict[str, Namespace] = {
    "strings": Namespace("strings", STRINGS),
    "json": Namespace("json", JSON),
    "uid": Namespace("uid", UID),
}
BUILT_IN: dict[str, Callable[..., Any]] = {
    **STRINGS,
    "FromJson": from_json,
    "ToJson": to_json,
    "NewID": new_id,
    "SuffixInRange": suffix_in_range,
    "trim": _trim,
    "trimPrefix": lambda value, prefix: text_of(value).removeprefix(text_of(prefix)),
    "trimSuffix": lambda value, suffix: text_of(value).removesuffix(text_of(suffix)),
    "upper": lambda value: text_of(value).upper(),
    "lower": lambda value: text_of(value).lower(),
    "split": _split,
    "splitAfter": _split_after,
    "replace": _replace,
    "repeat": _repeat,
    "indexOf": lambda value, part: text_of(value).find(text_of(part)),
    "lastIndexOf": lambda value, part: text_of(value).rfind(text_of(part)),
    "hasPrefix": lambda value, prefix: text_of(value).startswith(text_of(prefix)),
    "hasSuffix": lambda value, suffix: text_of(value).endswith(text_of(suffix)),
    "max": lambda *values: max(_numbers(values, "max")),
    "min": lambda *values: min(_numbers(values, "min")),
    "mean": lambda *values: statistics.fmean(_numbers(values, "mean")),
    "median": lambda *values: statistics.median(_numbers(values, "median")),
    "abs": lambda value: abs(as_number(value)),
    "ceil": lambda value: math.ceil(as_number(value)),
    "floor": lambda value: math.floor(as_number(value)),
    "round": _rounded,
    "first": lambda values: next(iter(listed(values, "first")), None),
    "last": lambda values: next(reversed(listed(values, "last")), None),
    "take": lambda values, count: listed(values, "take")[: int(as_number(count))],
    "reverse": lambda values: listed(values, "reverse")[::-1],
    "sort": lambda values, order="asc": sorted(listed(values, "sort"), reverse=order == "desc"),
    "uniq": _unique,
    "concat": lambda *lists: bounded([item for each in lists for item in listed(each, "concat")]),
    "flatten": lambda values: _flat(listed(values, "flatten")),
    "join": _joined,
    "keys": lambda value: list(_mapping(value, "keys")),
    "values": lambda value: list(_mapping(value, "values").values()),
    "toPairs": lambda value: [list(pair) for pair in _mapping(value, "toPairs").items()],
    "fromPairs": lambda values: dict(listed(values, "fromPairs")),
    "get": _get,
    "type": _type,
    "toJSON": to_json,
    "fromJSON": from_json,
    "toBase64": lambda value: base64.b64encode(text_of(value).encode()).decode(),
    "fromBase64": _from_base64,
}
"""Functions that an expression can call by one word; a variable of the same name hides the function."""
