"""Whom a site gives which role, as the options by which Salt enforces it.

A site writes users, ``%groups`` and ``*`` for everybody; Salt wants ``group%`` (docs: "external_auth").
"""

from collections.abc import Iterable, Mapping
from typing import Any

from salt_o2.core.errors import InvalidRequest
from salt_o2.core.roles import Role, permissions

Access = Mapping[str, Iterable[str]]
"""Users and groups by role, as pillar ``o2:access`` has them."""


def auth_options(access: Access, eauth: str, local_accounts: bool = False) -> dict[str, Any]:
    """Return the master's options that give each user and group the permissions of their roles.

    ``eauth`` is the authentication module that asks for passwords; none if it is empty. With
    ``local_accounts`` users of the master's machine may use ``salt`` without one, by their names alone.

    Raises:
        InvalidRequest: if there is no such role.
    """
    highest = _highest(access)
    options: dict[str, Any] = {}
    if eauth and highest:
        options["external_auth"] = {eauth: {_salts(who): permissions(highest[who]) for who in highest}}
    users = [who for who in highest if not who.startswith("%") and who != "*"]
    if local_accounts and users:
        options["publisher_acl"] = {who: _without_runners(permissions(highest[who])) for who in users}
    return options


def _highest(access: Access) -> dict[str, Role]:
    """Return the highest role of each user and group: it includes the others."""
    unknown = [name for name in access if name not in list(Role)]
    if unknown:
        raise InvalidRequest(f"there is no role {', '.join(unknown)}; roles are {', '.join(Role)}")
    return {who: role for role in Role for who in access.get(role, ())}


def _salts(who: str) -> str:
    return f"{who[1:]}%" if who.startswith("%") else who


def _without_runners(permitted: list[Any]) -> list[Any]:
    """Return what local accounts can be given: Salt does not let them run runners without a password."""
    return [each for each in permitted if isinstance(each, str)]
