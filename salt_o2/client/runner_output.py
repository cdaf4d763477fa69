"""For whom a function of the Salt runner returns what it returns: a person at a terminal, or a program.

Both are read from the options that Salt gives to the function.
"""

from collections.abc import Mapping
from typing import Any

OF_MASTER = "_master"
"""How Salt ends the id of a master to which its administrator gives none."""


def is_interactive(opts: Mapping[str, Any]) -> bool:
    """Return whether ``salt-run`` was called: it puts the function that it was asked for into the options.

    Reactor rules and orchestrations do not. A call of a minion by ``o2:peers`` does.
    """
    return "fun" in opts


def wants_raw(opts: Mapping[str, Any]) -> bool:
    """Return whether ``--out`` was given: the output is for a program, one document and nothing before it."""
    return "output" in opts


def requesting_user(given: Mapping[str, Any]) -> str | None:
    """Return who asks, from what Salt has ``given`` to a runner's file; ``None`` if it does not say.

    ``__user__`` is who was authenticated, by external_auth or as a local account, or ``Reactor``
    (`salt/client/mixins.py`, `low`); the process itself belongs to the user that Salt runs as. For a minion
    that ``o2:peers`` permits, Salt puts the minion's id in the place of the master's (`minion_runner`), and
    gives the user of the master itself.
    """
    opts = given.get("__opts__", {})
    asked_from, program = str(opts.get("id", OF_MASTER)), opts.get("__cli", "salt-run")
    if is_interactive(opts) and program != "salt-run" and not asked_from.endswith(OF_MASTER):
        return f"minion {asked_from}"
    user = given.get("__user__")
    return user if isinstance(user, str) and user not in ("", "UNKNOWN") else None


def with_outputter(opts: Mapping[str, Any], result: Any) -> Any:
    """Return ``result`` as its audience takes it: for a person, with the name of our outputter."""
    if is_interactive(opts) and not wants_raw(opts):
        return {"data": result, "outputter": "o2"}
    return result
