"""Text of a template with ``{{ expressions }}`` in it: parsed once, rendered for each role."""

from collections.abc import Callable, Iterator
from typing import Any

from salt_o2.workflow.expressions.evaluation.expression import Expression, Names, UnknownVariable, expression
from salt_o2.workflow.expressions.rendering import text_of
from salt_o2.workflow.expressions.values import NotHere, Refused
from salt_o2.workflow.limits import RENDERED
from salt_o2.workflow.problems import Place, Problems
from salt_o2.workflow.templates.yaml_document import Scalar

_OPENING, _CLOSING = "([{", ")]}"


class Text:
    """One value of a template. ``constant`` is its value if it has no expression, else ``None``."""

    __slots__ = ("constant", "parts", "place", "source")

    def __init__(self, place: Place, source: str) -> None:
        self.place = place
        self.source = source
        self.parts = tuple(_parts(source)) if "{{" in source else (source,)
        self.constant = source if "{{" not in source else None

    def render(self, names: Names) -> str:
        """Return the text with the values of its expressions, given the variables of ``names``.

        Raises:
            Refused: if an expression cannot be computed there.
        """
        if self.constant is not None:
            return self.constant
        rendered = "".join(
            [part if isinstance(part, str) else text_of(part.value(names)) for part in self.parts]
        )
        if len(rendered) > RENDERED:
            raise Refused(f"a value of more than {RENDERED:,} characters")
        return rendered

    def value(self, names: Names) -> Any:
        """Return the value itself of a text that is one expression, the rendered text of any other.

        Raises:
            Refused: if an expression cannot be computed there.
        """
        only = self.parts[0] if len(self.parts) == 1 else None
        return only.value(names) if isinstance(only, Expression) else self.render(names)

    @property
    def written(self) -> str:
        """The text with its expressions, as the template has it but for blanks."""
        return "".join(
            part if isinstance(part, str) else f"{{{{ {part.source.strip()} }}}}" for part in self.parts
        )

    @property
    def expressions(self) -> Iterator[Expression]:
        """The expressions in the text."""
        return (part for part in self.parts if isinstance(part, Expression))


def read_text(node: Scalar, path: str, problems: Problems) -> Text:
    """Return the text of ``node``; an expression that does not parse becomes one of the ``problems``."""
    try:
        return Text(node.place, node.value)
    except Refused as error:
        problems.add(node.place, path, str(error))
        return Text(node.place, "")


def rendered(text: Text, names: Names, path: str, problems: Problems) -> str | None:
    """Return the rendered ``text``, or record why it cannot be rendered and return ``None``."""
    if text.constant is not None:
        return text.constant
    try:
        return text.render(names)
    except Refused as error:
        record(error, text, names, path, problems)
    return None


def guarded(
    text: Text, names: Names, path: str, problems: Problems, convert: Callable[[Any], Any] | None = None
) -> Any:
    """Return the value of ``text`` itself, converted; or record why it has none and return ``None``."""
    try:
        value = text.value(names)
        return convert(value) if convert else value
    except Refused as error:
        record(error, text, names, path, problems)
    return None


def needs_of(text: Text, names: Names) -> str:
    """Return what ``text`` needs that is not known here; empty if it can be rendered, or has a fault."""
    try:
        text.render(names)
    except NotHere as error:
        return error.needs
    except Refused:
        pass
    return ""


def open_value(what: str, text: Text, names: Names) -> str:
    """Return ``[open: what needs X]`` for a ``text`` that is not known here; empty if known or wrong."""
    needs = needs_of(text, names)
    return f"[open: {what} needs {needs}]" if needs else ""


def record(error: Refused, text: Text, names: Names, path: str, problems: Problems) -> None:
    """Add to ``problems`` why ``text`` cannot be rendered; or that it is open here."""
    if isinstance(error, UnknownVariable):
        problems.add(text.place, path, f"{error}{_marked(error)}", error.name, names.names())
    elif isinstance(error, NotHere):
        problems.leave_open(text.place, path, f"{error}{_marked(error)}" if str(error) else "")
    else:
        problems.add(text.place, path, f"{error}{_marked(error)}")


def _marked(error: Refused) -> str:
    """Return the place of the fault in the expression, unless the whole expression is the fault."""
    alone = error.where.startswith("«") and error.where.endswith("»")
    if not error.where or (alone and isinstance(error, UnknownVariable)):
        return ""
    return f" in {{{{ {error.where[1:-1] if alone else error.where} }}}}"


def _parts(source: str) -> Iterator[str | Expression]:
    at = 0
    while True:
        opening = source.find("{{", at)
        if opening < 0:
            if at < len(source):
                yield source[at:]
            return
        if opening > at:
            yield source[at:opening]
        end = _end(source, opening + 2)
        inside = source[opening + 2 : end]
        if not inside.strip():
            raise Refused("{{ }} is empty")
        yield expression(inside)
        at = end + 2


def _end(source: str, start: int) -> int:
    """Return the position of the ``}}`` that ends the expression at ``start``, past quotes and brackets."""
    quote, depth, at = "", 0, start
    while at < len(source):
        character = source[at]
        if quote:
            at += character == "\\"
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif depth == 0 and source.startswith("}}", at):
            return at
        elif character in _OPENING:
            depth += 1
        elif character in _CLOSING:
            depth -= 1
        at += 1
    raise Refused("{{ has no }} after it" if not quote else f"a text in {{{{ is not closed by {quote}")
