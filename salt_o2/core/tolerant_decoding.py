"""Decode a value from outside part by part: use the valid parts, and name every fault.

``codec.typed`` accepts a value as a whole or refuses it. That is right for a request, whose sender gets the
answer. A report of a host, a row of the store or a site's settings must not be lost for one wrong part:

    a scalar where text belongs    becomes text
    an element of a list or map    is omitted
    a field with a default         has its default
    a field without one            has the caller's fallback, or its container cannot be used either

A valid value costs one conversion, as in ``typed``.
"""

import reprlib
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, NewType, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.url_masking import without_secrets

T = TypeVar("T")
Fallbacks = Mapping[type, Mapping[str, Any]]
"""Values of required fields that cannot be read, by class and field."""
_NONE: Fallbacks = {}
SHOWN = 60
"""Characters of a wrong value that are shown."""
MOST_FAULTS = 1_000
"""Faults after which decoding stops: a sender of millions must not occupy control."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An unusable part: its place, and its fault."""

    place: str
    what: str

    def __str__(self) -> str:
        """Return the fault on one line."""
        return f"{self.place}: {self.what}" if self.place else self.what


class _Unusable(Exception):
    """A part cannot be used; its container decides what follows."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(str(fault))


def salvage(
    data: Any, kind: type[T], place: str = "", fallbacks: Fallbacks = _NONE
) -> tuple[T, tuple[Fault, ...]]:
    """Return ``data`` as a ``kind``, as far as it can be read, and the faults of the rest.

    Raises:
        InvalidRequestError: if no part of it can be used, or it has more than MOST_FAULTS faults.
    """
    try:
        return msgspec.convert(data, kind, strict=False), ()
    except (msgspec.ValidationError, TypeError, ValueError):
        reader = _Reader(fallbacks)
    try:
        value: T = reader.read(data, kind, place)
    except _TooManyFaults:
        first = reader.faults[0]
        raise InvalidRequestError(f"it has more than {MOST_FAULTS} faults, the first is {first}") from None
    except _Unusable as error:
        raise InvalidRequestError(f"not a {getattr(kind, '__name__', kind)}: {error.fault}") from error
    return value, tuple(reader.faults)


class _TooManyFaults(Exception):
    """A value has so many faults that decoding stops."""


class _Reader:
    """Decodes one value; collects its faults in ``faults``."""

    def __init__(self, fallbacks: Fallbacks) -> None:
        self.faults: list[Fault] = []
        self._fallbacks = fallbacks

    def read(self, data: Any, kind: Any, place: str) -> Any:
        """Return ``data`` as a ``kind``.

        Raises:
            _Unusable: if it cannot be.
        """
        plain_kind = _unwrapped(kind)
        origin, inner = get_origin(plain_kind), get_args(plain_kind)
        if origin in (Union, types.UnionType):
            return self._either(data, inner, place)
        if is_dataclass(plain_kind):
            return self._object(data, plain_kind, place)
        if origin is dict:
            return self._mapping(data, inner, place)
        if origin in (list, tuple):
            return self._sequence(data, origin, inner, place)
        return _leaf(data, kind, place)

    def _either(self, data: Any, kinds: tuple[Any, ...], place: str) -> Any:
        if data is None and type(None) in kinds:
            return None
        real = [kind for kind in kinds if kind is not type(None)]
        if len(real) == 1:
            return self.read(data, real[0], place)
        return _leaf(data, Union[tuple(real)], place)  # noqa: UP007  made at run time

    def _object(self, data: Any, kind: Any, place: str) -> Any:
        if not isinstance(data, Mapping):
            raise _Unusable(Fault(place, f"expected a mapping, not {shown(data)}"))
        given: dict[str, Any] = {}
        for name, hint, has_default in _fields(kind):
            below = f"{place}.{name}" if place else name
            try:
                if name in data:
                    given[name] = self.read(data[name], hint, below)
                elif not has_default:
                    raise _Unusable(Fault(below, "it is missing"))
            except _Unusable as error:
                self._do_without(kind, name, has_default, error, given)
        return kind(**given)

    def _do_without(
        self, kind: Any, name: str, has_default: bool, error: _Unusable, given: dict[str, Any]
    ) -> None:
        """Use the default or the fallback of a field.

        Raises:
            _Unusable: if the field has neither.
        """
        fallback = self._fallbacks.get(kind, {})
        if name in fallback:
            given[name] = fallback[name]
        elif not has_default:
            raise error
        self._note_fault(error)

    def _mapping(self, data: Any, inner: tuple[Any, Any], place: str) -> dict[Any, Any]:
        if not isinstance(data, Mapping):
            raise _Unusable(Fault(place, f"expected a mapping, not {shown(data)}"))
        found: dict[Any, Any] = {}
        for key, value in data.items():
            below = f"{place}.{_shown_key(key)}"
            try:
                found[_leaf(key, inner[0], below)] = self.read(value, inner[1], below)
            except _Unusable as error:
                self._note_fault(error)
        return found

    def _sequence(self, data: Any, origin: type, inner: tuple[Any, ...], place: str) -> Any:
        if not isinstance(data, list | tuple):
            raise _Unusable(Fault(place, f"expected a list, not {shown(data)}"))
        if origin is tuple and Ellipsis not in inner:
            return self._fixed(data, inner, place)
        found = []
        for number, value in enumerate(data):
            try:
                found.append(self.read(value, inner[0], f"{place}[{number}]"))
            except _Unusable as error:
                self._note_fault(error)
        return origin(found)

    def _note_fault(self, error: _Unusable) -> None:
        self.faults.append(error.fault)
        if len(self.faults) > MOST_FAULTS:
            raise _TooManyFaults

    def _fixed(self, data: Any, inner: tuple[Any, ...], place: str) -> tuple[Any, ...]:
        """Decode a tuple whose parts have different meanings: one wrong part makes it useless."""
        if len(data) != len(inner):
            raise _Unusable(Fault(place, f"{len(inner)} values expected, not {len(data)}"))
        pairs = enumerate(zip(data, inner, strict=True))
        return tuple(self.read(value, kind, f"{place}[{number}]") for number, (value, kind) in pairs)


@cache
def _fields(kind: type) -> tuple[tuple[str, Any, bool], ...]:
    """Return the fields of a dataclass: name, type, and whether it has a default."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(
        (each.name, hints[each.name], each.default is not MISSING or each.default_factory is not MISSING)
        for each in fields(kind)
    )


