"""What an expression of a template may do: a jinja2 environment with lists of what is allowed, nothing else.

Everything that an expression can reach is named here: filters, methods of text and lists, operators. Whatever could make
text or numbers of unbounded size is bounded (limits.py), and attributes of Python objects cannot be had at all.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import StrictUndefined, Undefined
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.sandbox import ImmutableSandboxedEnvironment

from salt_o2.workflow.limits import INTEGER_BITS, ITERATIONS, RENDERED

_METHODS: dict[type, frozenset[str]] = {
    str: frozenset(
        [
            "lower",
            "upper",
            "strip",
            "lstrip",
            "rstrip",
            "split",
            "rsplit",
            "splitlines",
            "startswith",
            "endswith",
            "find",
            "count",
            "title",
            "capitalize",
            "isdigit",
            "isalpha",
            "isalnum",
            "removeprefix",
            "removesuffix",
            "partition",
            "rpartition",
        ]
    ),
    list: frozenset({"index", "count"}),
    tuple: frozenset({"index", "count"}),
    dict: frozenset({"keys", "values", "items", "get"}),
}
_JINJA_FILTERS = [
    "abs",
    "capitalize",
    "count",
    "d",
    "default",
    "dictsort",
    "first",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "reverse",
    "round",
    "select",
    "selectattr",
    "sort",
    "string",
    "sum",
    "title",
    "trim",
    "unique",
    "upper",
]
_OPERATORS = frozenset({"+", "-", "*", "/", "//", "%", "**"})


class Refused(ValueError):
    """An expression asks for something that makes no sense or is not allowed."""


class Attributes:
    """An object whose ``fields`` an expression may read with a dot."""

    __slots__ = ()
    fields: frozenset[str] = frozenset()


class Sandbox(ImmutableSandboxedEnvironment):
    """jinja2's sandbox, with allowed names instead of forbidden ones."""

    intercepted_binops = _OPERATORS
    intercepted_unops = frozenset()

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False, cache_size=0)
        self.globals = {}
        self.filters = {name: JINJA_FILTERS[name] for name in _JINJA_FILTERS} | FILTERS

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return what ``obj.attribute`` means: a field, an entry, or an allowed method."""
        if isinstance(obj, Attributes) and attribute in obj.fields:
            return getattr(obj, attribute)
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        if attribute in _METHODS.get(type(obj), ()):
            return getattr(obj, attribute)
        if isinstance(obj, Mapping):
            return self.undefined(obj=obj, name=attribute)
        if isinstance(obj, Undefined):
            obj._fail_with_undefined_error()
        raise Refused(f"{_kind(obj)} has no {attribute}")

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return ``obj[argument]``; an entry that is not there is undefined."""
        if isinstance(obj, Attributes) and isinstance(argument, str):
            return self.getattr(obj, argument)
        if not isinstance(obj, str | list | tuple | dict):
            raise Refused(f"{_kind(obj)} has no entries")
        try:
            return obj[argument]
        except LookupError:
            return self.undefined(obj=obj, name=argument)

    def is_safe_callable(self, obj: Any) -> bool:
        """Return whether ``obj`` may be called: whatever was reached by the ways above may."""
        return not isinstance(obj, type)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Compute ``left operator right`` within bounds; text that is a number counts as one."""
        if operator == "+" and not (_is_number(left) or _is_number(right)):
            return bounded(_add(left, right))
        left, right = as_number(left, operator), as_number(right, operator)
        if operator == "**" and abs(right) * max(_bits(left), 1) > INTEGER_BITS:
            raise Refused("a power too large to compute")
        return bounded(self.binop_table[operator](left, right))


def bounded(value: Any) -> Any:
    """Return ``value`` unless it is larger than a template may make.

    Raises:
        Refused: if it is.
    """
    if isinstance(value, str | list | tuple | dict) and len(value) > RENDERED:
        raise Refused(f"a result of more than {RENDERED:,} characters or entries")
    if _bits(value) > INTEGER_BITS:
        raise Refused("a number too large")
    return value


def as_number(value: Any, operator: str = "") -> Any:
    """Return ``value`` as a number if it is one or is text that spells one.

    Raises:
        Refused: if it is neither.
    """
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()
    if _is_number(value):
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
    """Return ``value`` as a condition sees it: the text ``false`` is what its author means by it."""
    return False if value == "false" else value


def like_boolean(value: Any) -> Any:
    """Return a boolean for the texts ``true`` and ``false``, for comparison with one."""
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def like_number(value: Any) -> Any:
    """Return a number for text that spells one, for comparison with one."""
    try:
        return as_number(value) if isinstance(value, str) else value
    except Refused:
        return value


def shown(value: Any, length: int = 60) -> str:
    """Return ``value`` for a message: in quotes if it is text, and not too long."""
    text = repr(value) if isinstance(value, str | int | float | bool) else _kind(value)
    return text if len(text) <= length else text[: length - 1] + "…"


def bounded_range(*arguments: Any) -> range:
    """Return Python's ``range`` of at most as many numbers as an iterator may make roles."""
    numbers = range(*(int(as_number(argument)) for argument in arguments))
    if len(numbers) > ITERATIONS:
        raise Refused(f"a range of more than {ITERATIONS:,} numbers")
    return numbers


