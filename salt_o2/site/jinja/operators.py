"""Implement expr-lang's operators and its functions with closures, as filters of the sandbox."""

import operator as op
from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import Undefined

from salt_o2.site.jinja.values import as_number, like_boolean, like_number, text_of, truth
from salt_o2.workflow.expressions.evaluation_budget import look_at_the_clock
from salt_o2.workflow.expressions.linear_regex import matches
from salt_o2.workflow.expressions.values import Refused, kind_of
from salt_o2.workflow.limits import ITERATIONS

PREFIX = "_o2_"
Closure = Callable[..., Any]
_COMPARISONS = {"eq": op.eq, "ne": op.ne, "lt": op.lt, "lteq": op.le, "gt": op.gt, "gteq": op.ge}


def listed(value: Any, name: str) -> list[Any]:
    """Return the items of ``value``.

    Raises:
        Refused: if it is no list.
    """
    if isinstance(value, Undefined):
        raise Refused(value._undefined_message)
    if isinstance(value, str):
        raise Refused(f"{name} goes through a list, not a text: FromJson() makes one of its JSON")
    if isinstance(value, dict) or not isinstance(value, Iterable):
        raise Refused(f"{name} goes through a list, not {kind_of(value)}")
    return list(value)


def _coalesce(value: Any, other: Closure) -> Any:
    return other() if value is None or isinstance(value, Undefined) else value


def _otherwise(value: Any, other: Closure) -> Any:
    return value if truth(value) else other()


def _member(value: Any, key: Any) -> Any:
    if value is None or isinstance(value, Undefined):
        return None
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list | tuple) and isinstance(key, int):
        return value[key] if -len(value) <= key < len(value) else None
    raise Refused(f"{kind_of(value)} has no {text_of(key)}")


def _contains(value: Any, part: Any) -> bool:
    return part in value if isinstance(value, list | tuple) else text_of(part) in text_of(value)


def _matches(value: Any, pattern: Any) -> bool:
    look_at_the_clock()
    return matches(text_of(pattern), text_of(value))


def _compared(left: Any, operator: str, right: Any) -> bool:
    """Compare two values; where one is a number or a boolean, text that spells one is compared as such."""
    for kind, like in ((bool, like_boolean), (int | float, like_number)):
        if isinstance(left, kind) != isinstance(right, kind):
            left, right = like(left), like(right)
    return bool(_COMPARISONS[operator](left, right))


def _up_to(first: Any, last: Any) -> list[int]:
    numbers = range(int(as_number(first, "..")), int(as_number(last, "..")) + 1)
    if len(numbers) > ITERATIONS:
        raise Refused(f"a range of more than {ITERATIONS:,} numbers")
    return list(numbers)


def _found(over: Any, closure: Closure, name: str, backwards: bool = False) -> tuple[int, Any] | None:
    numbered = list(enumerate(listed(over, name)))
    for index, item in reversed(numbered) if backwards else numbered:
        if truth(closure(item, index)):
            return index, item
    return None


def _kept(over: Any, closure: Closure, name: str) -> list[Any]:
    return [item for index, item in enumerate(listed(over, name)) if truth(closure(item, index))]


def _map(over: Any, closure: Closure) -> list[Any]:
    return [closure(item, index) for index, item in enumerate(listed(over, "map"))]


def _count(over: Any, closure: Closure | None = None) -> int:
    return sum(map(bool, listed(over, "count"))) if closure is None else len(_kept(over, closure, "count"))


def _sum(over: Any, closure: Closure | None = None) -> Any:
    values = listed(over, "sum") if closure is None else _map(over, closure)
    return sum(as_number(value, "sum") for value in values)


def _group(over: Any, closure: Closure) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = {}
    for index, item in enumerate(listed(over, "groupBy")):
        groups.setdefault(_key(closure(item, index)), []).append(item)
    return groups


def _key(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else text_of(value)


def _sort(over: Any, closure: Closure, order: str = "asc") -> list[Any]:
    if order not in ("asc", "desc"):
        raise Refused(f"sortBy sorts asc or desc, not {order!r}")
    items = listed(over, "sortBy")
    keys = [closure(item, index) for index, item in enumerate(items)]
    by_key = sorted(zip(keys, range(len(items)), strict=True), reverse=order == "desc")
    return [items[index] for _, index in by_key]


_NOTHING = object()


def _reduce(over: Any, closure: Closure, initial: Any = _NOTHING) -> Any:
    items = listed(over, "reduce")
    if initial is _NOTHING:
        if not items:
            raise Refused("reduce of an empty list needs a value to begin with")
        initial, items = items[0], items[1:]
    for index, item in enumerate(items):
        initial = closure(item, index, initial)
    return initial


def _first(found: tuple[int, Any] | None, part: int, otherwise: Any) -> Any:
    return otherwise if found is None else found[part]


OPERATORS: dict[str, Callable[..., Any]] = {
    "coalesce": _coalesce,
    "otherwise": _otherwise,
    "member": _member,
    "compared": _compared,
    "contains": _contains,
    "starts_with": lambda value, start: text_of(value).startswith(text_of(start)),
    "ends_with": lambda value, end: text_of(value).endswith(text_of(end)),
    "matches": _matches,
    "up_to": _up_to,
    "let": lambda value, name, body: body.with_name(name, value),
    f"{PREFIX}all": lambda over, closure: _found(over, lambda *at: not truth(closure(*at)), "all") is None,
    f"{PREFIX}any": lambda over, closure: _found(over, closure, "any") is not None,
    f"{PREFIX}none": lambda over, closure: _found(over, closure, "none") is None,
    f"{PREFIX}one": lambda over, closure: len(_kept(over, closure, "one")) == 1,
    f"{PREFIX}filter": lambda over, closure: _kept(over, closure, "filter"),
    f"{PREFIX}map": _map,
    f"{PREFIX}count": _count,
    f"{PREFIX}sum": _sum,
    f"{PREFIX}find": lambda over, closure: _first(_found(over, closure, "find"), 1, None),
    f"{PREFIX}findIndex": lambda over, closure: _first(_found(over, closure, "findIndex"), 0, -1),
    f"{PREFIX}findLast": lambda over, closure: _first(_found(over, closure, "findLast", True), 1, None),
    f"{PREFIX}findLastIndex": lambda over, closure: _first(
        _found(over, closure, "findLastIndex", True), 0, -1
    ),
    f"{PREFIX}groupBy": _group,
    f"{PREFIX}countBy": lambda over, closure: {
        key: len(group) for key, group in _group(over, closure).items()
    },
    f"{PREFIX}sortBy": _sort,
    f"{PREFIX}reduce": _reduce,
}
