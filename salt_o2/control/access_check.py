"""Whether the roles that pillar gives are roles, and are what the master enforces."""

from collections.abc import Iterator, Mapping
from typing import Any

from salt_o2.core.access import auth_options
from salt_o2.core.roles import Role
from salt_o2.workflow.problems import nearest

EAUTH = "pam"
"""What asks for passwords unless pillar says otherwise: the default of states/o2/defaults.yaml."""


def unknown_roles(pillar: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each role under ``access`` that does not exist, and what is to be said of it."""
    roles = list(Role)
    for role in _mapping(pillar, "access"):
        if role not in roles:
            yield role, f"there is no such role{nearest(str(role), roles)}"


def not_enforced(pillar: Mapping[str, Any], options: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield each of the master's options that lacks somebody whom pillar gives a role, and who that is."""
    given, master = _mapping(pillar, "access"), _mapping(pillar, "master")
    access = {str(role): given[role] for role in Role if isinstance(given.get(role), list)}
    eauth = master.get("eauth", EAUTH)
    wanted = auth_options(access, eauth, bool(master.get("local_accounts")))
    for option, granted in wanted.items():
        there = _mapping(options, option)
        if option == "external_auth":
            option, granted, there = f"{option}:{eauth}", granted[eauth], _mapping(there, eauth)
        if lacking := [who for who, permitted in granted.items() if there.get(who) != permitted]:
            yield option, lacking


def _mapping(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = data.get(key)
    return found if isinstance(found, Mapping) else {}
