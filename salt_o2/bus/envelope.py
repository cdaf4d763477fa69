"""Format of messages on the master's publish channel.

The target is a list of ``o2/<host>``. Every minion receives the publication and drops it, because it is not
named. The agents, which have their own subscription, search for their names and for ``o2/*``, which means
all agents. A message is compressed before it is sealed for one host, if it has more than COMPRESS_ABOVE
bytes.
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgpack

from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.messages.bounds import unpack_bounded

FUNCTION = "o2.deliver"
TARGET = "o2/"
ALL = "*"
"""Replaces a host: all agents. No minion can have this id."""
COMPRESS_ABOVE = 4096
MOST_BYTES = 16 * 1024 * 1024
"""Maximum size of an unpacked message, in bytes: enough for some thousand tasks of one host."""
MOST_ELEMENTS = 400_000
"""Maximum number of elements of all lists and maps in a message: enough for some thousand tasks of one host.

An element takes one byte in a message and up to a hundred in memory.
"""
BROADCAST_BELOW = 100_000
"""Size in bytes up to which one publication for all hosts is cheaper than one for each host."""


def publication(bodies: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Return the publication that carries ``bodies``, a list for each host or for ``ALL``."""
    return {
        "fun": FUNCTION,
        "arg": [b"m" + msgpack.packb(bodies)],
        "tgt": [TARGET + host for host in bodies],
        "tgt_type": "list",
        "jid": "",
        "ret": "",
        "user": "salt-o2",
    }


def bodies_for(load: Any, host: str) -> list[Any]:
    """Return the messages for ``host`` in a publication: none if it is not ours or not for the host.

    Raises:
        InvalidRequestError: it is one of ours, but damaged.
    """
    if not isinstance(load, dict) or load.get("fun") != FUNCTION or load.get("tgt_type") != "list":
        return []
    try:
        names = [name for name in (ALL, host) if TARGET + name in load["tgt"]]
        bodies = unwrap(load["arg"][0]) if names else {}
        return [body for name in names for body in bodies[name]]
    # A user of the master can publish the function, too, with any arguments.
    except (LookupError, TypeError) as error:
        raise InvalidRequestError(f"a publication without the bodies that it announces: {error!r}") from error


def wrap(body: Any) -> bytes:
    """Return ``body`` as bytes, compressed if that saves space. The first byte is the format."""
    raw: bytes = msgpack.packb(body)
    return b"z" + zlib.compress(raw, 1) if len(raw) > COMPRESS_ABOVE else b"m" + raw


def unwrap(data: bytes, most: int = MOST_BYTES) -> Any:
    """Return the message that :func:`wrap` encoded.

    Raises:
        InvalidRequestError: ``data`` is not from :func:`wrap`, has more than ``most`` bytes when it is
            decompressed, or more than MOST_ELEMENTS elements.
    """
    try:
        return unpack_bounded(decompress(data, most), MOST_ELEMENTS, strict_map_key=False)
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise InvalidRequestError(f"not a packed message: {error!r}") from error


def decompress(data: bytes, most: int = MOST_BYTES) -> bytes:
    """Return the decompressed bytes in ``data``, without unpacking them.

    Raises:
        InvalidRequestError: ``data`` is not from :func:`wrap`, or has more than ``most`` bytes when
            decompressed.
    """
    if not isinstance(data, bytes) or data[:1] not in (b"m", b"z"):
        raise InvalidRequestError("not a packed message")
    if data[:1] == b"m":
        raw, more = data[1:], len(data) > most
    else:
        inflate = zlib.decompressobj()
        try:
            raw = inflate.decompress(data[1:], most)
        except zlib.error as error:
            raise InvalidRequestError(f"not a compressed message: {error}") from error
        more = not inflate.eof
    if more:
        raise InvalidRequestError(f"a message may have {most} bytes, this one has more, or is cut short")
    return raw


def split_by_size(bodies: Mapping[str, Sequence[Mapping[str, bytes]]]) -> list[dict[str, Any]]:
    """Split ``bodies``, a list for each host, into bundles that each fit into one publication."""
    size = sum(len(data) for several in bodies.values() for body in several for data in body.values())
    return (
        [dict(bodies)] if size <= BROADCAST_BELOW else [{host: several} for host, several in bodies.items()]
    )
