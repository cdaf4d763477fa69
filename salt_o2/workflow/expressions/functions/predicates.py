"""Functions that compute a part of an expression for each item of a list: filter, map, sortBy, reduce."""

from collections.abc import Callable, Iterable
from typing import Any

from salt_o2.workflow.expressions.functions.lists import in_order
from salt_o2.workflow.expressions.operators import add, has_key, items_of, truth
from salt_o2.workflow.expressions.values import KeyedMap, Refused

Each = Callable[[Any, int, Any], Any]
"""Given an item, its place and the accumulated value: the value of the predicate."""


def _all(items: list[Any], each: Each) -> bool:
    return all(truth(each(item, at, None), "all") for at, item in enumerate(items))


def _any(items: list[Any], each: Each) -> bool:
    return any(truth(each(item, at, None), "any") for at, item in enumerate(items))


def _none(items: list[Any], each: Each) -> bool:
    return not any(truth(each(item, at, None), "none") for at, item in enumerate(items))


def _matching(items: list[Any], each: Each, name: str) -> list[Any]:
    return [item for at, item in enumerate(items) if truth(each(item, at, None), name)]


def _found(items: Iterable[tuple[int, Any]], each: Each, name: str) -> tuple[Any, Any]:
    for at, item in items:
        if truth(each(item, at, None), name):
            return at, item
    return None, None


def _backwards(items: list[Any]) -> Iterable[tuple[int, Any]]:
    return ((at, items[at]) for at in range(len(items) - 1, -1, -1))


def _sum(items: list[Any], each: Each) -> Any:
    total: Any = 0
    for at, item in enumerate(items):
        total = add(each(item, at, None), total)
    return total


def _groups(items: list[Any], each: Each) -> dict[Any, list[Any]]:
    found = KeyedMap()
    for at, item in enumerate(items):
        key = each(item, at, None)
        has_key(found, key)
        found.setdefault(key, []).append(item)
    return found


def _sorted(items: list[Any], each: Each, order: Any = "asc") -> list[Any]:
    if not isinstance(order, str):
        raise Refused("a list is sorted 'asc' or 'desc'")
    return in_order(items, [each(item, at, None) for at, item in enumerate(items)], order)


_NOTHING = object()


def _reduce(items: list[Any], each: Each, initial: Any = _NOTHING) -> Any:
    begin = 0
    if initial is _NOTHING:
        if not items:
            raise Refused("reduce of an empty list needs a value to begin with")
        begin, initial = 1, items[0]
    for at in range(begin, len(items)):
        initial = each(items[at], at, initial)
    return initial


def _itself(item: Any, _at: int, _accumulated: Any) -> Any:
    return item


def call(name: str, over: Any, each: Each | None, *rest: Any) -> Any:
    """Return the value of the function ``name`` for the items of ``over``.

    Raises:
        Refused: if ``over`` is no list, or an item gives no value that the function can use.
    """
    return FUNCTIONS[name](items_of(over, name), each or _itself, *rest)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "all": _all,
    "any": _any,
    "none": _none,
    "one": lambda items, each: len(_matching(items, each, "one")) == 1,
    "filter": lambda items, each: _matching(items, each, "filter"),
    "map": lambda items, each: [each(item, at, None) for at, item in enumerate(items)],
    "count": lambda items, each: len(_matching(items, each, "count")),
    "sum": _sum,
    "find": lambda items, each: _found(enumerate(items), each, "find")[1],
    "findIndex": lambda items, each: _found(enumerate(items), each, "findIndex")[0],
    "findLast": lambda items, each: _found(_backwards(items), each, "findLast")[1],
    "findLastIndex": lambda items, each: _found(_backwards(items), each, "findLastIndex")[0],
    "groupBy": _groups,
    "sortBy": _sorted,
    "reduce": _reduce,
}
"""The functions, given the items and the predicate."""
TRUTHS = frozenset(
    ("all", "any", "none", "one", "filter", "count", "find", "findIndex", "findLast", "findLastIndex")
)
"""Functions whose predicate must be a boolean."""
