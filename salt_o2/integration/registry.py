"""The integrations that there are, by the names that templates use."""

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from salt_o2.core.errors import InvalidRequestError

KNOWN = {"test": "salt_o2.integration.simulated:Test", "testplugin": "salt_o2.integration.simulated:Test"}
"""Where each integration is, by the name that templates use."""


def load(names: Iterable[str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the integrations of these names, and why one of them cannot be used: it is left out."""
    found: dict[str, Any] = {}
    faults = []
    for name in names:
        try:
            found[name] = _make(name)
        except Exception as error:  # one that cannot be loaded must not keep control from starting
            faults.append(f"o2:integrations: {name} is left out: {error}")
    return found, tuple(faults)


def why_unknown(name: str) -> str:
    """Return why there is no integration of this name; empty if there is."""
    return "" if name in KNOWN else f"there is no integration {name!r}; there are {', '.join(sorted(KNOWN))}"


def _make(name: str) -> Any:
    if why := why_unknown(name):
        raise InvalidRequestError(why)
    module, _, kind = KNOWN[name].partition(":")
    return getattr(import_module(module), kind)()
