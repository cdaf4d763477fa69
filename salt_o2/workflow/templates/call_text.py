"""Render ``func`` of a call role: a text that is an expression itself, with values of variables in it.

    trg.Note("run of {{ label }}")     a value in quotes stays a part of this text, whatever is in it
    trg.RunLoad({{ number }})          a value outside quotes is a part of the expression

Control evaluates the result at the moment of the call, with functions of the site that have effects. So
a user may put names and numbers outside quotes, and nothing else.
"""

from salt_o2.workflow.expressions.evaluation.expression import Expression
from salt_o2.workflow.expressions.rendering import text_of
from salt_o2.workflow.expressions.values import Refused
from salt_o2.workflow.problems import Problems
from salt_o2.workflow.templates.text import Text, record
from salt_o2.workflow.variables.shell_values import program_of_user
from salt_o2.workflow.variables.stack import Stack

_PROGRAM = frozenset("'\"`$\\;&|<>()[]{},?:#!=+*/%^~@ \t\v\f\n\r\x85\xa0")
"""What is more in an expression than a part of a name or of a number."""
_RAW, _REMARK, _LINE = "`", "/*", "//"


def rendered_call(text: Text, stack: Stack, path: str, problems: Problems) -> str | None:
    """Return the call that ``text`` gives, or record why there is none and return ``None``."""
    try:
        return "".join(_parts(text, stack))
    except Refused as error:
        record(error, text, stack, path, problems)
    return None


def _parts(text: Text, stack: Stack) -> list[str]:
    inside, parts = "", list[str]()
    for part in text.parts:
        if isinstance(part, str):
            inside = _inside_after(part, inside)
            parts.append(part)
        else:
            parts.append(_inserted(part, inside, stack))
    return parts


def _inserted(part: Expression, inside: str, stack: Stack) -> str:
    """Return the value of ``part`` as it stands ``inside`` these quotes."""
    value = text_of(part.value(stack))
    if inside in (_REMARK, _LINE):
        raise Refused(f"{{{{ {part.source} }}}} stands in a comment")
    if inside == _RAW:
        return value.replace("`", "``")
    if inside:
        return _escaped(value, inside)
    name, signs = program_of_user(value, part, stack, _PROGRAM)
    if name:
        raise Refused(
            f"the value of {name} has {signs}, which is program outside quotes: write"
            f' "{{{{ {part.source} }}}}" in quotes, or {part.source} without brackets'
        )
    return value


def _escaped(value: str, quote: str) -> str:
    """Return ``value`` as the part of a text between quotes that means ``value``."""
    for sign, escape in (("\\", "\\\\"), (quote, f"\\{quote}"), ("\n", "\\n"), ("\r", "\\r")):
        value = value.replace(sign, escape)
    return value


def _inside_after(text: str, inside: str) -> str:
    """Return the quote or the comment that is open after ``text``; "" if none. See language/tokens.py."""
    at = 0
    while at < len(text):
        if inside in ("'", '"') and text[at] == "\\":
            at += 2
        elif inside in ("'", '"', _RAW):
            inside = "" if text[at] == inside else inside
            at += 1
        elif inside:
            end = "*/" if inside == _REMARK else "\n"
            inside, at = ("", at + len(end)) if text.startswith(end, at) else (inside, at + 1)
        elif text[at] in "'\"`":
            inside, at = text[at], at + 1
        elif text[at : at + 2] in (_REMARK, _LINE):
            inside, at = text[at : at + 2], at + 2
        else:
            at += 1
    return inside
