"""Functions that AliECS adds to expr-lang, as far as they need neither variables nor the site.

Names, aliases and meaning are those of AliECS (``configuration/template/stack.go``).
"""

import secrets
from collections.abc import Callable
from typing import Any

from salt_o2.core.ids import short_id
from salt_o2.workflow.expressions.functions.encodings import from_json
from salt_o2.workflow.expressions.functions.numbers import whole
from salt_o2.workflow.expressions.functions.signatures import Function, function
from salt_o2.workflow.expressions.functions.texts import lower, trim, upper
from salt_o2.workflow.expressions.rendering import json_of, printed
from salt_o2.workflow.expressions.static_types import BOOL, INT, STRING, UNKNOWN
from salt_o2.workflow.expressions.values import Namespace, Refused, TypedList

TRUTHY = ("true", "yes", "y", "1", "on", "ok")
FALSY = ("", "false", "no", "n", "0", "off", "none")
_LEAST, _MOST = -(1 << 63), (1 << 63) - 1


def atoi(text: str) -> int:
    """Return the whole number that a text spells; 0 if it spells none, as AliECS does."""
    found = whole(text)
    return 0 if found is None else max(_LEAST, min(found, _MOST))


def _marshal(value: Any) -> str:
    try:
        return json_of(value)
    except Refused:
        return ""


def _unmarshal(text: str) -> Any:
    """Return what a JSON text describes; nil if it is none, as AliECS does."""
    try:
        return from_json(text)
    except Refused as error:
        if "is not JSON" in str(error):
            return None
        raise


def _sort(value: Any) -> Any:
    """Return the items of a list as texts in order; any other value as it is, also what ``split`` made."""
    return TypedList(sorted(map(printed, value))) if type(value) is list else value


def _suffix_in_range(text: str, prefix: str, least: str, most: str) -> str:
    suffix, low, high = whole(text.removeprefix(prefix)), whole(least), whole(most)
    if not prefix or not text.startswith(prefix) or suffix is None or low is None or high is None:
        return "false"
    return "true" if low <= suffix <= high else "false"


def new_id() -> str:
    """Return a unique ID."""
    return short_id(secrets.randbits(63))


def _named(*functions: Function) -> dict[str, Function]:
    return {each.name: each for each in functions}


def _in_namespace(functions: dict[str, Function]) -> dict[str, Callable[..., Any]]:
    """Return the functions as members of a namespace, where nil is an empty argument."""
    return {name: each.with_empty_arguments() for name, each in functions.items()}


STRINGS = _named(
    function("Atoi", atoi, (STRING,), INT),
    function("Itoa", str, (INT,), STRING),
    function("TrimQuotes", lambda text: text.strip('"'), (STRING,), STRING),
    function("TrimSpace", trim, (STRING,), STRING),
    function("ToUpper", upper, (STRING,), STRING),
    function("ToLower", lower, (STRING,), STRING),
    function("IsTruthy", lambda text: trim(lower(text)) in TRUTHY, (STRING,), BOOL),
    function("IsFalsy", lambda text: trim(lower(text)) in FALSY, (STRING,), BOOL),
)
JSON = _named(
    function("Unmarshal", _unmarshal, (STRING,), UNKNOWN),
    function("Deserialize", _unmarshal, (STRING,), UNKNOWN),
    function("Marshal", _marshal, (UNKNOWN,), STRING),
    function("Serialize", _marshal, (UNKNOWN,), STRING),
    function("Sort", _sort, (UNKNOWN,), UNKNOWN),
)
UID = _named(function("New", new_id, (), STRING))
UTIL = _named(
    function("SuffixInRange", _suffix_in_range, (STRING,) * 4, STRING),
    function("Nullable", lambda value: value if isinstance(value, str) else "", (UNKNOWN,), STRING),
)
"""Without the functions that need the variables of the role; workflow/variables/stack.py adds those."""
NAMESPACES = {
    "strings": Namespace("strings", _in_namespace(STRINGS)),
    "json": Namespace("json", _in_namespace(JSON)),
    "uid": Namespace("uid", _in_namespace(UID)),
}
ALIASES: dict[str, Callable[..., Any]] = {
    **STRINGS,
    **UTIL,
    **_named(
        function("FromJson", _unmarshal, (STRING,), UNKNOWN).with_empty_arguments(),
        function("ToJson", _marshal, (UNKNOWN,), STRING),
        function("NewID", new_id, (), STRING),
    ),
}
"""Older names, at top level."""
