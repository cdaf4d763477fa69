"""Render payloads of configuration with includes, within the limits of templates."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

from salt_o2.core.errors import TemplateError, UnreachableError
from salt_o2.site.payloads.context import Context, Output
from salt_o2.site.payloads.engine import Payload
from salt_o2.site.payloads.lexer import Fault
from salt_o2.workflow.expressions.evaluation_budget import a_computation, spend
from salt_o2.workflow.expressions.functions.catalogue import FUNCTIONS
from salt_o2.workflow.expressions.values import Refused
from salt_o2.workflow.limits import PAYLOADS, RENDERED, TAGS
from salt_o2.workflow.variables.stack import Stack

Included = Callable[[str], str]
"""Given the entry that a payload includes: its text."""
_NONE: Mapping[str, Any] = {}
_BOUND = ("util", "PrefixedOverride")
"""Functions that need the variables of the payload."""


def fill(
    payload: str,
    variables: Mapping[str, Any],
    included: Included,
    where: str,
    functions: Mapping[str, Any] = _NONE,
    *,
    is_inner: bool = False,
    escapes: bool = False,
) -> str:
    """Return ``payload`` with its expressions, conditions and includes rendered.

    ``functions`` are those of the site, by name. ``is_inner`` is for a payload that another one requests:
    both share one budget. ``escapes`` replaces signs of HTML in values, as AliECS does.

    Raises:
        TemplateError: if it cannot be rendered, naming the place ``where`` and the line.
    """
    if "{{" not in payload and "{%" not in payload and "{#" not in payload:
        return payload
    output = Output()
    role = Stack((variables,), None)
    names = {**FUNCTIONS, **{name: role.find(name) for name in _BOUND}, **functions, **variables}
    try:
        with nullcontext() if is_inner else a_computation():
            spend(0)
            context = Context(names, {}, output, _Loader(included).load, escapes)
            Payload(_sized(payload)).render(context)
    except Fault as error:
        raise TemplateError(f"{where}:{error.line}: {error}") from error
    except (RecursionError, MemoryError) as error:
        raise TemplateError(f"{where}: nested too deeply, or too large") from error
    except UnreachableError:
        raise
    except Exception as error:  # Any error that a payload causes is a fault of that payload.
        raise TemplateError(f"{where}: {str(error) or type(error).__name__}") from error
    return str(output)


class _Loader:
    """Compiles the payloads that one includes, each once, and counts how often it does."""

    def __init__(self, included: Included) -> None:
        self._included = included
        self._compiled: dict[str, Payload] = {}
        self._left = PAYLOADS

    def load(self, name: str) -> Payload:
        spend(1)
        self._left -= 1
        if self._left < 0:
            raise Refused(f"more than {PAYLOADS} payloads that include one another")
        if name not in self._compiled:
            self._compiled[name] = Payload(_sized(self._included(name)))
        return self._compiled[name]


def _sized(payload: str) -> str:
    """Return ``payload`` unless it would take too long to compile."""
    if len(payload) > RENDERED:
        raise Refused(f"a payload of more than {RENDERED:,} characters")
    if payload.count("{{") + payload.count("{%") > TAGS:
        raise Refused(f"a payload with more than {TAGS:,} expressions and tags")
    return payload
