"""Variables that control gives to every workflow, below those of the site (AliECS's built-in defaults)."""

import socket
from urllib.parse import urlsplit

ENVIRONMENT_ID = "environment_id"
"""The id of the environment that a workflow is expanded for."""


def built_in(configuration: str) -> dict[str, str]:
    """Return the variables of control itself; those of Consul only if ``configuration`` names Consul.

    ``configuration`` is the site's setting, such as consul://host:8500.
    """
    return {"core_hostname": socket.gethostname(), **_consul(configuration)}


def _consul(configuration: str) -> dict[str, str]:
    scheme, _, rest = configuration.partition("://")
    kind, _, transport = scheme.partition("+")
    if kind != "consul":
        return {}
    place = urlsplit(f"{transport or 'http'}://{rest}")
    return {
        "consul_base_uri": f"{transport or 'http'}://{place.netloc}",
        "consul_endpoint": place.netloc,
        "consul_hostname": place.hostname or "",
        "consul_port": str(place.port or 8500),
    }
