"""Define the backends of configuration: trees of texts under paths with slashes, as in Consul and etcd.

    o2/components/<component>/<RUNTYPE>/<role>/<entry>     configuration of components
    o2/runtime/<component>/<key>                           run-time values
    o2/hardware/detectors/<DET>/flps/<host>/...            detectors and their hosts
    o2/hardware/flps/<host>/cards                          readout cards of a host, JSON

The layout is that of AliECS's Consul tree (A4.4), so that a site's tree can be used unchanged.
"""

from typing import Protocol

from salt_o2.core.errors import InvalidRequestError

COMPONENTS = "o2/components"
RUNTIME = "o2/runtime"
DETECTORS = "o2/hardware/detectors"
HOSTS = "o2/hardware/flps"


ROOT = "o2"
"""The part of a site's tree that Salt O² uses; other parts belong to other services."""


def checked(key: str) -> str:
    """Return ``key``, without slashes around it, if it is below ``o2/``.

    Raises:
        InvalidRequestError: if it is not below ``o2/``, or leads elsewhere by an empty part, ``.`` or ``..``.
    """
    parts = key.strip("/").split("/")
    if parts[0] != ROOT or any(part in ("", ".", "..") for part in parts):
        raise InvalidRequestError(
            f"{key!r} is not a key of configuration: keys are below {ROOT}/, without . and .."
        )
    return "/".join(parts)


class Backend(Protocol):
    """A tree of texts."""

    name: str
    """The name of the backend, for messages."""

    def get(self, key: str) -> str | None:
        """Return the text at ``key``, or ``None``; raise UnreachableError without an answer."""

    def keys(self, prefix: str) -> list[str]:
        """Return the keys below ``prefix``, in order."""

    def put(self, key: str, value: str) -> None:
        """Store ``value`` at ``key``; raise InvalidRequestError if this tree cannot be written."""


class ReadOnly:
    """A part of a backend: refuses to write."""

    name = ""

    def put(self, key: str, value: str) -> None:  # noqa: ARG002
        """Refuse to write.

        Raises:
            InvalidRequestError: always.
        """
        raise InvalidRequestError(f"{key} cannot be set: {self.name} is read only; edit its source")


def below(keys: list[str], prefix: str) -> list[str]:
    """Return those of ``keys`` that are below ``prefix``, in order."""
    start = f"{checked(prefix)}/"
    return sorted(key for key in keys if key.startswith(start))
