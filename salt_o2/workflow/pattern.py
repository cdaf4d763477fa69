"""Regular expressions in a time linear in the text, as RE2 of the original has them.

Python's own engine can take for ever on a pattern such as ``(a+)+$``; here all ways through the pattern are
followed at once (K. Thompson, CACM 11, 1968). What needs to look back or ahead is refused, as RE2 does.
"""

import re
import re._constants as sre  # type: ignore[import-not-found]
import re._parser as sre_parser  # type: ignore[import-not-found]
import warnings
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from salt_o2.workflow.values import Refused

STATES = 2_000
STEPS = 20_000_000
Test = Callable[[str], bool]
_CATEGORIES = {
    sre.CATEGORY_DIGIT: r"\d",
    sre.CATEGORY_NOT_DIGIT: r"\D",
    sre.CATEGORY_SPACE: r"\s",
    sre.CATEGORY_NOT_SPACE: r"\S",
    sre.CATEGORY_WORD: r"\w",
    sre.CATEGORY_NOT_WORD: r"\W",
}
_AT_BEGINNING = (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING)
_AT_END = (sre.AT_END, sre.AT_END_STRING)


def matches(pattern: str, text: str) -> bool:
    """Return whether ``pattern`` matches anywhere in ``text``.

    Raises:
        Refused: if it is no pattern, or one that would take too long.
    """
    return _compiled(pattern).search(text)


@lru_cache(maxsize=1_000)
def _compiled(pattern: str) -> "_Machine":
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", FutureWarning
            )  # of patterns that later versions may read otherwise
            tree = sre_parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise Refused(f"{pattern!r} is no regular expression: {error}") from error
    return _Machine(tree, pattern)


class _Machine:
    """States with what leads on from them: a character that passes a test, a position, or nothing at all."""

    def __init__(self, tree: Any, pattern: str) -> None:
        self._pattern = pattern
        self._ignore_case = bool(tree.state.flags & re.IGNORECASE)
        self._tests: list[tuple[Test, int] | None] = []
        self._free: list[list[tuple[int, str]]] = []
        self._end = self._state()
        self._begin = self._sequence(tree, self._end)

    def search(self, text: str) -> bool:
        if len(text) * len(self._tests) > STEPS:
            raise Refused(f"a text of {len(text):,} characters is too long for the pattern {self._pattern!r}")
        current: set[int] = set()
        for at in range(len(text) + 1):
            current = self._reached({*current, self._begin}, at == 0, at == len(text))
            if self._end in current:
                return True
            if at < len(text):
                current = self._stepped(current, text[at])
        return False

    def _stepped(self, states: Iterable[int], character: str) -> set[int]:
        tests = (self._tests[state] for state in states)
        return {test[1] for test in tests if test and test[0](character)}

    def _reached(self, states: set[int], at_begin: bool, at_end: bool) -> set[int]:
        seen, todo = set(states), list(states)
        while todo:
            for target, needs in self._free[todo.pop()]:
                open_ = not needs or (needs == "begin" and at_begin) or (needs == "end" and at_end)
                if open_ and target not in seen:
                    seen.add(target)
                    todo.append(target)
        return seen

    def _state(self, test: tuple[Test, int] | None = None, *free: tuple[int, str]) -> int:
        if len(self._tests) >= STATES:
            raise Refused(f"the pattern {self._pattern[:60]!r} is too large")
        self._tests.append(test)
        self._free.append(list(free))
        return len(self._tests) - 1

    def _sequence(self, items: Iterable[Any], after: int) -> int:
        for kind, value in reversed(list(items)):
            after = self._item(kind, value, after)
        return after

    def _item(self, kind: Any, value: Any, after: int) -> int:
        if kind in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
            return self._state((_test(kind, value, self._ignore_case), after))
        if kind is sre.BRANCH:
            return self._state(None, *((self._sequence(branch, after), "") for branch in value[1]))
        if kind is sre.SUBPATTERN:
            return self._sequence(value[3], after)
        if kind in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            return self._repeated(value[0], value[1], value[2], after)
        if kind is sre.AT and value in _AT_BEGINNING:
            return self._state(None, (after, "begin"))
        if kind is sre.AT and value in _AT_END:
            return self._state(None, (after, "end"))
        raise Refused(f"the pattern {self._pattern!r} looks back or ahead, which takes too long")

    def _repeated(self, least: int, most: Any, item: Any, after: int) -> int:
        if most is sre.MAXREPEAT:
            loop = self._state(None, (after, ""))
            self._free[loop].append((self._sequence(item, loop), ""))
            after = loop
        else:
            end = after
            for _ in range(int(most) - least):
                after = self._state(None, (self._sequence(item, after), ""), (end, ""))
        for _ in range(least):
            after = self._sequence(item, after)
        return after


def _test(kind: Any, value: Any, ignore_case: bool) -> Test:
    """Return whether a character passes one item of a pattern; Python's engine looks at the one character."""
    flags = re.DOTALL if kind is not sre.ANY else 0
    compiled = re.compile(_source(kind, value), flags | (re.IGNORECASE if ignore_case else 0))
    return lambda character: compiled.match(character) is not None


def _source(kind: Any, value: Any) -> str:
    if kind is sre.ANY:
        return "."
    if kind is sre.LITERAL:
        return re.escape(chr(value))
    if kind is sre.NOT_LITERAL:
        return f"[^{_in_set(chr(value))}]"
    return "[" + "".join(_part(*entry) for entry in value) + "]"


def _part(kind: Any, value: Any) -> str:
    if kind is sre.NEGATE:
        return "^"
    if kind is sre.RANGE:
        return f"{_in_set(chr(value[0]))}-{_in_set(chr(value[1]))}"
    return _CATEGORIES[value] if kind is sre.CATEGORY else _in_set(chr(value))


def _in_set(character: str) -> str:
    return f"\\{character}" if character in "\\]^-[&~|" else character