def _unwrapped(kind: Any) -> Any:
    """Return the type inside a NewType or an Annotated, as far as its parts are decoded one by one."""
    while isinstance(kind, NewType):
        kind = kind.__supertype__
    origin = getattr(kind, "__origin__", None)
    if hasattr(kind, "__metadata__") and origin is not None:
        return _unwrapped(origin)
    return kind


def _leaf(data: Any, kind: Any, place: str) -> Any:
    """Return a value without parts; a scalar becomes text where text is required."""
    if _unwrapped(kind) is str and isinstance(data, bool | int | float):
        data = str(data).lower() if isinstance(data, bool) else str(data)
    try:
        return msgspec.convert(data, kind, strict=False)
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        why = str(error).partition(" - at")[0]
        raise _Unusable(Fault(place, f"{shown(data)} is not valid: {why}")) from error


_BRIEF = reprlib.Repr()
"""Writes the first elements of a value only: a value of a host may have millions."""
_BRIEF.maxlevel, _BRIEF.maxstring, _BRIEF.maxother, _BRIEF.maxlong = 4, 200, 200, 100


def shown(data: Any) -> str:
    """Return ``data`` for an error message: short, and without possible passwords."""
    try:
        text = without_secrets(_BRIEF.repr(data))
    except Exception:  # No value may break the report of its own fault.
        text = f"a {type(data).__name__}"
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def _shown_key(key: Any) -> str:
    return without_secrets(key) if isinstance(key, str) and len(key) <= SHOWN else shown(key)
