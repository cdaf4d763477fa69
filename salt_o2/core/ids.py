"""Define types for identifiers, and how users write and read them."""

from collections.abc import Iterable
from typing import NewType, TypeVar

from salt_o2.core.errors import UnknownNameError

EnvironmentId = NewType("EnvironmentId", str)
TaskId = NewType("TaskId", str)
HostId = NewType("HostId", str)
"""A host's name is its Salt minion id."""

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
"""Base 58: no two of these characters are easily confused."""
SHOWN = 10
"""Number of ids that an error names."""
Id = TypeVar("Id", bound=str)


def resolve_prefix(prefix: str, ids: Iterable[Id], what: str, advice: str = "") -> Id:
    """Return the one of ``ids`` that is ``prefix``, or the only one that begins with it.

    An error calls these ids ``what``, and adds ``advice`` if no id matches. O(ids).

    Raises:
        UnknownNameError: if none of ``ids`` begins with ``prefix``, more than one does, or ``prefix`` is
            empty.
    """
    found = [id for id in ids if id.startswith(prefix)] if prefix else []
    exact = [id for id in found if id == prefix]
    if len(chosen := exact or found) == 1:
        return chosen[0]
    if not found:
        raise UnknownNameError(f"no {what} has an ID that begins with {prefix!r}{advice}")
    raise UnknownNameError(
        f"more than one {what} has an ID that begins with {prefix!r}: {some(found)}. "
        "Nothing was done: give more characters of the ID"
    )


def some(ids: Iterable[str]) -> str:
    """Return the first of ``ids`` as a list for an error."""
    named = list(ids)
    return ", ".join(named[:SHOWN]) + (f" and {len(named) - SHOWN} more" if len(named) > SHOWN else "")


def short_id(number: int, length: int = 11) -> str:
    """Write ``number`` as ``length`` base-58 digits, the way environment and task ids are shown."""
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


POOL = EnvironmentId("pool")
"""The name of the pool for agents; no environment can have this id, because ids contain no l."""
