"""Bounds of numbers and of sizes in messages from other machines."""

from typing import Annotated, Any

import msgpack
from msgspec import Meta

Port = Annotated[int, Meta(ge=1, le=65535)]
Amount = Annotated[float, Meta(ge=0, le=1e12)]
"""A finite measurement."""
RunNumber = Annotated[int, Meta(ge=0, le=2**32 - 1)]


def unpack_bounded(data: bytes, most: int, *, strict_map_key: bool = True) -> Any:
    """Return the value that ``data`` packs, if its lists and maps have at most ``most`` elements in all.

    An element takes one byte in ``data``, and up to a hundred in memory.

    Raises:
        ValueError: if it has more, or ``data`` is damaged; also another error of msgpack for damaged data.
    """
    elements = 0

    def count(container: Any) -> Any:
        nonlocal elements
        elements += len(container) + 1
        if elements > most:
            raise ValueError(f"more than {most} elements")
        return container

    return msgpack.unpackb(
        data,
        strict_map_key=strict_map_key,
        list_hook=count,
        object_hook=count,
        max_array_len=most,
        max_map_len=most,
    )
