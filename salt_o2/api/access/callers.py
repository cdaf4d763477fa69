"""The sender of a request, and the one check of permissions that each request passes."""

import logging
from dataclasses import dataclass

from salt_o2.core.access_roles import AccessRole, includes, required_role
from salt_o2.core.errors import O2Error, UnknownNameError

audit = logging.getLogger("salt_o2.api.audit")
"""One line for each request that is permitted and each that is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An authenticated sender of requests."""

    name: str
    role: AccessRole
    entrance: str
    """How the request came in, such as ``http``."""
    address: str = ""
    """The address that the request came from."""


class ForbiddenError(O2Error):
    """The role of the caller does not permit the request."""


def authorize(caller: Caller, verb: str) -> None:
    """Return if ``caller`` may send the request ``verb`` to control; record either result.

    Raises:
        UnknownNameError: if control has no such verb.
        ForbiddenError: if it needs another role; the message names the role.
    """
    needed = required_role(verb)
    if needed is None:
        raise UnknownNameError(f"there is no request {verb!r}: see /api/v1/openapi.json")
    if not includes(caller.role, needed):
        audit.warning("%s refused: %s needs the role %s", _described(caller), verb, needed)
        raise ForbiddenError(
            f"{verb} needs the role {needed}, and {caller.name} has the role {caller.role}. Nothing was done"
        )
    audit.info("%s permitted: %s", _described(caller), verb)


def _described(caller: Caller) -> str:
    return f"{caller.name!r} ({caller.role}) by {caller.entrance} from {caller.address or 'here'}"
