"""Pillar of a host as the master compiles it: the site's declarations, independent of the host's reports."""

from collections.abc import Mapping
from typing import Any

import salt.pillar
import salt.utils.minions

from salt_o2.core.errors import InvalidRequestError


def o2_pillar(opts: dict[str, Any], host: str) -> Mapping[str, Any]:
    """Return ``o2:`` of the pillar of the minion ``host``; empty if there is none. This is slow.

    The grains are the last ones that the master received from the host, except for the id. If a site's
    pillar targets by other grains, hosts can choose their pillar, as Salt's documentation says.

    Raises:
        InvalidRequestError: if Salt could not compile all of it.
    """
    grains = salt.utils.minions.get_minion_data(host, opts)[1] or {}
    compiled = salt.pillar.Pillar(opts, {**grains, "id": host}, host, "base").compile_pillar()
    if errors := compiled.get("_errors"):
        raise InvalidRequestError(f"the pillar of {host} cannot be compiled: {'; '.join(map(str, errors))}")
    return compiled.get("o2") or {}
