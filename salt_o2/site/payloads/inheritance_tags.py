"""Tags by which one payload extends another: ``extends`` and ``block``."""

from typing import Any

from salt_o2.site.payloads.context import Context
from salt_o2.site.payloads.document import Document, Node, rendered
from salt_o2.site.payloads.expressions import Reader
from salt_o2.site.payloads.lexer import NAME, STRING
from salt_o2.site.payloads.values import Safe
from salt_o2.workflow.expressions.values import Attributes


class Block(Attributes):
    """``block`` inside a block: ``{{ block.Super }}`` is the block that this one replaces."""

    __slots__ = ("_at", "_below")
    fields = frozenset(("Super",))

    def __init__(self, at: Context, below: list[Node]) -> None:
        self._at = at
        self._below = below

    def Super(self) -> Any:
        """Return the text of the block in the payload that is extended; empty if it has none."""
        if not self._below:
            return ""
        inner = self._at.child()
        inner.private["block"] = Block(inner, self._below[:-1])
        return Safe(rendered(self._below[-1], inner))


def read_extends(document: Document, arguments: Reader) -> Node:
    """Read ``{% extends "other" %}``: the other payload is rendered, with the blocks of this one."""
    if document.depth:
        raise arguments.fault("extends is inside another tag: it stands at the top of a payload")
    if document.base:
        raise arguments.fault("a payload extends one other payload")
    document.base = arguments.take(STRING, "the name of a payload")
    arguments.finish()
    return lambda _at: None


def read_block(document: Document, arguments: Reader) -> Node:
    """Read a block: a payload that extends this one may have another block of this name."""
    name = arguments.take(NAME, "a name")
    arguments.finish()
    body, _, rest = document.until("endblock")
    if not rest.is_done and rest.take(NAME, "a name") != name:
        raise rest.fault(f"the name after endblock is not {name}")
    rest.finish()
    if name in document.blocks:
        raise arguments.fault(f"a second block {name}")
    document.blocks[name] = body

    def render(at: Context) -> None:
        found = [blocks[name] for blocks in at.blocks if name in blocks]
        at.private["block"] = Block(at, found[:-1])
        found[-1](at)

    return render
