"""Determine the reader of a runner function's result: a user at a terminal, or a program.

Both functions read the options that Salt passes to the runner function.
"""

from collections.abc import Mapping
from typing import Any

import msgpack

EVENT_BYTES = 1_048_576
"""Size of the largest event by default (Salt's option ``max_event_size``)."""
ENVELOPE_BYTES = 16_384
"""Room for what Salt adds to a result: the tag, the function, its arguments."""
OF_MASTER = "_master"
"""Suffix that Salt appends to the id of a master without a configured id."""


def is_interactive(opts: Mapping[str, Any]) -> bool:
    """Return whether ``salt-run`` was called: it puts the name of the function into the options.

    Reactor rules and orchestrations do not. A call of a minion by ``o2:peers`` does.
    """
    return "fun" in opts


def wants_raw(opts: Mapping[str, Any]) -> bool:
    """Return whether ``--out`` was given: a program reads the output and expects only one document."""
    return "output" in opts


def requesting_user(given: Mapping[str, Any]) -> str | None:
    """Return the requesting user from the names that Salt has ``given`` to a runner's file, or ``None``.

    ``__user__`` is the user authenticated by external_auth or as a local account, or ``Reactor``
    (`salt/client/mixins.py`, `low`). The process itself belongs to the user that Salt runs as. For a minion
    that ``o2:peers`` permits, Salt replaces the master's id by the minion's (`minion_runner`), and passes
    the user of the master itself.
    """
    opts = given.get("__opts__", {})
    asked_from, program = str(opts.get("id", OF_MASTER)), opts.get("__cli", "salt-run")
    if is_interactive(opts) and program != "salt-run" and not asked_from.endswith(OF_MASTER):
        return f"minion {asked_from}"
    user = given.get("__user__")
    return user if isinstance(user, str) and user not in ("", "UNKNOWN") else None


def with_outputter(opts: Mapping[str, Any], result: Any) -> Any:
    """Return ``result`` in the form for its reader: for a user, with the name of our outputter."""
    if is_interactive(opts) and not wants_raw(opts):
        return {"data": result, "outputter": "o2"}
    return result


def whole_or_nothing(opts: Mapping[str, Any], result: Any) -> Any:
    """Return ``result`` if it reaches its reader whole, else a map that says so and what to do.

    ``salt-run`` of root prints a result itself. All other readers get it in an event: users who authenticate
    (``-a``), minions, asynchronous jobs. Salt replaces the large values of a larger event by
    ``VALUE_TRIMMED``, without a word.
    """
    if is_interactive(opts):
        return result
    limit = int(opts.get("max_event_size") or EVENT_BYTES)
    size = len(msgpack.packb(result, default=str))
    if size + ENVELOPE_BYTES <= limit:
        return result
    return {
        "cut": True,
        "bytes": size,
        "message": (
            f"the answer has {size:,} bytes, and Salt carries at most {limit:,} in an event, so none of it "
            "is shown. The request itself was carried out. Ask for less: one environment, fewer hosts, fewer "
            "lines. Or run coconut or salt-run on the master without -a: they read the whole answer from the "
            "socket of control"
        ),
    }
