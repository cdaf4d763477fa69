"""The arguments of a call, as its template wrote them: expressions over the variables of the moment."""

from collections.abc import Iterable, Mapping
from typing import Any

from salt_o2.core.errors import TemplateError
from salt_o2.workflow.expression import MISSING, expression
from salt_o2.workflow.values import Refused


class _Variables:
    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def find(self, name: str) -> Any:
        return self._variables.get(name, MISSING)

    def names(self) -> Iterable[str]:
        return self._variables


def arguments_of(written: str, variables: Mapping[str, str]) -> list[Any]:
    """Return the values of ``written``, what stands between a call's parentheses.

    Raises:
        TemplateError: if it cannot be computed.
    """
    if not written.strip():
        return []
    try:
        values = expression(f"[{written}]").value(_Variables(variables))
    except Refused as error:
        raise TemplateError(f"arguments ({written}): {error}") from error
    return list(values)
