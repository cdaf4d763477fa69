"""Whom a site gives which role, as the option by which Salt enforces it.

A site writes users, ``%groups`` and ``*`` for everybody; Salt wants ``group%`` (docs: "external_auth").
"""

from collections.abc import Iterable, Mapping
from typing import Any

from salt_o2.core.errors import InvalidRequest
from salt_o2.core.roles import Role, permissions

Access = Mapping[str, Iterable[str]]
"""Users and groups by role, as pillar ``o2:access`` has them."""


def auth_options(access: Access, eauth: str) -> dict[str, Any]:
    """Return the master's options that give each user and group the permissions of their roles.

    ``eauth`` is the authentication module that asks for passwords; without one nothing is granted.
    ``publisher_acl`` is never used: it can grant execution functions only, see roles.py.

    Raises:
        InvalidRequest: if there is no such role.
    """
    highest = _highest(access)
    if not eauth or not highest:
        return {}
    return {"external_auth": {eauth: {_salts(who): permissions(highest[who]) for who in highest}}}


def _highest(access: Access) -> dict[str, Role]:
    """Return the highest role of each user and group: it includes the others."""
    unknown = [name for name in access if name not in list(Role)]
    if unknown:
        raise InvalidRequest(f"there is no role {', '.join(unknown)}; roles are {', '.join(Role)}")
    return {who: role for role in Role for who in access.get(role, ())}


def _salts(who: str) -> str:
    return f"{who[1:]}%" if who.startswith("%") else who
