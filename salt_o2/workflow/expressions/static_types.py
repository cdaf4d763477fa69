"""The types that an expression has before it is computed: what expr-lang refuses when it compiles one.

A value of unknown type (the result of ``FromJson``, say) is accepted everywhere; its operations may fail
later.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from salt_o2.workflow.expressions.times import LOCATION, Time
from salt_o2.workflow.expressions.values import Duration


@dataclass(frozen=True, slots=True)
class Type:
    """A type: its kind, of a list the type of its items, of a function its signatures."""

    kind: str
    item: "Type | None" = None
    exact: str = ""
    """Go's name of the type where several have the same kind: ``[]string`` and ``[]any``."""
    function: Any = None

    @property
    def is_number(self) -> bool:
        """Whether it is a whole number or a fraction."""
        return self.kind in ("int", "float")

    @property
    def is_unknown(self) -> bool:
        """Whether only the computation tells its type."""
        return self.kind == "unknown"

    def __str__(self) -> str:
        """Return its name in words of a user."""
        return NAMES.get(self.kind, f"a {self.kind}")


NAMES = {
    "unknown": "a value of unknown type",
    "nil": "nil",
    "bool": "a boolean",
    "int": "a number",
    "float": "a number",
    "string": "a text",
    "array": "a list",
    "map": "a mapping",
    "func": "a function",
    "time": "a time",
    "duration": "a duration",
    "location": "a time zone",
}
UNKNOWN, NIL, BOOL, INT, FLOAT, STRING = map(Type, ("unknown", "nil", "bool", "int", "float", "string"))
TIME, DURATION, ZONE, MONTH, WEEKDAY = map(Type, ("time", "duration", "location", "month", "weekday"))
MAP, ANY_MAP = Type("map", exact="string"), Type("map", exact="any")
FUNCTION = Type("func")
ARRAY = Type("array", UNKNOWN, "any")
STRINGS = Type("array", STRING, "string")


def array_of(item: Type) -> Type:
    """Return the type of a list that an expression makes of such items."""
    return Type("array", item, "any")


def item_of(type_: Type) -> Type:
    """Return the type of the items of a list or of the entries of a mapping."""
    return type_.item if type_.item is not None else UNKNOWN


def type_of_value(value: Any) -> Type:
    """Return the type of a value that a name stands for."""
    match value:
        case None:
            return NIL
        case bool():
            return BOOL
        case str():
            return STRING
        case int():
            return INT
        case float():
            return FLOAT
        case list() | tuple():
            return ARRAY
        case dict():
            return MAP
        case Duration():
            return DURATION
        case Time():
            return TIME
        case LOCATION():
            return ZONE
    if callable(value):
        return Type("func", function=getattr(value, "signature", None))
    return UNKNOWN


def is_assignable(type_: Type, to: Type) -> bool:
    """Return whether a value of one type can stand where another type is wanted."""
    if to.is_unknown:
        return not type_.is_unknown and type_.kind != "nil"
    if type_.kind == "nil":
        return to.kind in ("array", "map", "func")
    return type_.kind == to.kind and type_.exact == to.exact


def are_comparable(left: Type, right: Type) -> bool:
    """Return whether ``==`` accepts values of these types."""
    return (
        left.is_unknown
        or right.is_unknown
        or "nil" in (left.kind, right.kind)
        or (left.is_number and right.is_number)
        or (left.kind == right.kind and (left.kind != "map" or left.exact == right.exact))
    )


Check = Callable[[list[Type]], Type]
"""Given the types of the arguments, the type of the result."""
