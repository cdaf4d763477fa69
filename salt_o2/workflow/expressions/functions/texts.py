"""Built-in functions of texts: trim, upper, split, replace, join."""

from typing import Any

from salt_o2.workflow.expressions.functions.signatures import Function, Overload, function
from salt_o2.workflow.expressions.static_types import ARRAY, BOOL, INT, STRING, STRINGS
from salt_o2.workflow.expressions.values import Refused, TypedList, kind_of
from salt_o2.workflow.limits import RENDERED

BLANKS = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
"""The characters that count as blank."""


def upper(text: str) -> str:
    """Return ``text`` in capitals, character by character: ``ß`` stays."""
    return text.upper() if text.isascii() else "".join(map(_one(str.upper), text))


def lower(text: str) -> str:
    """Return ``text`` in small letters, character by character."""
    return text.lower() if text.isascii() else "".join(map(_one(str.lower), text))


def _one(change: Any) -> Any:
    def changed(character: str) -> str:
        found: str = change(character)
        return found if len(found) == 1 else character

    return changed


def trim(text: str, characters: str = BLANKS) -> str:
    """Return ``text`` without these characters at both ends. O(text + characters)."""
    if len(characters) <= len(BLANKS):
        return text.strip(characters) if characters else text
    # str.strip takes the product of both lengths, and no other thread runs meanwhile.
    unwanted = frozenset(characters)
    begin, end = 0, len(text)
    while begin < end and text[begin] in unwanted:
        begin += 1
    while end > begin and text[end - 1] in unwanted:
        end -= 1
    return text[begin:end]


def last_index(text: str, part: str) -> int:
    """Return where ``part`` is last found in ``text``; -1 if nowhere. O(text + part), as str.rfind is not."""
    found = text[::-1].find(part[::-1])
    return len(text) - len(part) - found if found >= 0 else -1


def split(text: str, separator: str, most: int = -1) -> list[str]:
    """Return the parts of ``text`` between separators, ``most`` of them; characters without a separator."""
    if most == 0:
        return TypedList()
    if not separator:
        count = len(text) if most < 0 else min(most, len(text))
        return TypedList([*text[: count - 1], text[count - 1 :]] if count else [])
    return TypedList(text.split(separator, most - 1 if most > 0 else -1))


def split_after(text: str, separator: str, most: int = -1) -> list[str]:
    """Return the parts of ``text``, each with the separator after it."""
    parts = split(text, separator, most)
    return TypedList([*(part + separator for part in parts[:-1]), *parts[-1:]])


def replace(text: str, old: str, new: str, most: int = -1) -> str:
    """Return ``text`` with ``new`` for the first ``most`` times of ``old``.

    Raises:
        Refused: if the result is too large.
    """
    count = text.count(old) if most < 0 else min(text.count(old), most)
    if len(text) + count * (len(new) - len(old)) > RENDERED:
        raise Refused(f"a result of more than {RENDERED:,} characters")
    return text.replace(old, new, most)


def repeat(text: str, times: int) -> str:
    """Return ``text`` so many times.

    Raises:
        Refused: if the number is negative, or the result too large.
    """
    if times < 0:
        raise Refused(f"repeat takes 0 or more times, not {times}")
    if len(text) * times > RENDERED or times > RENDERED:
        raise Refused(f"a result of more than {RENDERED:,} characters")
    return text * times


def join(items: list[Any], between: str = "") -> str:
    """Return the texts of a list with ``between`` between them.

    Raises:
        Refused: if an item is no text, or the result too large.
    """
    for item in items:
        if not isinstance(item, str):
            raise Refused(f"join takes a list of texts, not of {kind_of(item)}")
    if sum(map(len, items)) + len(between) * len(items) > RENDERED:
        raise Refused(f"a result of more than {RENDERED:,} characters")
    return between.join(items)


_ONE, _TWO, _THREE = (STRING,), (STRING, STRING), (STRING, STRING, STRING)
FUNCTIONS = (
    Function("trim", trim, (Overload(_ONE, STRING), Overload(_TWO, STRING))),
    Function(
        "trimPrefix",
        lambda text, prefix=" ": text.removeprefix(prefix),
        (Overload(_TWO, STRING), Overload(_ONE, STRING)),
    ),
    Function(
        "trimSuffix",
        lambda text, suffix=" ": text.removesuffix(suffix),
        (Overload(_TWO, STRING), Overload(_ONE, STRING)),
    ),
    function("upper", upper, _ONE, STRING),
    function("lower", lower, _ONE, STRING),
    Function("split", split, (Overload(_TWO, STRINGS), Overload((*_TWO, INT), STRINGS))),
    Function("splitAfter", split_after, (Overload(_TWO, STRINGS), Overload((*_TWO, INT), STRINGS))),
    Function("replace", replace, (Overload((*_THREE, INT), STRING), Overload(_THREE, STRING))),
    function("repeat", repeat, (STRING, INT), STRING),
    Function(
        "join",
        join,
        (
            Overload((STRINGS, STRING), STRING),
            Overload((ARRAY, STRING), STRING),
            Overload((ARRAY,), STRING),
            Overload((STRINGS,), STRING),
        ),
    ),
    function("indexOf", lambda text, part: text.find(part), _TWO, INT),
    function("lastIndexOf", last_index, _TWO, INT),
    function("hasPrefix", lambda text, prefix: text.startswith(prefix), _TWO, BOOL),
    function("hasSuffix", lambda text, suffix: text.endswith(suffix), _TWO, BOOL),
)
