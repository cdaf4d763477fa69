"""Sign in a user with name and password, by the ``external_auth`` of Salt's master."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from salt_o2.core.access_roles import RUNNERS, AccessRole


class Authenticator(Protocol):
    """What of Salt's ``salt.auth.LoadAuth`` is used."""

    def authenticate_eauth(self, load: dict[str, Any]) -> bool:
        """Return whether name and password in ``load`` are right."""

    def get_auth_list(self, load: dict[str, Any]) -> Any:
        """Return the permissions of the user of ``load``."""


def salt_authenticator(opts: Mapping[str, Any]) -> Authenticator:
    """Return Salt's authentication with the options of the master."""
    import salt.auth  # slow to import

    authenticator: Authenticator = salt.auth.LoadAuth(dict(opts))
    return authenticator


def signed_in_role(
    authenticator: Authenticator, eauth: str, username: str, password: str
) -> AccessRole | None:
    """Return the role of a user; ``None`` if the password is wrong, or the user has no role.

    A call may take seconds, because Salt delays the answer to a wrong password. Run it in a thread.
    """
    load = {"eauth": eauth, "username": username, "password": password}
    if not authenticator.authenticate_eauth(load):
        return None
    return role_of(authenticator.get_auth_list(load) or [])


def role_of(granted: Any) -> AccessRole | None:
    """Return the highest role all of whose functions are in ``granted``, as ``external_auth`` has them.

    Salt compares each pattern with the beginning of a function's name (`salt/utils/minions.py`).
    """
    patterns = list(_runner_patterns(granted))
    found = None
    for role in AccessRole:
        if not all(any(re.match(each, f"o2.{name}") for each in patterns) for name in RUNNERS[role]):
            break
        found = role
    return found


def _runner_patterns(granted: Any) -> Iterator[str]:
    for entry in granted:
        if entry == "@runner":
            yield ""
        elif isinstance(entry, Mapping):
            patterns = entry.get("@runner", [])
            listed = patterns if isinstance(patterns, list) else [patterns]
            yield from (each for each in listed if isinstance(each, str))
