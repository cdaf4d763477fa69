"""Translate the roles of a site's users and groups into the options by which Salt enforces them.

A site writes users, ``%groups`` and ``*`` for all users; Salt wants ``group%`` (docs: "external_auth").
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from salt_o2.core.access_roles import RUNNERS, AccessRole, permissions
from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.host_targets import exact_ids

Access = Mapping[str, Iterable[str]]
"""Users and groups by role, as pillar ``o2:access`` has them."""


def auth_options(access: Access, eauth: str) -> dict[str, Any]:
    """Return the master's options that give each user and group the permissions of their roles.

    ``eauth`` is the authentication module that asks for passwords; without one nothing is granted.
    ``publisher_acl`` is never used: it can grant execution functions only, see access_roles.py.

    Raises:
        InvalidRequestError: if there is no such role.
    """
    highest = _highest(access)
    if not eauth or not highest:
        return {}
    return {"external_auth": {eauth: {_salts(who): permissions(highest[who]) for who in highest}}}


def peer_options(peers: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """Return the master's option ``peers``: which minions, by exact id, may call functions of the runner.

    Salt verifies the id of a minion that calls. Both patterns match whole names, because Salt itself compares
    only the beginning.

    Raises:
        InvalidRequestError: if an id is a pattern, or there is no such function.
    """
    known = {name for names in RUNNERS.values() for name in names}
    permitted = {}
    for minion, names in peers.items():
        (exact,) = exact_ids([minion])
        if exact.endswith("_master"):
            raise InvalidRequestError(
                f"o2:peers: {minion}: Salt gives ids with this end to masters, not to minions"
            )
        if unknown := sorted(set(names) - known):
            raise InvalidRequestError(f"o2:peers: {minion}: the runner has no function {unknown[0]}")
        permitted[f"{re.escape(exact)}$"] = [f"o2\\.{name}$" for name in names]
    return {"peer_run": permitted} if permitted else {}


def _highest(access: Access) -> dict[str, AccessRole]:
    """Return the highest role of each user and group; a role includes all lower roles."""
    unknown = [name for name in access if name not in list(AccessRole)]
    if unknown:
        raise InvalidRequestError(f"unknown role {', '.join(unknown)}; the roles are {', '.join(AccessRole)}")
    return {who: role for role in AccessRole for who in access.get(role, ())}


def _salts(who: str) -> str:
    return f"{who[1:]}%" if who.startswith("%") else who
