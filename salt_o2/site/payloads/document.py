"""What tags know of the document that they are part of."""

from collections.abc import Callable
from typing import Any, Protocol

from salt_o2.site.payloads.context import Context, Output
from salt_o2.site.payloads.expressions import Reader

Node = Callable[[Context], None]
"""Renders a part of a document."""


class Document(Protocol):
    """The document whose tags are read."""

    macros: dict[str, Any]
    """The macros that other payloads may import."""
    blocks: dict[str, Node]
    """The blocks that payloads which extend this one may replace, by name."""
    base: str
    """The payload that this one extends; empty for none."""
    depth: int
    """Number of tags around the current place that are not closed."""

    def until(self, *names: str) -> tuple[Node, str, Reader]:
        """Return what renders all until one of these tags, the tag's name and its arguments."""

    def skip_until(self, name: str) -> None:
        """Skip all until this tag."""


def rendered(body: Node, at: Context) -> str:
    """Return what ``body`` writes, in the same names."""
    before, at.output = at.output, Output()
    try:
        body(at)
        return str(at.output)
    finally:
        at.output = before
