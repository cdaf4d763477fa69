"""Integrations by the names that templates use."""

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from salt_o2.core.errors import InvalidRequestError

KNOWN = {"test": "salt_o2.integration.simulated:Test", "testplugin": "salt_o2.integration.simulated:Test"}
"""Location of each integration, by the name that templates use."""


def load(names: Iterable[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the integrations of these names, and for each omitted one the reason."""
    found: dict[str, Any] = {}
    faults = []
    for name in names:
        try:
            found[name] = _make(name)
        except Exception as error:  # a failed import must not prevent control from starting
            faults.append(f"o2:integrations: {name} is omitted: {error}")
    return found, tuple(faults)


def why_unknown(name: str) -> str:
    """Return why there is no integration of this name; empty if there is one."""
    return "" if name in KNOWN else f"unknown integration {name!r}; known are {', '.join(sorted(KNOWN))}"


def _make(name: str) -> Any:
    if why := why_unknown(name):
        raise InvalidRequestError(why)
    module, _, kind = KNOWN[name].partition(":")
    return getattr(import_module(module), kind)()
