"""The values of expressions: texts, numbers, booleans, nil, lists, mappings, times, functions.

Whole numbers have 64 bits and wrap around, as in Go; a boolean is never a number.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from salt_o2.workflow.problems import nearest

_BITS = 64
_TOP = 1 << (_BITS - 1)


MISSING = object()
"""The value of a name that is not defined."""


class Refused(ValueError):
    """An expression requests an operation that is not valid or not allowed."""

    def __init__(self, what: str, at: int = -1, end: int = -1) -> None:
        """Set the message; the fault is from character ``at`` to before ``end``, if that is known."""
        super().__init__(what)
        self.at = at
        self.end = end
        self.where = ""
        """The expression with the place marked."""


class NotHere(Refused):
    """A value that only the site knows; if an author checks a template, that is no fault."""

    def __init__(self, what: str, needs: str = "") -> None:
        """Set the message; ``needs`` is the name of the variable or function that is not known."""
        super().__init__(what)
        self.needs = needs or what


class Open:
    """The value of a variable that is not known where a template is checked."""

    __slots__ = ()

    def refuse(self, name: str) -> NotHere:
        """Return the refusal of the variable ``name``; its message is empty: another one has the reason."""
        return NotHere("", name)


OPEN = Open()
"""The value of a variable that has been reported already: as open, or as wrong."""


class Attributes:
    """An object whose ``fields`` an expression may read with a dot."""

    __slots__ = ()
    fields: frozenset[str] = frozenset()
    printable = True
    """Whether the object is a value itself."""


class Variables(Attributes):
    """The mapping of all variables, ``$env``."""

    __slots__ = ("_find",)
    printable = False

    def __init__(self, find: Callable[[str], Any]) -> None:
        """Look names up with ``find``, which returns MISSING for a name that is not defined."""
        self._find = find

    def get(self, name: Any) -> Any:
        """Return the value of a variable, or nil."""
        value = self._find(name) if isinstance(name, str) else MISSING
        return None if value is MISSING else value

    def has(self, name: Any) -> bool:
        """Return whether there is a variable of this name."""
        return isinstance(name, str) and self._find(name) is not MISSING

    def __str__(self) -> str:
        """Return the name of the mapping."""
        return "$env"


class Namespace(Attributes):
    """Functions under one name, as in ``strings.ToUpper(x)``."""

    __slots__ = ("_entries", "_name", "fields")
    printable = False

    def __init__(self, name: str, entries: Mapping[str, Callable[..., Any]]) -> None:
        self._name = name
        self._entries = entries
        self.fields = frozenset(entries)

    def function(self, name: str) -> Callable[..., Any]:
        """Return the function called ``name``.

        Raises:
            Refused: if there is none.
        """
        try:
            return self._entries[name]
        except KeyError:
            raise Refused(f"{self._name} has no {name}{nearest(name, self.fields)}") from None

    def __str__(self) -> str:
        """Return the name of the namespace."""
        return self._name


class TypedList(list[Any]):
    """A list whose items all have one type, as ``split`` and ``1..3`` make it; ``json.Sort`` leaves it."""

    __slots__ = ()


class KeyedMap(dict[Any, Any]):
    """A mapping whose keys need not be texts, as ``groupBy`` and ``fromPairs`` make it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A length of time in nanoseconds."""

    nanoseconds: int


def wrapped(number: int) -> int:
    """Return a whole number as 64 bits hold it."""
    return ((number + _TOP) & (2 * _TOP - 1)) - _TOP if not -_TOP <= number < _TOP else number


def is_number(value: Any) -> bool:
    """Return whether ``value`` is a number, which a boolean is not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_integer(value: Any) -> bool:
    """Return whether ``value`` is a whole number, which a boolean is not."""
    return isinstance(value, int) and not isinstance(value, bool)


def member(value: Any, name: str) -> Any:
    """Return the field or function ``name`` of an object of ours.

    Raises:
        Refused: if it has none of this name.
    """
    if isinstance(value, Namespace):
        return value.function(name)
    if name not in value.fields:
        raise Refused(f"{value} has no {name}{nearest(name, value.fields)}")
    return getattr(value, name)


def shown(value: Any, length: int = 60) -> str:
    """Return ``value`` for a message: in quotes if it is text, and not too long."""
    text = repr(value) if isinstance(value, str | int | float | bool) else kind_of(value)
    return text if len(text) <= length else text[: length - 1] + "…"


def kind_of(value: Any) -> str:
    """Return the type of ``value`` in words of a user."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "a boolean"
    names = {
        str: "text",
        int: "a number",
        float: "a number",
        list: "a list",
        tuple: "a list",
        dict: "a mapping",
        Duration: "a duration",
    }
    for kind, name in names.items():
        if isinstance(value, kind):
            return name
    return "a function" if callable(value) else type(value).__name__.lower()


def type_of(value: Any) -> str:
    """Return the type of ``value`` as the function ``type`` names it."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "bool"
    names: dict[type, str] = {
        str: "string",
        int: "int",
        float: "float",
        list: "array",
        tuple: "array",
        dict: "map",
        Namespace: "map",
        Duration: "time.Duration",
    }
    for kind, name in names.items():
        if isinstance(value, kind):
            return name
    return "func" if callable(value) else str(getattr(value, "type_name", "struct"))
