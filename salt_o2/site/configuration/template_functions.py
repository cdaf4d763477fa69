"""The functions of templates that read configuration: ``config.``, ``inventory.``, ``runtime.`` (A3.5).

Where the original returns a text ``{"error": ...}``, an error here is an error of the template.
"""

import json
from collections.abc import Callable
from typing import Any

from salt_o2.core.errors import O2Error, UnknownNameError
from salt_o2.site.configuration.backend import ROOT
from salt_o2.site.configuration.configuration import Configuration
from salt_o2.site.configuration.query import parse_query
from salt_o2.workflow.expressions.rendering import text_of
from salt_o2.workflow.expressions.values import Refused
from salt_o2.workflow.variables.site_services import Bound, Variables


def functions(configuration: Configuration) -> dict[tuple[str, str], Bound]:
    """Return the functions of ``configuration`` for templates, by namespace and name."""

    def get(variables: Variables) -> Callable[..., Any]:
        return lambda path: configuration.get(text_of(path), variables.flattened())

    def get_plain(_variables: Variables) -> Callable[..., Any]:
        return lambda path: _plain(configuration, text_of(path))

    def resolve(_variables: Variables) -> Callable[..., Any]:
        return lambda *parts: configuration.resolve(parse_query("/".join(map(text_of, parts))))

    plain: dict[tuple[str, str], Callable[..., Any]] = {
        ("inventory", "DetectorForHost"): lambda host: configuration.detector_of(text_of(host)),
        ("inventory", "DetectorsForHosts"): lambda hosts: _detectors(configuration, hosts),
        ("inventory", "CRUCardsForHost"): lambda host: json.dumps(
            [str(card.get("serial")) for card in configuration.cards_of(text_of(host)).values()]
        ),
        ("inventory", "EndpointsForCRUCard"): lambda host, serial: json.dumps(
            configuration.endpoints_of(text_of(host), text_of(serial))
        ),
        ("runtime", "Get"): lambda component, key: configuration.runtime_get(
            text_of(component), text_of(key)
        ),
        ("runtime", "Set"): lambda component, key, value: _set(configuration, component, key, value),
    }
    bound: dict[tuple[str, str], Bound] = {
        ("config", "Get"): _guarded(get),
        ("config", "GetLegacy"): _guarded(get_plain),
        ("config", "Resolve"): _guarded(resolve),
        ("config", "ResolvePath"): _guarded(resolve),
    }
    return bound | {name: _guarded(_constant(function)) for name, function in plain.items()}


def _plain(configuration: Configuration, path: str) -> str:
    """Return the payload at a whole key of the site's tree, or at a path of a component."""
    if path.strip("/").partition("/")[0] == ROOT:
        found = configuration.backend.get(path)
        if found is None:
            raise UnknownNameError(f"no configuration {path}")
        return found
    return configuration.raw(path)


def _constant(function: Callable[..., Any]) -> Bound:
    return lambda _variables: function


def _guarded(bound: Bound) -> Bound:
    """Return ``bound`` with errors of Salt O² as errors of the expression, which knows its place."""

    def of(variables: Variables) -> Callable[..., Any]:
        function = bound(variables)

        def call(*arguments: Any) -> Any:
            try:
                return function(*arguments)
            except O2Error as error:
                raise Refused(str(error)) from error

        return call

    return of


def _detectors(configuration: Configuration, hosts: Any) -> str:
    listed = json.loads(hosts) if isinstance(hosts, str) else hosts
    found = {configuration.detector_of(text_of(host)) for host in listed}
    return json.dumps(sorted(found))


def _set(configuration: Configuration, component: Any, key: Any, value: Any) -> str:
    configuration.runtime_set(text_of(component), text_of(key), text_of(value))
    return text_of(value)
