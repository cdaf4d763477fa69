"""Parse the arguments of requests to hosts: exact ids, never a pattern, and a time within bounds."""

import re
from typing import Any

from salt_o2.core.errors import InvalidRequestError

_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
MOST_HOSTS = 5000
MOST_SECONDS = 3600.0


def exact_ids(given: Any) -> list[str]:
    """Return the host ids in ``given``, a list or a text with commas, each once.

    Raises:
        InvalidRequestError: if there is no id, an id is a pattern, or there are too many ids.
    """
    names = given.split(",") if isinstance(given, str) else given
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise InvalidRequestError(f"give exact host IDs, as a list or with commas, not {given!r}")
    ids = list(dict.fromkeys(name.strip() for name in names))
    if wrong := [name for name in ids if not _ID.fullmatch(name)]:
        raise InvalidRequestError(f"{wrong[0]!r} is not a host ID: patterns are not accepted here")
    if not 1 <= len(ids) <= MOST_HOSTS:
        raise InvalidRequestError(f"give 1 to {MOST_HOSTS} hosts, not {len(ids)}")
    return ids


def seconds(given: Any) -> float:
    """Return ``given`` as seconds.

    Raises:
        InvalidRequestError: if it is no time, or outside the bounds.
    """
    try:
        found = float(given)
    except (TypeError, ValueError):
        found = 0.0
    if not 0 < found <= MOST_SECONDS:
        raise InvalidRequestError(
            f"timeout must be more than 0 and at most {MOST_SECONDS:g} seconds, not {given!r}"
        )
    return found
