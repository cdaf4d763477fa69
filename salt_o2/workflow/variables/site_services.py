"""Services of the site for templates: configuration, inventory, run-time values, generated workflows.

The workflow library does not know these services. The caller that loads a workflow passes them, as functions
of the variables of the requesting role. Where an author checks a template there are none: the parts that
depend on them stay open, and that is no fault.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from salt_o2.workflow.expressions.values import Namespace, NotHere, Refused


class Variables(Protocol):
    """The variables of the requesting role."""

    def find(self, name: str) -> Any:
        """Return the value of a variable, or MISSING."""

    def flattened(self) -> dict[str, str]:
        """Return all of them."""


Services = Mapping[str, Callable[[Variables], Any]]
"""By the name in expressions: given the requesting role's variables, the function or namespace."""

CONFIG = ("Get", "GetLegacy", "Resolve", "ResolvePath")
INVENTORY = ("DetectorForHost", "DetectorsForHosts", "CRUCardsForHost", "EndpointsForCRUCard")
RUNTIME = ("Get", "Set")
DPL = ("Generate", "GenerateFromUri", "GenerateFromUriOrFallbackToTemplate")
ODC = ("GenerateEPNWorkflowScript", "GenerateEPNTopologyFullname")
TABLE: Mapping[str, tuple[str, ...]] = {
    "config": CONFIG,
    "inventory": INVENTORY,
    "runtime": RUNTIME,
    "dpl": DPL,
    "odc": ODC,
}
"""The functions of each namespace."""
ALIASES: Mapping[str, tuple[str, str]] = {
    "GetConfig": ("config", "Get"),
    "GetConfigLegacy": ("config", "GetLegacy"),
    "ResolveConfig": ("config", "Resolve"),
    "ResolveConfigPath": ("config", "ResolvePath"),
    "GetRuntimeConfig": ("runtime", "Get"),
    "SetRuntimeConfig": ("runtime", "Set"),
    "DetectorForHost": ("inventory", "DetectorForHost"),
    "DetectorsForHosts": ("inventory", "DetectorsForHosts"),
    "CRUCardsForHost": ("inventory", "CRUCardsForHost"),
    "EndpointsForCRUCard": ("inventory", "EndpointsForCRUCard"),
    "GenerateDplSubworkflow": ("dpl", "Generate"),
    "GenerateDplSubworkflowFromUri": ("dpl", "GenerateFromUri"),
}
"""Older names, at top level."""

Function = Callable[..., Any]
Bound = Callable[[Variables], Function]


def services(functions: Mapping[tuple[str, str], Bound], at_site: bool = False) -> Services:
    """Return the services made of ``functions``, by namespace and name.

    Missing functions of the table stay open, or, ``at_site``, are an error: there is no other source.
    """
    missing = _not_here if at_site else _absent
    given = {
        **{
            (name, function): missing(f"{name}.{function}()")
            for name, names in TABLE.items()
            for function in names
        },
        **functions,
    }
    aliases = {alias: given[target] for alias, target in ALIASES.items()}
    spaces = dict.fromkeys(name for name, _ in given)
    return {**{name: _namespace(name, given) for name in spaces}, **aliases}


def _namespace(name: str, given: Mapping[tuple[str, str], Bound]) -> Callable[[Variables], Namespace]:
    own = {function: bound for (space, function), bound in given.items() if space == name}
    return lambda stack: Namespace(name, {function: bound(stack) for function, bound in own.items()})


def _absent(what: str) -> Bound:
    def refuse(*_arguments: Any) -> Any:
        raise NotHere(f"{what} is known only where the workflow is deployed", what)

    return lambda _stack: refuse


def _not_here(what: str) -> Bound:
    def refuse(*_arguments: Any) -> Any:
        raise Refused(f"{what} is not known here: no integration that is switched on has it")

    return lambda _stack: refuse


NOWHERE: Services = services({})
"""The services for authors, whose checks have no site."""
