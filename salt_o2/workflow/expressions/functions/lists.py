"""Built-in functions of lists: first, take, sort, uniq, concat, flatten."""

from collections.abc import Callable
from functools import cmp_to_key
from typing import Any

from salt_o2.workflow.expressions.evaluation_budget import spend
from salt_o2.workflow.expressions.functions.signatures import Function, Overload
from salt_o2.workflow.expressions.operators import equal, less, member_of
from salt_o2.workflow.expressions.static_types import (
    ARRAY,
    STRING,
    STRINGS,
    UNKNOWN,
    Check,
    Type,
    array_of,
    item_of,
)
from salt_o2.workflow.expressions.values import Refused, is_integer, kind_of
from salt_o2.workflow.limits import NESTING


def in_order(values: list[Any], keys: list[Any], order: str) -> list[Any]:
    """Return ``values`` in the order of their ``keys``, which must be of one kind.

    Raises:
        Refused: if the order is neither ``asc`` nor ``desc``, or two keys have none.
    """
    if order not in ("asc", "desc"):
        raise Refused(f"a list is sorted asc or desc, not {order!r}")

    def compare(one: int, other: int) -> int:
        spend(1)
        return -1 if less(keys[one], keys[other]) else int(less(keys[other], keys[one]))

    places = sorted(range(len(values)), key=cmp_to_key(compare), reverse=order == "desc")
    return [values[place] for place in places]


def _list(value: Any, name: str) -> list[Any]:
    if isinstance(value, list):
        return value
    raise Refused(f"{name} takes a list, not {kind_of(value)}")


def _at(place: int) -> Callable[[Any], Any]:
    return lambda value: value[place] if value and isinstance(value, str | list) else None


def _take(value: Any, count: Any) -> list[Any]:
    if not is_integer(count):
        raise Refused(f"take takes a number of items, not {kind_of(count)}")
    if count < 0:
        raise Refused(f"take takes 0 or more items, not {count}")
    return _list(value, "take")[:count]


def _unique(value: Any) -> list[Any]:
    found: list[Any] = []
    seen: set[Any] = set()
    for item in _list(value, "uniq"):
        spend(1)
        if isinstance(item, str):
            if item not in seen:
                seen.add(item)
                found.append(item)
        elif not any(equal(item, other) for other in found if not isinstance(other, str)):
            spend(len(found))
            found.append(item)
    return found


def _concat(*values: Any) -> list[Any]:
    return [item for value in values for item in _list(value, "concat")]


def _flat(value: Any, levels: int = NESTING) -> list[Any]:
    if levels < 0:
        raise Refused(f"lists nested in more than {NESTING} levels")
    found: list[Any] = []
    for item in value:
        found += _flat(item, levels - 1) if isinstance(item, list) else [item]
    spend(len(found))
    return found


def _get(value: Any, key: Any) -> Any:
    try:
        return member_of(value, key) if value is not None else None
    except Refused:
        if isinstance(value, list | str) and not is_integer(key):
            raise
        return None


def _check_get(given: list[Type]) -> Type:
    if len(given) != 2:
        raise Refused(f"get takes 2 arguments, not {len(given)}")
    base, key = given
    if base.is_unknown:
        return UNKNOWN
    if base.kind == "array":
        if key.kind != "int" and not key.is_unknown:
            raise Refused(f"the place in a list is a whole number, not {key}")
        return item_of(base)
    if base.kind == "map":
        if key.kind != base.exact and base.exact == "string" and not key.is_unknown:
            raise Refused(f"the key of a mapping is a text, not {key}")
        return UNKNOWN
    raise Refused(f"get takes a list or a mapping, not {base}")


def _taking_list(name: str, result: Callable[[Type], Type]) -> Check:
    def check(given: list[Type]) -> Type:
        if len(given) != 1:
            raise Refused(f"{name} takes 1 argument, not {len(given)}")
        if given[0].kind != "array" and not given[0].is_unknown:
            raise Refused(f"{name} takes a list, not {given[0]}")
        return result(given[0])

    return check


def _check_take(given: list[Type]) -> Type:
    if len(given) != 2:
        raise Refused(f"take takes 2 arguments, not {len(given)}")
    if given[0].kind != "array" and not given[0].is_unknown:
        raise Refused(f"take takes a list, not {given[0]}")
    if given[1].kind != "int" and not given[1].is_unknown:
        raise Refused(f"take takes a number of items, not {given[1]}")
    return given[0]


def _check_concat(given: list[Type]) -> Type:
    if not given:
        raise Refused("concat takes at least 1 argument")
    for type_ in given:
        if type_.kind != "array" and not type_.is_unknown:
            raise Refused(f"concat takes lists, not {type_}")
    return ARRAY


_ANY = array_of(UNKNOWN)
_SORTED = tuple(
    Overload(arguments, _ANY) for kind in (ARRAY, STRINGS) for arguments in ((kind, STRING), (kind,))
)
FUNCTIONS = (
    Function("first", _at(0), check=_taking_list("first", item_of)),
    Function("last", _at(-1), check=_taking_list("last", item_of)),
    Function("get", _get, check=_check_get),
    Function("take", _take, check=_check_take),
    Function(
        "reverse", lambda value: _list(value, "reverse")[::-1], check=_taking_list("reverse", lambda _: ARRAY)
    ),
    Function("uniq", _unique, check=_taking_list("uniq", lambda _: ARRAY)),
    Function("concat", _concat, check=_check_concat),
    Function(
        "flatten",
        lambda value: _flat(_list(value, "flatten")),
        check=_taking_list("flatten", lambda _: ARRAY),
    ),
    Function("sort", lambda value, order="asc": in_order(value, value, order), _SORTED),
)
