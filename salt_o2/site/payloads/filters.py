"""The filters of payloads, ``{{ value|name:argument }}``."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

from salt_o2.site.payloads.values import equal, integer, length, number, text, truth
from salt_o2.workflow.expressions.functions.texts import lower, upper
from salt_o2.workflow.expressions.values import Refused, is_number, wrapped
from salt_o2.workflow.limits import MADE, RENDERED

Filter = Callable[[Any, Any], Any]
"""Given the value and the argument, which is nil if there is none."""
_ESCAPES = (("&", "&amp;"), (">", "&gt;"), ("<", "&lt;"), ('"', "&quot;"), ("'", "&#39;"))
_NUMBER = "filter pluralize takes a number"


def escape(value: Any, _argument: Any = None) -> str:
    """Return a text with the signs of HTML replaced."""
    found = text(value)
    for sign, name in _ESCAPES:
        found = found.replace(sign, name)
    return found


def _add(value: Any, argument: Any) -> Any:
    if is_number(value) and is_number(argument):
        floats = isinstance(value, float) or isinstance(argument, float)
        return number(value) + number(argument) if floats else wrapped(value + argument)
    return text(value) + text(argument)


def _float_format(value: Any, argument: Any) -> Any:
    found = number(value)
    decimals = -1 if argument is None else integer(argument)
    trim = not is_number(argument) or decimals <= 0
    if trim and found == int(found):
        return integer(value)
    return f"{found:.{_bounded(abs(decimals))}f}"


def _join(value: Any, argument: Any) -> Any:
    if not isinstance(value, str | list):
        return value
    between, items = text(argument), [text(item) for item in value]
    if sum(map(len, items)) + len(between) * len(items) > MADE:
        raise Refused(f"filter join makes more than {MADE:,} characters")
    return between.join(items)


def _slice(value: Any, argument: Any) -> Any:
    parts = text(argument).split(":")
    if len(parts) != 2:
        raise Refused("filter slice takes 'from:to'")
    if not isinstance(value, str | list):
        return value
    size = len(value)
    begin = integer(parts[0])
    begin = min(max(size + begin, 0) if begin < 0 else begin, size)
    end = integer(parts[1]) if parts[1].strip() else size
    end = max(max(size + end, 0) if end < 0 else end, begin)
    return value[begin : min(end, size)]


def _pluralize(value: Any, argument: Any) -> str:
    if not is_number(value):
        raise Refused(_NUMBER)
    endings = text(argument).split(",") if length(argument) else ["s"]
    if len(endings) > 2:
        raise Refused("filter pluralize takes at most 2 endings")
    one, many = ("", endings[0]) if len(endings) == 1 else endings
    return one if integer(value) == 1 else many


def _yes_no(value: Any, argument: Any) -> str:
    choices = text(argument).split(",") if text(argument) else ["yes", "no", "maybe"]
    if not 2 <= len(choices) <= 3:
        raise Refused("filter yesno takes 2 or 3 words")
    if value is None:
        return choices[2] if len(choices) == 3 else "maybe"
    return choices[0] if truth(value) else choices[1]


def _truncated(value: Any, argument: Any) -> str:
    found, most = text(value), integer(argument)
    if most <= 0:
        return ""
    if len(found) <= most:
        return found
    return found[: most - 3] + "..." if most >= 3 else found[:most]


def _words(value: Any, argument: Any) -> str:
    words, most = text(value).split(), integer(argument)
    if most <= 0:
        return ""
    return " ".join(words[:most] + (["..."] if most < len(words) else []))


def _wrapped_words(value: Any, argument: Any) -> Any:
    words, most = text(value).split(), integer(argument)
    if most <= 0:
        return value
    count = len(words) // most + len(words) % most
    return "\n".join(" ".join(words[most * line : most * (line + 1)]) for line in range(count))


def _center(value: Any, argument: Any) -> Any:
    spaces = _bounded(integer(argument)) - length(value)
    if spaces <= 0:
        return value
    return " " * (spaces - spaces // 2) + text(value) + " " * (spaces // 2)


def _bounded(width: int) -> int:
    if width > RENDERED:
        raise Refused(f"a text of more than {RENDERED:,} characters")
    return width


def _title(value: Any, _argument: Any) -> str:
    found, before = "", " "
    for character in lower(value) if isinstance(value, str) else "":
        letter = before.isalnum() or before == "_"
        found += character if letter else upper(character)
        before = character
    return found


def _split(value: Any, argument: Any) -> list[str]:
    between = text(argument)
    return text(value).split(between) if between else list(text(value))


def _divisible(value: Any, argument: Any) -> bool:
    return integer(argument) != 0 and integer(value) % integer(argument) == 0


def _ends(place: int) -> Filter:
    return lambda value, _argument: value[place] if isinstance(value, str | list) and value else ""


FILTERS: dict[str, Filter] = {
    "add": _add,
    "addslashes": lambda value, _: text(value).replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'"),
    "capfirst": lambda value, _: upper(text(value)[:1]) + text(value)[1:] if length(value) else "",
    "center": _center,
    "cut": lambda value, argument: text(value).replace(text(argument), "") if text(argument) else text(value),
    "default": lambda value, argument: value if truth(value) else argument,
    "default_if_none": lambda value, argument: argument if value is None else value,
    "divisibleby": _divisible,
    "e": escape,
    "escape": escape,
    "first": _ends(0),
    "float": lambda value, _: number(value),
    "floatformat": _float_format,
    "integer": lambda value, _: integer(value),
    "join": _join,
    "last": _ends(-1),
    "length": lambda value, _: length(value),
    "length_is": lambda value, argument: equal(length(value), integer(argument)),
    "linebreaksbr": lambda value, _: text(value).replace("\n", "<br />"),
    "ljust": lambda value, argument: text(value) + " " * (_bounded(integer(argument)) - length(value)),
    "lower": lambda value, _: lower(text(value)),
    "make_list": lambda value, _: list(text(value)),
    "pluralize": _pluralize,
    "rjust": lambda value, argument: text(value).rjust(_bounded(integer(argument))),
    "safe": lambda value, _: value,
    "slice": _slice,
    "split": _split,
    "title": _title,
    "truncatechars": _truncated,
    "truncatewords": _words,
    "upper": lambda value, _: upper(text(value)),
    "urlencode": lambda value, _: quote_plus(text(value), safe=""),
    "wordcount": lambda value, _: len(text(value).split()),
    "wordwrap": _wrapped_words,
    "yesno": _yes_no,
}
"""The filters by their names."""
