"""Translate commands of templates to text for bash; values become variables of its environment.

    o2-qc --name {{ name }} '{"run": "{{ run }}"}'      is what an author writes, and
    o2-qc --name ${O2_VALUE_0} '{"run": "'"${O2_VALUE_1}"'"}'   is what bash reads.

bash inserts values after it has parsed the text, so no quote and no semicolon in a value has a meaning.
Where a value stands outside quotes, bash splits it into words, as it always did.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from salt_o2.workflow.expressions.evaluation.expression import Expression, Names
from salt_o2.workflow.expressions.rendering import text_of
from salt_o2.workflow.expressions.values import Refused
from salt_o2.workflow.templates.text import Text
from salt_o2.workflow.variables.shell_values import program_of_user
from salt_o2.workflow.variables.stack import Stack

_PLAIN, _SINGLE, _DOUBLE, _ANSI, _COMMENT = "", "'", '"', "$'", "#"
_SUBSHELL, _PARAMETER, _ARITHMETIC, _BACKQUOTE, _HERE = "(", "${", "((", "`", "<<"
_DELIMITER = re.compile(r"<<(-?)[ \t]*(?:'([^'\n]+)'|\"([^\"\n]+)\"|(\\?[\w.+-]+))")
_REFUSED = {
    _PARAMETER: "inside ${ }",
    _ARITHMETIC: "inside (( )), where bash computes what a value says",
    _BACKQUOTE: "inside backquotes: write $( ) instead",
}


class Command(NamedTuple):
    """A command for bash: its text, the values that it names, and its text with the values inserted."""

    text: str
    values: Mapping[str, str]
    shown: str


def command_of(text: Text, names: Names, stack: Stack | None = None) -> Command:
    """Return ``text`` as a command whose values come from ``names``; ``stack`` says which are of a user.

    bash inserts values as values. But there are commands that compute or run a value again, such as
    ``[[ n -gt 1 ]]``, ``let``, ``bash -c`` and ``ssh``. So no value of a user may have signs of a program.

    Raises:
        Refused: if an expression cannot be computed, or stands where bash would read its value as program.
    """
    place, values = _Place(), dict[str, str]()
    written: list[str] = []
    shown: list[str] = []
    for part in text.parts:
        if isinstance(part, Expression) and not part.is_constant:
            value = text_of(part.value(names))
            _refuse_program(value, part, stack)
            if "\0" in value:
                raise Refused(f"the value of {{{{ {part.source} }}}} has a zero byte")
            name = f"O2_VALUE_{len(values)}"
            values[name] = value
            written.append(place.refer_to(name, part.source))
            shown.append(value)
            continue
        literal = part if isinstance(part, str) else text_of(part.value(names))
        place.read(literal)
        written.append(literal)
        shown.append(literal)
    return Command("".join(written), values, "".join(shown))


def _refuse_program(value: str, part: Expression, stack: Stack | None) -> None:
    name, signs = program_of_user(value, part, stack) if stack else ("", "")
    if name:
        raise Refused(
            f"the value of {name} has {signs}, which a shell can read as program: choose another value"
        )


class _Place:
    """The position in a text of bash: the quotes and brackets around it.

    A mistake in it changes the meaning of a command; it never makes bash run a value as program.
    """

    def __init__(self) -> None:
        self._inside = [_PLAIN]
        self._before = "\n"
        self._documents: list[tuple[str, bool]] = []
        self._line = ""

    def refer_to(self, name: str, source: str) -> str:
        """Return the text that refers to the value ``name`` here."""
        inside = self._inside[-1]
        if inside == _HERE and self._documents[0][1]:
            raise Refused(
                f"{{{{ {source} }}}} stands in a here-document with a quoted end, which has no values"
            )
        if inside in _REFUSED:
            raise Refused(f"{{{{ {source} }}}} stands {_REFUSED[inside]}")
        self._before, self._line = "x", self._line + "x"
        if inside in (_SINGLE, _ANSI):
            return f'\'"${{{name}}}"{inside}'
        return "" if inside == _COMMENT else f"${{{name}}}"

    def read(self, text: str) -> None:
        """Advance over ``text``."""
        at = 0
        while at < len(text):
            step = self._step(text, at)
            self._before = text[at + step - 1]
            at += step

    def _step(self, text: str, at: int) -> int:
        """Read the characters at ``at``; return their number."""
        inside, character = self._inside[-1], text[at]
        if inside == _HERE:
            return self._step_in_document(character)
        if inside in (_SINGLE, _COMMENT):
            if character == (_SINGLE if inside == _SINGLE else "\n"):
                self._inside.pop()
                return 1 if inside == _SINGLE else self._end_line()
            return 1
        if character == "\\":
            return min(2, len(text) - at)
        if inside == _ANSI:
            if character == "'":
                self._inside.pop()
            return 1
        return self._step_in_text(text, at)

    def _step_in_text(self, text: str, at: int) -> int:
        inside, character = self._inside[-1], text[at]
        for opening in ("$((", "$(", "${", "`"):
            if text.startswith(opening, at) and not (inside == _BACKQUOTE and opening == "`"):
                self._inside.append({"$((": _ARITHMETIC, "$(": _SUBSHELL}.get(opening, opening))
                return len(opening)
        if character == '"':
            self._toggle(_DOUBLE)
        elif inside == _DOUBLE:
            pass
        elif (inside, character) in ((_PARAMETER, "}"), (_BACKQUOTE, "`")):
            self._inside.pop()
        elif inside == _ARITHMETIC and text.startswith("))", at):
            self._inside.pop()
            return 2
        else:
            return self._step_between_quotes(text, at)
        return 1

    def _step_between_quotes(self, text: str, at: int) -> int:
        character = text[at]
        if text.startswith("$'", at):
            self._inside.append(_ANSI)
            return 2
        if character == "'":
            self._inside.append(_SINGLE)
        elif text.startswith("((", at):
            self._inside.append(_ARITHMETIC)
            return 2
        elif character == "(":
            self._inside.append(_SUBSHELL)
        elif character == ")" and self._inside[-1] == _SUBSHELL:
            self._inside.pop()
        elif character == "#" and self._before in " \t\n;&|()":
            self._inside.append(_COMMENT)
        elif text.startswith("<<<", at):
            return 3
        elif found := _DELIMITER.match(text, at):
            self._documents.append(
                (found[2] or found[3] or found[4].lstrip("\\"), not found[4] or "\\" in found[4])
            )
            return len(found[0])
        elif character == "\n":
            return self._end_line()
        return 1

    def _step_in_document(self, character: str) -> int:
        if character != "\n":
            self._line += character
            return 1
        if self._line.strip("\t") == self._documents[0][0]:
            self._documents.pop(0)
            if not self._documents:
                self._inside.pop()
        self._line = ""
        return 1

    def _end_line(self) -> int:
        if self._documents:
            self._inside.append(_HERE)
            self._line = ""
        return 1

    def _toggle(self, quote: str) -> None:
        if self._inside[-1] == quote:
            self._inside.pop()
        else:
            self._inside.append(quote)
