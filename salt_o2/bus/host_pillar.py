"""The pillar of a host as the master compiles it: what the site says of the host, whatever the host says."""

from collections.abc import Mapping
from typing import Any

import salt.pillar
import salt.utils.minions

from salt_o2.core.errors import InvalidRequestError


def o2_pillar(opts: dict[str, Any], host: str) -> Mapping[str, Any]:
    """Return ``o2:`` of the pillar of the minion ``host``; an empty mapping if there is none. Takes long.

    The grains are those that the master last saw, and so the word of the host, except for the id: a site
    whose pillar targets by other grains lets hosts choose their pillar, as Salt's documentation says.

    Raises:
        InvalidRequestError: if Salt could not compile all of it.
    """
    grains = salt.utils.minions.get_minion_data(host, opts)[1] or {}
    compiled = salt.pillar.Pillar(opts, {**grains, "id": host}, host, "base").compile_pillar()
    if errors := compiled.get("_errors"):
        raise InvalidRequestError(f"the pillar of {host} cannot be compiled: {'; '.join(map(str, errors))}")
    return compiled.get("o2") or {}
