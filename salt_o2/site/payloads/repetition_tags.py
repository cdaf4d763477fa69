"""Tags that remember what they did before: ``cycle`` and ``ifchanged``."""

from typing import Any

from salt_o2.site.payloads.context import Context
from salt_o2.site.payloads.document import Document, Node, rendered
from salt_o2.site.payloads.expressions import Reader, Value
from salt_o2.site.payloads.lexer import KEYWORD, NAME
from salt_o2.site.payloads.values import equal, text
from salt_o2.workflow.expressions.values import Attributes


class Cycle(Attributes):
    """The current value of a ``cycle`` that has a name, and its next ones."""

    __slots__ = ("_choices", "silent", "value")
    fields = frozenset[str]()

    def __init__(self, choices: "_Choices", value: Any, silent: bool) -> None:
        self._choices = choices
        self.value = value
        self.silent = silent

    def advance(self, at: Context) -> None:
        """Go on to the next value."""
        self.value = self._choices.following(at)

    def __str__(self) -> str:
        """Return the current value as text."""
        return text(self.value)


class _Choices:
    """The values of one ``cycle``, of which each is taken in turn."""

    def __init__(self, values: list[Value]) -> None:
        self._values = values
        self._taken = 0

    def following(self, at: Context) -> Any:
        found = self._values[self._taken % len(self._values)]
        self._taken += 1
        return found(at)


def read_cycle(_document: Document, arguments: Reader) -> Node:
    """Read ``{% cycle "a" "b" as name silent %}``: each time the next of its values is written."""
    values: list[Value] = []
    name, silent = "", False
    while not arguments.is_done and not name:
        values.append(arguments.expression().value)
        if arguments.skip(KEYWORD, "as"):
            name = arguments.take(NAME, "a name")
            silent = bool(arguments.skip(NAME, "silent"))
    arguments.finish()
    if not values:
        raise arguments.fault("cycle has no value")
    choices = _Choices(values)

    def render(at: Context) -> None:
        value = choices.following(at)
        if isinstance(value, Cycle):
            value.advance(at)
            at.output.write("" if value.silent else str(value))
            return
        if name:
            at.private[name] = Cycle(choices, value, silent)
        at.output.write("" if silent else text(value))

    return render


def read_if_changed(document: Document, arguments: Reader) -> Node:
    """Read ``ifchanged``: its body is written if its text, or one of the given values, has changed."""
    watched: list[Value] = []
    while not arguments.is_done:
        watched.append(arguments.expression().value)
    body, tag, rest = document.until("else", "endifchanged")
    rest.finish()
    otherwise: Node | None = None
    if tag == "else":
        otherwise, _, rest = document.until("endifchanged")
        rest.finish()
    return _of_values(watched, body, otherwise) if watched else _of_text(body)


def _of_values(watched: list[Value], body: Node, otherwise: Node | None) -> Node:
    before: list[Any] = []

    def render(at: Context) -> None:
        now = [value(at) for value in watched]
        same = bool(before) and all(map(equal, before, now))
        before[:] = now
        if not same:
            body(at)
        elif otherwise:
            otherwise(at)

    return render


def _of_text(body: Node) -> Node:
    before = [""]

    def render(at: Context) -> None:
        written = rendered(body, at)
        if written != before[0]:
            at.output.write(written)
            before[0] = written

    return render
