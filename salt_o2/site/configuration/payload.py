"""Render payloads of configuration: jinja2 templates with includes, in the sandbox of the templates."""

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined, Template, nodes
from jinja2.environment import TemplateModule
from jinja2.exceptions import TemplateError as JinjaError
from jinja2.runtime import LoopContext, Macro

from salt_o2.core.errors import TemplateError, UnreachableError
from salt_o2.site.jinja.metering import Metering
from salt_o2.site.jinja.sandbox import FUNCTIONS, Sandbox
from salt_o2.workflow.expressions.evaluation_budget import a_computation, spend
from salt_o2.workflow.expressions.values import Refused
from salt_o2.workflow.limits import PAYLOADS, RENDERED, TAGS

Included = Callable[[str], str]
"""Given the entry that a payload includes: its text."""


_LOOP = (
    *("index", "index0", "revindex", "revindex0", "first", "last", "length"),
    *("previtem", "nextitem", "depth", "depth0", "cycle", "changed"),
)
_FORLOOP = {
    "Counter": "index",
    "Counter0": "index0",
    "Revcounter": "revindex",
    "Revcounter0": "revindex0",
    "First": "first",
    "Last": "last",
}
"""What the original's engine calls them (pongo2, ``forloop``)."""


class _Loader(BaseLoader):
    def __init__(self, payload: str, included: Included) -> None:
        self._payload = payload
        self._included = included
        self._left = PAYLOADS

    def get_source(self, environment: Environment, template: str) -> tuple[str, None, None]:  # noqa: ARG002
        if not template:
            return _sized(self._payload), None, None
        spend(1)
        self._left -= 1
        if self._left < 0:
            raise Refused(f"more than {PAYLOADS} payloads that include one another")
        return _sized(self._included(template)), None, None


def _sized(payload: str) -> str:
    """Return ``payload`` unless it would take too long to compile."""
    if len(payload) > RENDERED:
        raise Refused(f"a payload of more than {RENDERED:,} characters")
    if payload.count("{{") + payload.count("{%") > TAGS:
        raise Refused(f"a payload with more than {TAGS:,} expressions and statements")
    return payload


class _Payloads(Sandbox):
    """The sandbox of expressions, which can also include other payloads."""

    def __init__(self, loader: BaseLoader) -> None:
        super().__init__()
        self.loader = loader
        self.undefined = StrictUndefined
        self.globals = dict(FUNCTIONS)
        self.keep_trailing_newline = True

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return the value of ``obj.attribute``; in addition to expressions, of loops and imported macros."""
        if isinstance(obj, LoopContext):
            name = _FORLOOP.get(attribute, attribute)
            if name in _LOOP:
                return getattr(obj, name)
        if isinstance(obj, TemplateModule) and isinstance(vars(obj).get(attribute), Macro):
            return vars(obj)[attribute]
        return super().getattr(obj, attribute)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        """Parse a payload into a tree that is charged for all values that it makes or iterates over."""
        tree: nodes.Template = _Loops().visit(super()._parse(source, name, filename))
        return tree


class _Loops(Metering):
    """Replaces ``forloop`` by ``loop``."""

    def visit_Name(self, node: nodes.Name) -> nodes.Node:
        return nodes.Name("loop", node.ctx, lineno=node.lineno) if node.name == "forloop" else node


def _reason(error: Exception) -> str:
    """Return why a value cannot be computed, in words for an author."""
    said = str(error)
    if said.startswith("unhashable type"):
        return "a list or a mapping cannot be the key of a mapping"
    return said or type(error).__name__


def fill(payload: str, variables: Mapping[str, Any], included: Included, where: str) -> str:
    """Return ``payload`` with its expressions, conditions and includes rendered.

    Raises:
        TemplateError: if it cannot be rendered, naming the place ``where`` and the line.
    """
    if "{{" not in payload and "{%" not in payload and "{#" not in payload:
        return payload
    try:
        with a_computation():
            return _filled(_Payloads(_Loader(payload, included)).get_template(""), variables)
    except JinjaError as error:
        line = getattr(error, "lineno", None)
        raise TemplateError(f"{where}{f':{line}' if line else ''}: {error.message}") from error
    except (RecursionError, MemoryError) as error:
        raise TemplateError(f"{where}: nested too deeply, or too large") from error
    except UnreachableError:
        raise
    except Exception as error:  # Any error that a payload causes is a fault of that payload.
        raise TemplateError(f"{where}: {_reason(error)}") from error


def _filled(template: Template, variables: Mapping[str, Any]) -> str:
    parts: list[str] = []
    size = 0
    for part in template.generate(dict(variables)):
        spend(len(part))
        parts.append(part)
        size += len(part)
        if size > RENDERED:
            raise Refused(f"a payload of more than {RENDERED:,} characters")
    return "".join(parts)
