"""Check that the roles in pillar exist, and that the master enforces them."""

from collections.abc import Iterator, Mapping
from typing import Any

from salt_o2.core.access import auth_options
from salt_o2.core.access_roles import AccessRole
from salt_o2.workflow.problems import nearest

EAUTH = "pam"
"""The default authentication module, as in states/o2/defaults.yaml."""


def unknown_roles(pillar: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each role under ``access`` that does not exist, and its fault."""
    roles = list(AccessRole)
    for role in _mapping(pillar, "access"):
        if role not in roles:
            yield role, f"unknown role{nearest(str(role), roles)}"


def not_enforced(pillar: Mapping[str, Any], options: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield each of the master's options that lacks a user or group of pillar's roles, with its name."""
    given, master = _mapping(pillar, "access"), _mapping(pillar, "master")
    access = {str(role): given[role] for role in AccessRole if isinstance(given.get(role), list)}
    eauth = master.get("eauth", EAUTH)
    granted = auth_options(access, eauth).get("external_auth", {}).get(eauth, {})
    configured = _mapping(_mapping(options, "external_auth"), eauth)
    if lacking := [who for who, permitted in granted.items() if configured.get(who) != permitted]:
        yield f"external_auth:{eauth}", lacking


def execution_permissions(options: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Yield each of the master's options that permits an execution function, and the users who have it.

    A user who may call one execution function may call all: Salt permits a list if it permits one of it.
    """
    external = _mapping(options, "external_auth")
    granted = {f"external_auth:{eauth}": _mapping(external, eauth) for eauth in external}
    granted["publisher_acl"] = _mapping(options, "publisher_acl")
    for option, users in granted.items():
        if found := [str(who) for who, permitted in users.items() if _permits_execution(permitted)]:
            yield option, found


def _mapping(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = data.get(key)
    return found if isinstance(found, Mapping) else {}


def _permits_execution(permitted: Any) -> bool:
    """Return whether a list of permissions has execution functions, which do not begin with @."""
    entries = permitted if isinstance(permitted, list) else [permitted]
    names = [name for each in entries for name in (each if isinstance(each, Mapping) else [each])]
    return any(not str(name).startswith("@") for name in names)
