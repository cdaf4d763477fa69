"""Payloads of configuration: jinja2 templates with includes, in the sandbox of the template language."""

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined
from jinja2.exceptions import TemplateError as JinjaError

from salt_o2.core.errors import TemplateError, UnknownName
from salt_o2.workflow.limits import INCLUDES, RENDERED
from salt_o2.workflow.sandbox import FUNCTIONS, Sandbox
from salt_o2.workflow.values import Refused

Included = Callable[[str], str]
"""Given the entry that a payload includes: its text."""


class _Loader(BaseLoader):
    def __init__(self, payload: str, included: Included) -> None:
        self._payload = payload
        self._included = included
        self._left = INCLUDES

    def get_source(self, environment: Environment, template: str) -> tuple[str, None, None]:  # noqa: ARG002
        if not template:
            return self._payload, None, None
        self._left -= 1
        if self._left < 0:
            raise Refused(f"more than {INCLUDES} payloads that include one another")
        return self._included(template), None, None


class _Payloads(Sandbox):
    """The sandbox of expressions, which can include other payloads beside."""

    def __init__(self, loader: BaseLoader) -> None:
        super().__init__()
        self.loader = loader
        self.undefined = StrictUndefined
        self.globals = dict(FUNCTIONS)
        self.keep_trailing_newline = True


def fill(payload: str, variables: Mapping[str, Any], included: Included, where: str) -> str:
    """Return ``payload`` with its expressions, conditions and includes carried out.

    Raises:
        TemplateError: if it cannot be done, naming ``where`` it is and the line.
    """
    if "{{" not in payload and "{%" not in payload and "{#" not in payload:
        return payload
    try:
        template = _Payloads(_Loader(payload, included)).get_template("")
        parts: list[str] = []
        size = 0
        for part in template.generate(dict(variables)):
            parts.append(part)
            size += len(part)
            if size > RENDERED:
                raise Refused(f"a payload of more than {RENDERED:,} characters")
        return "".join(parts)
    except JinjaError as error:
        line = getattr(error, "lineno", None)
        raise TemplateError(f"{where}{f':{line}' if line else ''}: {error.message}") from error
    except (Refused, UnknownName, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise TemplateError(f"{where}: {error}") from error
    except (RecursionError, MemoryError) as error:
        raise TemplateError(f"{where}: nested too deeply, or too large") from error
