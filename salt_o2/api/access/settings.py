"""Settings of the HTTP interface: ``o2:api`` of the master's configuration."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta

from salt_o2.core.codec import typed
from salt_o2.core.errors import InvalidRequestError


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """Where the interface listens, and for how long a sign-in is valid."""

    address: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 8643
    certificate: str = ""
    """File with the server's certificate and its chain, in PEM. Only a loopback address may do without."""
    key: str = ""
    """File with the private key of ``certificate``, in PEM."""
    sign_ins_per_minute: Annotated[float, Meta(gt=0)] = 5.0
    """How often one address may try to sign in."""
    session_hours: Annotated[float, Meta(gt=0, le=168)] = 12.0
    sign_in_link: bool = False
    """Whether to write a one-time sign-in link for the master's own account, as private clusters do."""

    @property
    def scheme(self) -> str:
        """``https`` with a certificate, else ``http``."""
        return "https" if self.certificate else "http"


def api_settings(given: Any) -> ApiSettings:
    """Return the settings in ``given``.

    Raises:
        InvalidRequestError: if a setting is wrong, or passwords would cross a network without encryption.
    """
    if not isinstance(given, Mapping):
        raise InvalidRequestError(f"o2:api must be a map of settings, not {given!r:.60}")
    unknown = set(given) - set(ApiSettings.__dataclass_fields__)
    if unknown:
        known = ", ".join(ApiSettings.__dataclass_fields__)
        raise InvalidRequestError(f"o2:api has no setting {min(unknown)!r}; its settings: {known}")
    settings = typed(dict(given), ApiSettings)
    if not settings.certificate and not _is_loopback(settings.address):
        raise InvalidRequestError(
            f"o2:api: address {settings.address} needs `certificate` and `key`: without them passwords and "
            "tokens would cross the network unencrypted. Only a loopback address may do without"
        )
    return settings


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
