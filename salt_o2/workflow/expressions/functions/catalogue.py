"""All functions that an expression can call by name, without those of a role and of the site."""

from collections.abc import Callable, Mapping
from typing import Any

from salt_o2.workflow.expressions.functions import dates, encodings, lists, mappings, numbers, texts
from salt_o2.workflow.expressions.functions.aliecs import ALIASES, NAMESPACES
from salt_o2.workflow.expressions.functions.signatures import Function

BUILT_IN: Mapping[str, Function] = {
    each.name: each
    for subject in (texts, numbers, lists, mappings, encodings, dates)
    for each in subject.FUNCTIONS
}
"""The functions of expr-lang that take no predicate; a variable never hides them."""
FUNCTIONS: Mapping[str, Callable[..., Any] | Any] = {**NAMESPACES, **ALIASES}
"""The functions of AliECS and their namespaces; a variable of the same name hides one."""
