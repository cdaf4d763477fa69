"""``uid.New()``: unique ids that stay the same whenever one environment is expanded again.

A plan is expanded again when it is applied, and an environment when it is changed. A random id would change
each time, and with it the commands of unchanged tasks. So the id is made of the id of the environment, the
place of the role, and the number of ids that the role has requested.
"""

import hashlib
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from salt_o2.core.ids import short_id
from salt_o2.workflow.expressions.functions.aliecs import new_id
from salt_o2.workflow.expressions.values import Namespace
from salt_o2.workflow.variables.site_services import Services
from salt_o2.workflow.variables.stack import Stack

ENVIRONMENT_ID = "environment_id"


def identities() -> Services:
    """Return the functions that make ids, for one expansion of a workflow."""
    given: Counter[str] = Counter()

    def new(stack: Any) -> Callable[[], str]:
        return partial(_new, stack, given)

    return {"uid": lambda stack: Namespace("uid", {"New": new(stack)}), "NewID": new}


def _new(stack: Stack, given: Counter[str]) -> str:
    environment = stack.find(ENVIRONMENT_ID)
    if not isinstance(environment, str):
        return new_id()
    place = "\0".join([environment, str(stack.above), str(stack.here), repr(_iterated(stack))])
    given[place] += 1
    digest = hashlib.sha256(f"{place}\0{given[place]}".encode()).digest()
    return short_id(int.from_bytes(digest[:8]) >> 1)


def _iterated(stack: Stack) -> list[tuple[str, str]]:
    """Return the variable of the iterator that makes the role, whose name is not known yet, and its value."""
    strongest = stack.layers[0] if stack.layers else {}
    origin = str(getattr(strongest, "origin", ""))
    return sorted(strongest.items()) if origin.startswith("iterator") else []
