"""Configuration for components: found by fallback, rendered as pongo2 does (aliecs.md A4.2, A4.3)."""

import json
from collections.abc import Mapping
from typing import Any

from salt_o2.core.errors import InvalidRequestError, UnknownNameError
from salt_o2.site.configuration.backend import COMPONENTS, DETECTORS, HOSTS, RUNTIME, Backend
from salt_o2.site.configuration.payload import fill
from salt_o2.site.configuration.query import Query, parse_query
from salt_o2.site.configuration.secret_entries import Recognizing, SecretEntries
from salt_o2.workflow.problems import nearest

_NONE: Mapping[str, Any] = {}
HIDDEN = ("TRG",)
"""Detectors that are listed only on request for all: the trigger is a detector in name only."""


class Configuration:
    """One site's configuration."""

    def __init__(self, backend: Backend, secrets: SecretEntries | None = None) -> None:
        """Read and write everything through ``backend``; learn the values of ``secrets``."""
        self.secrets = secrets or SecretEntries()
        self.backend: Backend = Recognizing(backend, self.secrets)

    def resolve(self, query: Query) -> str:
        """Return the path that answers ``query``: its own, for any run type, for any role, or for both.

        Raises:
            UnknownNameError: if there is none.
        """
        for path in query.fallbacks():
            if self.backend.get(f"{COMPONENTS}/{path}") is not None:
                return path
        known = self.entries(query.component)
        tried = ", ".join(query.fallbacks())
        raise UnknownNameError(f"no configuration {query}{nearest(str(query), known)}: not in {tried}")

    def raw(self, text: str) -> str:
        """Return the payload at ``component/RUNTYPE/role/entry`` without rendering, found by fallback.

        Raises:
            UnknownNameError: if there is none.
            InvalidRequestError: if ``text`` is no such path.
        """
        return self.backend.get(f"{COMPONENTS}/{self.resolve(parse_query(text))}") or ""

    def get(
        self,
        text: str,
        variables: Mapping[str, Any] = _NONE,
        functions: Mapping[str, Any] = _NONE,
        *,
        is_inner: bool = False,
        escapes: bool = False,
    ) -> str:
        """Return the payload at ``text`` rendered with ``variables``; its includes are found likewise.

        ``functions``, ``is_inner`` and ``escapes`` are those of ``fill``.

        Raises:
            UnknownNameError: if there is none, or it includes a missing one.
            TemplateError: if it cannot be rendered.
        """
        query = parse_query(text)

        def included(entry: str) -> str:
            return self.raw(entry if entry.count("/") >= 3 else str(query.beside(entry)))

        where = f"configuration {self.resolve(query)}"
        return fill(self.raw(text), variables, included, where, functions, is_inner=is_inner, escapes=escapes)

    def components(self) -> list[str]:
        """Return the components that have configuration."""
        return _children(self.backend.keys(COMPONENTS), COMPONENTS)

    def entries(self, component: str) -> list[str]:
        """Return the paths of a component's entries, or of all those of every one."""
        prefix = f"{COMPONENTS}/{component}" if component else COMPONENTS
        return [key.removeprefix(f"{COMPONENTS}/") for key in self.backend.keys(prefix)]

    def set(self, text: str, payload: str, new_component: bool = False) -> str:
        """Store ``payload`` at exactly this path, and return it.

        Raises:
            InvalidRequestError: if the component is unknown and not meant to be new, or the backend cannot be
                written.
        """
        query = parse_query(text)
        known = self.components()
        if query.component not in known and not new_component:
            advice = nearest(query.component, known)
            raise InvalidRequestError(f"no component {query.component}{advice}; request a new one explicitly")
        self.backend.put(f"{COMPONENTS}/{query}", payload)
        return str(query)

    def runtime_get(self, component: str, key: str) -> str:
        """Return a run-time value; empty if it is not set.

        Raises:
            InvalidRequestError: if the names cannot be a path.
        """
        return self.backend.get(_runtime_key(component, key)) or ""

    def runtime_set(self, component: str, key: str, value: str) -> None:
        """Set a run-time value."""
        self.backend.put(_runtime_key(component, key), value)

    def detectors(self, all_: bool = False) -> list[str]:
        """Return the detectors of the site."""
        found = _children(self.backend.keys(DETECTORS), DETECTORS)
        return [name for name in found if all_ or name not in HIDDEN]

    def hosts_of(self, detector: str) -> list[str]:
        """Return the hosts of a detector."""
        prefix = f"{DETECTORS}/{detector}/flps"
        return _children(self.backend.keys(prefix), prefix)

    def detector_of(self, host: str) -> str:
        """Return the detector that ``host`` belongs to.

        Raises:
            UnknownNameError: if it belongs to none.
        """
        for detector in self.detectors(all_=True):
            if host in self.hosts_of(detector):
                return detector
        hosts = [host for detector in self.detectors(all_=True) for host in self.hosts_of(detector)]
        raise UnknownNameError(f"host {host} belongs to no detector{nearest(host, hosts)}")

    def cards_of(self, host: str) -> dict[str, Any]:
        """Return the readout cards of ``host``, by their ids.

        Raises:
            UnknownNameError: if there is no entry for them.
        """
        written = self.backend.get(f"{HOSTS}/{host}/cards")
        if written is None:
            raise UnknownNameError(f"no cards of host {host} are known")
        cards = json.loads(written)
        return cards if isinstance(cards, dict) else {str(number): card for number, card in enumerate(cards)}

    def endpoints_of(self, host: str, serial: str) -> list[str]:
        """Return the endpoints of the card of ``host`` with this serial number."""
        cards = self.cards_of(host).values()
        return [str(card.get("endpoint")) for card in cards if str(card.get("serial")) == serial]


def _children(keys: list[str], prefix: str) -> list[str]:
    """Return the names one level below ``prefix``."""
    return list(dict.fromkeys(key.removeprefix(f"{prefix}/").split("/", 1)[0] for key in keys))


def _runtime_key(component: str, key: str) -> str:
    parts = f"{component}/{key}".split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise InvalidRequestError(f"{component!r}, {key!r} is not a key of a run-time value")
    return f"{RUNTIME}/{component}/{key}"
