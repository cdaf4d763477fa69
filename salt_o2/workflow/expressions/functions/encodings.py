"""Built-in functions between values and texts: type, string, JSON, base64."""

import base64
import json
import re
from typing import Any

from salt_o2.workflow.expressions.functions.signatures import function
from salt_o2.workflow.expressions.rendering import indented_json, printed
from salt_o2.workflow.expressions.static_types import STRING, UNKNOWN
from salt_o2.workflow.expressions.values import Refused, shown, type_of
from salt_o2.workflow.limits import NESTING, RENDERED

_SURROGATE = re.compile("[\ud800-\udfff]")


def from_json(text: str) -> Any:
    """Return what a JSON text describes; all numbers have a fraction, as in Go.

    Raises:
        Refused: if it is not JSON, too large, or nested too deeply.
    """
    if len(text) > RENDERED:
        raise Refused(f"JSON of more than {RENDERED:,} characters")
    try:
        found = json.loads(text, parse_int=float, parse_float=_number, parse_constant=_no_constant)
    except RecursionError as error:
        raise Refused(f"{shown(text)} is JSON nested in more than {NESTING} levels") from error
    except (ValueError, OverflowError) as error:
        raise Refused(f"{shown(text)} is not JSON: {error}") from error
    _check_nesting(found)
    return _without_surrogates(found) if "\\ud" in text.lower() else found


def _without_surrogates(value: Any) -> Any:
    """Return ``value`` with U+FFFD for half characters, as Go reads them: no UTF-8 can hold one."""
    match value:
        case str():
            return _SURROGATE.sub("\ufffd", value)
        case list():
            return [_without_surrogates(each) for each in value]
        case dict():
            return {_SURROGATE.sub("\ufffd", key): _without_surrogates(each) for key, each in value.items()}
    return value


def _number(text: str) -> float:
    found = float(text)
    if found in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is too large")
    return found


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _check_nesting(value: Any) -> None:
    level = [value]
    for _ in range(NESTING + 1):
        nested = [each for each in level if isinstance(each, list | dict)]
        level = [entry for each in nested for entry in (each.values() if isinstance(each, dict) else each)]
        if not level:
            return
    raise Refused(f"JSON nested in more than {NESTING} levels")


def _from_base64(text: str) -> str:
    bare = text.replace("\n", "").replace("\r", "")
    try:
        return base64.b64decode(bare, validate=True).decode("utf-8", "replace")
    except ValueError as error:
        raise Refused(f"{shown(text)} is not base64") from error


FUNCTIONS = (
    function("type", type_of, (UNKNOWN,), STRING),
    function("string", printed, (UNKNOWN,), STRING),
    function("toJSON", indented_json, (UNKNOWN,), STRING),
    function("fromJSON", from_json, (STRING,), UNKNOWN),
    function("toBase64", lambda text: base64.b64encode(text.encode()).decode(), (STRING,), STRING),
    function("fromBase64", _from_base64, (STRING,), STRING),
)
