"""Services around data-taking that workflows call: one file each, switched on by ``o2: integrations:``."""

from collections.abc import Iterable
from importlib import import_module
from typing import Any

from salt_o2.core.errors import InvalidRequest

KNOWN = {"test": "salt_o2.integration.test:Test", "testplugin": "salt_o2.integration.test:Test"}
"""Where each integration is, by the name that templates use."""


def load(names: Iterable[str]) -> dict[str, Any]:
    """Return the integrations of these names.

    Raises:
        InvalidRequest: if there is none of that name.
    """
    return {name: _make(name) for name in names}


def _make(name: str) -> Any:
    if name not in KNOWN:
        raise InvalidRequest(f"there is no integration {name!r}; there are {', '.join(sorted(KNOWN))}")
    module, _, kind = KNOWN[name].partition(":")
    return getattr(import_module(module), kind)()
