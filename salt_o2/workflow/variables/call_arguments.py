"""Compute the arguments of a call from its template, at the moment of the call.

They can use what any expression of a role can use (AliECS ``core/workflow/callable``): the variables of the
moment, the place of the role in the tree, and the functions of the site.
"""

from collections.abc import Mapping
from typing import Any

from salt_o2.core.errors import TemplateError
from salt_o2.workflow.expressions.evaluation.expression import expression
from salt_o2.workflow.expressions.values import Refused
from salt_o2.workflow.variables.site_services import NOWHERE, Services
from salt_o2.workflow.variables.stack import Block, Position, Stack
from salt_o2.workflow.variables.user_variables import USER


def arguments_of(
    written: str, variables: Mapping[str, str], path: str = "", services: Services = NOWHERE
) -> list[Any]:
    """Return the values of ``written``, the text between the parentheses of the call at ``path``.

    It may read files and call services of the site.

    Raises:
        TemplateError: if it cannot be computed.
    """
    if not written.strip():
        return []
    here = _position(path)
    stack = Stack((Block(variables, USER),), here.above if here else None, here, services)
    try:
        return list(expression(f"[{written}]").value(stack))
    except Refused as error:
        where = f" in {error.where}" if error.where else ""
        raise TemplateError(f"arguments ({written}) of {path or 'a call'}: {error}{where}") from error


def _position(path: str) -> Position | None:
    found: Position | None = None
    for name in path.split(".") if path else ():
        found = Position(name, found)
    return found
