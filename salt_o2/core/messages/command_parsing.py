"""Parse what an agent receives from control; no other module does.

An agent may use a part of a report (report_parsing.py), but not a part of an order: a launch without its user
or its limits is another launch. So the agent accepts or refuses each order as a whole, and carries out the
other orders of the command. ``Command.unreadable`` names each refused order; the agent reports it failed.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from salt_o2.core.codec import typed
from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.commands import Command, Downward, Notice, Order, Question, SurveyRequest

KINDS: dict[str, type[Downward]] = {
    "Command": Command,
    "SurveyRequest": SurveyRequest,
    "Notice": Notice,
    "Question": Question,
}


def message_of(body: Any) -> Downward:
    """Return the message in ``body``, a mapping with ``kind`` and ``message``.

    Raises:
        InvalidRequestError: if the order or its target cannot be read.
    """
    kind = body.get("kind") if isinstance(body, Mapping) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise InvalidRequestError(f"a message is one of {', '.join(KINDS)}, not {kind!r:.60}")
    message = body.get("message")
    return command_of(message) if KINDS[kind] is Command else typed(message, KINDS[kind])


def command_of(data: Any) -> Command:
    """Return the command in ``data``, with all of its orders that can be read.

    Raises:
        InvalidRequestError: if the order or its target cannot be read.
    """
    try:
        return replace(typed(data, Command), unreadable={})
    except InvalidRequestError:
        if not isinstance(data, Mapping) or not isinstance(data.get("orders"), list | tuple):
            raise
    head = typed({**data, "orders": (), "unreadable": {}}, Command)
    orders: list[Order] = []
    unreadable: dict[TaskId, str] = {}
    for each in data["orders"]:
        try:
            orders.append(typed(each, Order))
        except InvalidRequestError as error:
            task = each.get("task") if isinstance(each, Mapping) else None
            if isinstance(task, str):
                unreadable[TaskId(task)] = str(error)
    return replace(head, orders=tuple(orders), unreadable=unreadable)
