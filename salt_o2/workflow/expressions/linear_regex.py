"""Match regular expressions of templates with RE2: the syntax and the linear time of Go's engine.

A pattern that needs to look back or ahead is no pattern of RE2. The work is also bounded by the size of
the compiled pattern, and by that size times the length of the text, which RE2 needs in its worst case.
"""

from functools import lru_cache
from typing import Any

from salt_o2.workflow.expressions.values import Refused, shown

MEMORY = 1024 * 1024
"""Bytes that one compiled pattern may take."""
STEPS = 200_000_000
"""Instructions of a pattern times characters of a text: about two seconds in RE2's worst case."""


def matches(pattern: str, text: str) -> bool:
    """Return whether ``pattern`` matches anywhere in ``text``.

    Raises:
        Refused: if ``pattern`` is no pattern of RE2, or the pattern and the text are too large together.
    """
    compiled = _compiled(pattern)
    if compiled.programsize * len(text) > STEPS:
        raise Refused(f"a text of {len(text):,} characters is too long for the pattern {shown(pattern)}")
    try:
        return compiled.search(text) is not None
    except UnicodeEncodeError as error:
        raise Refused(f"{shown(text)} is not text that UTF-8 can hold: {error.reason}") from error


def check_pattern(pattern: str) -> None:
    """Check that ``pattern`` is one of RE2.

    Raises:
        Refused: if it is none.
    """
    _compiled(pattern)


@lru_cache(maxsize=128)
def _compiled(pattern: str) -> Any:
    re2 = _engine()
    options = re2.Options()
    options.max_mem = MEMORY
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        raise Refused(f"{shown(pattern)} is no regular expression: {_reason(error)}") from error


def _engine() -> Any:
    """Return the module ``re2``, which is loaded only if a template has a pattern."""
    try:
        import re2
    except ImportError as error:
        raise Refused(
            f"regular expressions need the package google-re2, which cannot be loaded: {error}"
        ) from error
    return re2


def _reason(error: Exception) -> str:
    """Return the message of RE2, which is bytes, without Python's quotes."""
    reason = error.args[0] if error.args else error
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
