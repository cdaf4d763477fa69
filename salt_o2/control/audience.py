"""For whom a function of the Salt runner returns what it returns: a person at a terminal, or a program.

Both are read from the options that Salt gives to the function.
"""

from collections.abc import Mapping
from typing import Any


def at_terminal(opts: Mapping[str, Any]) -> bool:
    """Return whether ``salt-run`` was called: it puts the function that it was asked for into the options.

    Reactor rules and orchestrations do not.
    """
    return "fun" in opts


def wants_raw(opts: Mapping[str, Any]) -> bool:
    """Return whether ``--out`` was given: the output is for a program, one document and nothing before it."""
    return "output" in opts


def shown(opts: Mapping[str, Any], result: Any) -> Any:
    """Return ``result`` as its audience takes it: for a person, with the name of our outputter."""
    if at_terminal(opts) and not wants_raw(opts):
        return {"data": result, "outputter": "o2"}
    return result
