"""Built-in functions of mappings: keys, values, pairs; and the length of anything."""

from typing import Any

from salt_o2.workflow.expressions.functions.signatures import Function
from salt_o2.workflow.expressions.operators import has_key
from salt_o2.workflow.expressions.static_types import ANY_MAP, ARRAY, INT, Check, Type
from salt_o2.workflow.expressions.values import KeyedMap, Namespace, Refused, kind_of

_PAIR = 2


def _mapping(value: Any, name: str) -> dict[Any, Any]:
    if isinstance(value, dict):
        return value
    raise Refused(f"{name} takes a mapping, not {kind_of(value)}")


def _length(value: Any) -> int:
    if isinstance(value, str | list | dict):
        return len(value)
    if isinstance(value, Namespace):
        return len(value.fields)
    raise Refused(f"len takes a text, a list or a mapping, not {kind_of(value)}")


def _from_pairs(value: Any) -> dict[Any, Any]:
    if not isinstance(value, list):
        raise Refused(f"fromPairs takes a list, not {kind_of(value)}")
    found = KeyedMap()
    for pair in value:
        if not isinstance(pair, list) or len(pair) != _PAIR:
            raise Refused("fromPairs takes a list of lists with 2 items each: a key and its value")
        has_key(found, pair[0])
        found[pair[0]] = pair[1]
    return found


def _check_length(given: list[Type]) -> Type:
    if len(given) != 1:
        raise Refused(f"len takes 1 argument, not {len(given)}")
    if given[0].kind not in ("unknown", "string", "array", "map"):
        raise Refused(f"len takes a text, a list or a mapping, not {given[0]}")
    return INT


def _taking(name: str, kind: str, result: Type) -> Check:
    def check(given: list[Type]) -> Type:
        if len(given) != 1:
            raise Refused(f"{name} takes 1 argument, not {len(given)}")
        if given[0].kind != kind and not given[0].is_unknown:
            raise Refused(f"{name} takes {'a mapping' if kind == 'map' else 'a list'}, not {given[0]}")
        return result

    return check


FUNCTIONS = (
    Function("len", _length, check=_check_length),
    Function("keys", lambda value: list(_mapping(value, "keys")), check=_taking("keys", "map", ARRAY)),
    Function(
        "values",
        lambda value: list(_mapping(value, "values").values()),
        check=_taking("values", "map", ARRAY),
    ),
    Function(
        "toPairs",
        lambda value: [list(pair) for pair in _mapping(value, "toPairs").items()],
        check=_taking("toPairs", "map", ARRAY),
    ),
    Function("fromPairs", _from_pairs, check=_taking("fromPairs", "array", ANY_MAP)),
)
