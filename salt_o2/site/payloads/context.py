"""The names and the output of one payload while it is rendered."""

from collections.abc import Callable, Mapping
from typing import Any

from salt_o2.workflow.expressions.evaluation_budget import spend
from salt_o2.workflow.expressions.values import Refused
from salt_o2.workflow.limits import RENDERED


class Output:
    """The text that a payload has written so far."""

    __slots__ = ("parts", "size")

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.size = 0

    def write(self, part: str) -> None:
        """Append ``part``.

        Raises:
            Refused: if the text is too large.
        """
        spend(len(part))
        self.size += len(part)
        if self.size > RENDERED:
            raise Refused(f"a payload of more than {RENDERED:,} characters")
        self.parts.append(part)

    def __str__(self) -> str:
        """Return the whole text."""
        return "".join(self.parts)


class Context:
    """The variables of a payload: ``public`` are given to it, ``private`` are of its tags."""

    __slots__ = ("blocks", "escapes", "escapes_at_first", "load", "output", "private", "public")

    def __init__(
        self,
        public: Mapping[str, Any],
        private: dict[str, Any],
        output: Output,
        load: Callable[[str], Any],
        escapes: bool = False,
    ) -> None:
        self.public = public
        self.private = private
        self.output = output
        self.load = load
        """Given the name of another payload: what renders it."""
        self.escapes = escapes
        """Whether signs of HTML in values are replaced."""
        self.escapes_at_first = escapes
        """The same, outside of all tags that change it."""
        self.blocks: list[Mapping[str, Callable[[Context], None]]] = []
        """The blocks of the payload that is rendered, after those of the payloads that it extends."""

    def find(self, name: str) -> Any:
        """Return the value of a name; nil if it is not defined."""
        return self.private[name] if name in self.private else self.public.get(name)

    def child(self, output: Output | None = None) -> "Context":
        """Return a context whose tags define names for themselves alone."""
        found = Context(self.public, dict(self.private), output or self.output, self.load, self.escapes)
        found.blocks = self.blocks
        found.escapes_at_first = self.escapes_at_first
        return found

    def included(self, names: Mapping[str, Any]) -> "Context":
        """Return the context of another payload that is rendered in this place."""
        return Context(names, {}, self.output, self.load, self.escapes_at_first)
