"""Convert between typed values and the plain dicts of the wire (JSON, msgpack, Salt's events).

No other module converts them.
"""

from typing import Any, TypeVar

import msgspec

from salt_o2.core.errors import InvalidRequestError

T = TypeVar("T")


def plain(value: Any) -> Any:
    """Return ``value`` as dicts, lists, strings and numbers."""
    return msgspec.to_builtins(value)


def typed(data: Any, kind: type[T]) -> T:
    """Return ``data`` from the wire as a ``kind``.

    Raises:
        InvalidRequestError: if ``data`` does not fit; the message names the place.
    """
    try:
        return msgspec.convert(data, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidRequestError(f"not a {getattr(kind, '__name__', 'value')}: {error}") from error