def text_of(value: Any) -> str:
    """Return ``value`` as it appears in rendered text: lists and mappings as JSON, whole numbers without point."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()
    if isinstance(value, int | float | Attributes):
        return str(value)
    if callable(value):
        raise Refused("a function is not a value: call it with ()")
    return json.dumps(plain(value))


def plain(value: Any) -> Any:
    """Return ``value`` with lists in the place of everything that can be gone through, and text for positions."""
    if isinstance(value, dict):
        return {text_of(key): plain(entry) for key, entry in value.items()}
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Iterable):
        return [plain(entry) for entry in value]
    return text_of(value)


def _add(left: Any, right: Any) -> Any:
    for kind in (str, list):
        if isinstance(left, kind) and isinstance(right, kind):
            return bounded(left + right)  # type: ignore[operator]
    if left is None or right is None:  # as the original: nothing adds nothing
        return right if left is None else left
    if isinstance(left, Attributes) or isinstance(right, Attributes):
        return text_of(left) + text_of(right)
    raise Refused(f"{_kind(left)} and {_kind(right)} cannot be added")


def _joined(values: Any, separator: str = "") -> str:
    parts = [text_of(value) for value in values]
    if sum(map(len, parts)) + len(separator) * len(parts) > RENDERED:
        raise Refused(f"a result of more than {RENDERED:,} characters")
    return separator.join(parts)


def _replaced(text: Any, old: str, new: str) -> str:
    given = text_of(text)
    if len(given) + given.count(old) * len(new) > RENDERED:
        raise Refused(f"a result of more than {RENDERED:,} characters")
    return given.replace(old, new)


def _integer(value: Any, default: Any = None) -> Any:
    return _converted(int, value, default)


def _float(value: Any, default: Any = None) -> Any:
    return _converted(float, value, default)


def _converted(kind: Callable[[Any], Any], value: Any, default: Any) -> Any:
    try:
        return kind(as_number(value))
    except Refused:
        if default is None:
            raise
        return default


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _bits(value: Any) -> int:
    return value.bit_length() if isinstance(value, int) else 0


def _kind(value: Any) -> str:
    names = {
        str: "text",
        bool: "a boolean",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "a mapping",
    }
    return "nothing" if value is None else names.get(type(value), type(value).__name__.lower())


FILTERS: dict[str, Callable[..., Any]] = {
    "int": _integer,
    "float": _float,
    "join": _joined,
    "replace": _replaced,
    "tojson": lambda value: json.dumps(plain(value)),
    "fromjson": json.loads,
    "truth": truth,
    "like_boolean": like_boolean,
    "like_number": like_number,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "len": len,
    "int": _integer,
    "float": _float,
    "string": text_of,
    "range": bounded_range,
}
"""What an expression can call by name; a variable of the same name hides it."""
