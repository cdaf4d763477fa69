"""Restrict what an expression of a template may do: a jinja2 environment with lists of allowed operations.

Everything that an expression can reach is named here: filters, methods of text and lists, operators.
Operations that could make text or numbers of unbounded size are bounded (workflow/limits.py), and attributes
of Python objects cannot be read at all.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

from jinja2 import StrictUndefined, Undefined
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS as JINJA_TESTS

from salt_o2.site.jinja.functions import BUILT_IN, NAMESPACES, from_json
from salt_o2.site.jinja.metering import COUNTED, MADE, Counted
from salt_o2.site.jinja.operators import OPERATORS
from salt_o2.site.jinja.values import (
    as_number,
    bits,
    bounded,
    is_number,
    like_boolean,
    like_nothing,
    like_number,
    plain,
    text_of,
    truth,
)
from salt_o2.workflow.expressions.evaluation_budget import charged, spend
from salt_o2.workflow.expressions.values import Attributes, Refused, kind_of, member
from salt_o2.workflow.limits import INTEGER_BITS, ITERATIONS, RENDERED
from salt_o2.workflow.problems import nearest

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
JINJA_FILTER_NAMES = [
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
_CHEAP = ("truth", "like_boolean", "like_number", "like_nothing", "int", "float")
"""Filters that make no large values."""
_OPERATORS = frozenset({"+", "-", "*", "/", "//", "%", "**"})


class Sandbox(ImmutableSandboxedEnvironment):
    """jinja2's sandbox, with allowed names instead of forbidden ones."""

    intercepted_binops = _OPERATORS
    intercepted_unops = frozenset()

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False, cache_size=0)
        self.globals = {}
        known = {name: JINJA_FILTERS[name] for name in JINJA_FILTER_NAMES} | FILTERS
        self.filters = {name: each if name in _CHEAP else _paying(each) for name, each in known.items()}
        self.tests: dict[str, Any] = {name: _paying(each) for name, each in JINJA_TESTS.items()}
        self.concat = _concat  # type: ignore[method-assign]

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return the value of ``obj.attribute``: a field, an entry, or an allowed method."""
        if isinstance(obj, Attributes) and attribute in obj.fields:
            return member(obj, attribute)
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        if attribute in _METHODS.get(type(obj), ()):
            return getattr(obj, attribute)
        if isinstance(obj, Mapping):
            return self.undefined(obj=obj, name=attribute)
        if isinstance(obj, Attributes):
            raise Refused(f"{obj} has no {attribute}{nearest(attribute, obj.fields)}")
        if isinstance(obj, Undefined):
            raise Refused(obj._undefined_message)
        raise Refused(f"{kind_of(obj)} has no {attribute}")

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return ``obj[argument]``; a missing entry is undefined."""
        if isinstance(obj, Attributes) and isinstance(argument, str):
            return self.getattr(obj, argument)
        if not isinstance(obj, str | list | tuple | dict):
            raise Refused(f"{kind_of(obj)} has no entries")
        try:
            return obj[argument]
        except LookupError:
            return self.undefined(obj=obj, name=argument)

    def is_safe_callable(self, obj: Any) -> bool:
        """Return whether ``obj`` may be called: all objects from the methods above may."""
        return not isinstance(obj, type)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ARG002
        """Compute ``left operator right`` within bounds; text that is a number counts as one."""
        if operator == "+" and not (is_number(left) or is_number(right)):
            return charged(bounded(_add(left, right)))
        left, right = as_number(left, operator), as_number(right, operator)
        if operator == "**" and abs(right) * max(bits(left), 1) > INTEGER_BITS:
            raise Refused("a power too large to compute")
        return bounded(self.binop_table[operator](left, right))

    def call(self, context: Any, obj: Any, *arguments: Any, **named: Any) -> Any:
        """Call ``obj``; charge for its result."""
        return charged(super().call(context, obj, *arguments, **named))


def _paying(filter_: Any) -> Callable[..., Any]:
    """Return ``filter_`` with charges for its results."""

    @wraps(filter_)
    def paying(*arguments: Any, **named: Any) -> Any:
        return charged(filter_(*arguments, **named))

    return paying


def _concat(parts: Iterable[str]) -> str:
    """Join the output of a macro, a block or a whole payload."""
    found = []
    for part in parts:
        spend(len(part))
        found.append(part)
    return "".join(found)


def _add(left: Any, right: Any) -> Any:
    for each in (left, right):
        if isinstance(each, Undefined):
            raise Refused(each._undefined_message)
    for kind in (str, list):
        if isinstance(left, kind) and isinstance(right, kind):
            return bounded(left + right)  # type: ignore[operator]
    if left is None or right is None:  # As in the original, adding a missing value adds nothing.
        return right if left is None else left
    if isinstance(left, Attributes) or isinstance(right, Attributes):
        return text_of(left) + text_of(right)
    raise Refused(f"{kind_of(left)} and {kind_of(right)} cannot be added")


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


def bounded_range(*arguments: Any) -> range:
    """Return Python's ``range`` of at most as many numbers as an iterator may make roles."""
    numbers = range(*(int(as_number(argument)) for argument in arguments))
    if len(numbers) > ITERATIONS:
        raise Refused(f"a range of more than {ITERATIONS:,} numbers")
    return numbers


FILTERS: dict[str, Callable[..., Any]] = {
    "int": _integer,
    "float": _float,
    "join": _joined,
    "replace": _replaced,
    "tojson": lambda value: json.dumps(plain(value)),
    "fromjson": from_json,
    MADE: lambda value: value,
    COUNTED: Counted,
    "truth": truth,
    "like_boolean": like_boolean,
    "like_number": like_number,
    "like_nothing": like_nothing,
    **OPERATORS,
}
FUNCTIONS: dict[str, Any] = {
    "len": len,
    "int": _integer,
    "float": _float,
    "string": text_of,
    "range": bounded_range,
    **BUILT_IN,
    **NAMESPACES,
}
"""Functions that an expression can call by name; a variable of the same name hides the function."""
