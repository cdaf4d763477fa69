"""The functions of templates that read configuration: ``config.``, ``inventory.``, ``runtime.`` (A3.5).

Where the original returns a text ``{"error": ...}``, an error here is an error of the template.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from salt_o2.core.errors import O2Error, UnknownNameError
from salt_o2.site.configuration.backend import ROOT, RUNTIME
from salt_o2.site.configuration.configuration import Configuration
from salt_o2.site.configuration.query import ANY_RUN_TYPE, RUN_TYPES, Query, parse_query
from salt_o2.workflow.expressions.rendering import json_of, text_of
from salt_o2.workflow.expressions.values import Namespace, NotHere, Refused, shown
from salt_o2.workflow.limits import INCLUDES, PAYLOADS
from salt_o2.workflow.problems import Place
from salt_o2.workflow.templates.text import Text
from salt_o2.workflow.variables.site_services import Bound, Variables


def functions(configuration: Configuration) -> dict[tuple[str, str], Bound]:
    """Return the functions of ``configuration`` for templates, by namespace and name."""

    def get(variables: Variables) -> Callable[..., Any]:
        return lambda path: configuration.get(
            text_of(path), variables.flattened(), payload_functions(configuration, variables)
        )

    def get_legacy(variables: Variables) -> Callable[..., Any]:
        return lambda path: _legacy(configuration, text_of(path), variables)

    def resolve(_variables: Variables) -> Callable[..., Any]:
        return lambda *parts: configuration.resolve(_query(*map(text_of, parts)))

    def resolve_path(_variables: Variables) -> Callable[..., Any]:
        return lambda path: configuration.resolve(parse_query(text_of(path)))

    plain: dict[tuple[str, str], Callable[..., Any]] = {
        ("inventory", "DetectorForHost"): lambda host: configuration.detector_of(text_of(host)),
        ("inventory", "DetectorsForHosts"): lambda hosts: _detectors(configuration, hosts),
        ("inventory", "CRUCardsForHost"): lambda host: json_of(_serials(configuration, text_of(host))),
        ("inventory", "EndpointsForCRUCard"): lambda host, serial: " ".join(
            configuration.endpoints_of(text_of(host), text_of(serial))
        ),
        ("runtime", "Get"): lambda component, key: configuration.runtime_get(
            text_of(component), text_of(key)
        ),
        ("runtime", "Set"): lambda component, key, value: _set(configuration, component, key, value),
    }
    bound: dict[tuple[str, str], Bound] = {
        ("config", "Get"): _guarded(get),
        ("config", "GetLegacy"): _guarded(get_legacy),
        ("config", "Resolve"): _guarded(resolve),
        ("config", "ResolvePath"): _guarded(resolve_path),
    }
    return bound | {name: _guarded(_constant(function)) for name, function in plain.items()}


def payload_functions(configuration: Configuration, variables: Variables) -> Mapping[str, Namespace]:
    """Return ``config.`` and ``inventory.`` for a payload that is rendered with ``variables``.

    The payloads that it requests by ``config.Get`` have the same functions. Together they are limited as
    includes are.
    """
    bound = {name: function(variables) for name, function in functions(configuration).items()}
    requested, depth = 0, 0

    def get(path: Any) -> Any:
        nonlocal requested, depth
        requested += 1
        if depth >= INCLUDES or requested > PAYLOADS:
            raise Refused(f"too many payloads request one another: does {shown(path)} request itself?")
        depth += 1
        try:
            return configuration.get(text_of(path), variables.flattened(), names, is_inner=True)
        except O2Error as error:
            raise Refused(str(error)) from error
        finally:
            depth -= 1

    bound["config", "Get"] = get
    names = {
        space: Namespace(space, {name: each for (given, name), each in bound.items() if given == space})
        for space in ("config", "inventory")
    }
    return names


def _plain(configuration: Configuration, path: str) -> str:
    """Return the payload at a whole key of the site's tree, or at a path of a component."""
    if path.strip("/").partition("/")[0] == ROOT:
        found = configuration.backend.get(path)
        if found is None:
            raise UnknownNameError(f"no configuration {path}")
        return found
    return configuration.raw(path)


def _legacy(configuration: Configuration, path: str, variables: Variables) -> str:
    """Return the payload at ``path`` with its expressions rendered, but a run-time value as it is.

    A template may have made a run-time value of a variable of a user, who must not write expressions.
    """
    found = _plain(configuration, path)
    names = [name for name in path.split("/") if name]
    is_runtime = names[: RUNTIME.count("/") + 1] == RUNTIME.split("/")
    return found if is_runtime else _with_expressions(found, variables)


def _with_expressions(payload: str, variables: Variables) -> str:
    """Return ``payload`` with its expressions rendered; as it is if one of them cannot be, as AliECS does."""
    try:
        return Text(Place("the payload", 0), payload).render(_Names(variables))
    except NotHere:
        raise
    except Refused:
        return payload


class _Names:
    """The variables of the requesting role, for the expressions of a payload."""

    def __init__(self, variables: Variables) -> None:
        self._variables = variables

    def find(self, name: str) -> Any:
        return self._variables.find(name)

    def names(self) -> Mapping[str, str]:
        return self._variables.flattened()


def _query(component: str, run_type: str, role: str, *entry: str) -> Query:
    """Return the query of four parts; a run type that is none, as ``NONE``, is for any run type."""
    known = run_type if run_type in RUN_TYPES else ANY_RUN_TYPE
    return parse_query("/".join((component, known, role, *entry)))


def _serials(configuration: Configuration, host: str) -> list[str]:
    """Return the serial numbers of the cards of ``host``, each once: a card has two endpoints."""
    cards = configuration.cards_of(host).values()
    return list(dict.fromkeys(str(card.get("serial")) for card in cards))


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
    return json_of(sorted(found))


def _set(configuration: Configuration, component: Any, key: Any, value: Any) -> str:
    configuration.runtime_set(text_of(component), text_of(key), text_of(value))
    return text_of(value)
