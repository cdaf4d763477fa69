"""Check all payloads of a repository of configuration: which cannot be rendered, and which AliECS escapes.

pongo2 replaces signs of HTML (``<``, ``>``, ``&``, quotes) in values, here they stay. This check finds a
payload that relies on that, before a site moves from AliECS.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from salt_o2.core.errors import O2Error, TemplateError
from salt_o2.site.configuration.configuration import Configuration
from salt_o2.site.configuration.template_functions import payload_functions
from salt_o2.workflow.variables.stack import Stack


@dataclass(frozen=True, slots=True)
class PayloadVerdict:
    """The result of the check of one payload."""

    path: str
    problem: str = ""
    """Why it cannot be rendered; empty if it can."""
    line: int = 0
    """The first line that AliECS escapes, counted from 1 in the rendered text; 0 for none."""
    here: str = ""
    """That line as it is rendered here."""
    in_aliecs: str = ""
    """That line as AliECS renders it."""


def check_payloads(
    configuration: Configuration, component: str, variables: Mapping[str, str]
) -> Iterator[PayloadVerdict]:
    """Yield the verdict on each payload of ``component``, or of all, rendered with ``variables``.

    Raises:
        UnreachableError: if the configuration cannot be read.
    """
    for path in configuration.entries(component):
        if path.count("/") < _PARTS:
            continue
        yield _verdict(configuration, path, variables)


_PARTS = 3
"""Slashes of the path of a payload: component/RUNTYPE/role/entry."""


def _verdict(configuration: Configuration, path: str, variables: Mapping[str, str]) -> PayloadVerdict:
    functions = payload_functions(configuration, Stack((variables,), None))
    try:
        here = configuration.get(path, variables, functions)
        in_aliecs = configuration.get(path, variables, functions, escapes=True)
    except TemplateError as error:
        return PayloadVerdict(path, "; ".join(error.problems))
    except O2Error as error:
        return PayloadVerdict(path, str(error))
    for line, (one, other) in enumerate(zip(here.split("\n"), in_aliecs.split("\n"), strict=False), 1):
        if one != other:
            return PayloadVerdict(path, "", line, one, other)
    return PayloadVerdict(path)
