r"""Clean text from outside for a terminal; every module that shows text uses this one.

Names, reasons and output come from hosts, templates and users. They may contain commands to a terminal
(escape sequences, U+0080 to U+009F), marks that reverse the direction of writing, and line breaks that
add a line to a table. These are shown as escapes (``\x1b``), in JSON as JSON's own, so that
nothing is lost.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

_MARKS = "\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufff9-\ufffb"
"""Marks of direction and of interlinear text, and the line breaks that only Unicode defines."""
_HARMFUL = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_MARKS}\ud800-\udfff]")
_HARMFUL_IN_JSON = re.compile(f"[\x7f-\x9f{_MARKS}\ud800-\udfff]")
_BREAK = re.compile(r"[\t\n]")
SEVERAL_LINES = frozenset({"error", "message", "payload"})
"""Fields of control's answers that have several lines; all other fields have one."""


def terminal_text(text: str) -> str:
    """Return ``text`` with all terminal commands shown as escapes; lines and tabs stay."""
    return _HARMFUL.sub(_escape, text)


def terminal_line(text: str) -> str:
    """Return ``text`` as one line without terminal commands."""
    return _BREAK.sub(_escape, terminal_text(text))


def terminal_json(document: str) -> str:
    """Return an equivalent JSON ``document`` without terminal commands."""
    return _HARMFUL_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", document)


def terminal_document(document: Any, several_lines: Collection[str] = SEVERAL_LINES) -> Any:
    """Return an answer of control with all texts cleaned, each on one line unless its field has several."""
    return _clean(document, "", several_lines)


def _clean(value: Any, name: str, several_lines: Collection[str]) -> Any:
    if isinstance(value, str):
        return terminal_text(value) if name in several_lines else terminal_line(value)
    if isinstance(value, Mapping):
        return {_key(key): _clean(part, _key(key), several_lines) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(part, name, several_lines) for part in value]
    return value


def _key(key: Any) -> Any:
    return terminal_line(key) if isinstance(key, str) else key


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return {0x09: "\\t", 0x0A: "\\n"}.get(code) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
