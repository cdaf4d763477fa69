"""Open the backend of a site, from one line of its configuration."""

from collections.abc import Callable, Mapping
from typing import Any

from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.url_masking import without_password
from salt_o2.site.configuration.backend import Backend
from salt_o2.site.configuration.http_backends import Consul, Etcd
from salt_o2.site.configuration.tree_backends import Folder, PillarTree

PILLAR = "pillar"


def open_backend(line: str, pillar: Callable[[], Mapping[str, Any]]) -> Backend:
    """Return the backend that ``line`` names.

    ``pillar``, ``/a/directory``, ``consul://host:8500`` or ``etcd://host:2379``; with ``consul+https://`` and
    ``etcd+https://`` over TLS. ``pillar`` returns what the master's pillar has below ``o2:``.

    Raises:
        InvalidRequestError: if it is none of these.
    """
    scheme, separator, rest = line.partition("://")
    kind, _, transport = scheme.partition("+")
    services: dict[str, type[Consul] | type[Etcd]] = {"consul": Consul, "etcd": Etcd}
    if separator and kind in services and transport in ("", "http", "https"):
        return services[kind](f"{transport or 'http'}://{rest}")
    if line in ("", PILLAR):
        return PillarTree(pillar)
    if line.startswith("/"):
        return Folder(line)
    choice = "pillar, /a/directory, consul://host:8500 or etcd://host:2379"
    raise InvalidRequestError(f"o2: configuration: {without_password(line)!r} is none of {choice}")
