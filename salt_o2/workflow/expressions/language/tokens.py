"""Split the text of an expression into tokens, as expr-lang's language definition (v1.17) has them."""

from dataclasses import dataclass
from enum import Enum, auto

from salt_o2.workflow.expressions.values import Refused


class Kind(Enum):
    """The kinds of tokens."""

    NAME = auto()
    OPERATOR = auto()
    """An operator, which may be a word."""
    BRACKET = auto()
    NUMBER = auto()
    TEXT = auto()
    END = auto()


WORDS = frozenset(
    {"not", "in", "or", "and", "matches", "contains", "startsWith", "endsWith", "let", "if", "else"}
)
"""Operators that are words; after a dot they are names."""
_BRACKETS = "([{)]}"
_SINGLE = ",;%+-^"
_DOUBLE = "&!=*<>"
_DIGITS = "0123456789_"
_BASES = {
    "x": "0123456789abcdefABCDEF_",
    "o": "01234567_",
    "b": "01_",
}
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_HEX = {"x": 2, "u": 4, "U": 8}
_LAST_CODE_POINT = 0x10FFFF
_MOST_DIGITS = 6
"""Hexadecimal digits of ``\\u{...}``."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token: its text (of a text literal: its value), and its place."""

    kind: Kind
    text: str
    begin: int
    end: int

    def is_operator(self, *texts: str) -> bool:
        """Return whether it is one of these operators."""
        return self.kind is Kind.OPERATOR and (not texts or self.text in texts)

    def is_bracket(self, text: str) -> bool:
        """Return whether it is this bracket."""
        return self.kind is Kind.BRACKET and self.text == text


def tokens(source: str) -> list[Token]:
    """Return the tokens of ``source``; the last one is its end.

    Raises:
        Refused: at a character that begins no token.
    """
    return _Lexer(source).run()


def is_name(text: str) -> bool:
    """Return whether ``text`` can be a name."""
    return bool(text) and _begins_name(text[0]) and all(map(_continues_name, text))


class _Lexer:
    """One pass over the source; ``at`` is the next character."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.found: list[Token] = []

    def run(self) -> list[Token]:
        while self.at < len(self.source):
            self._read_one(self.source[self.at])
        self.found.append(Token(Kind.END, "", len(self.source), len(self.source)))
        return self.found

    def _read_one(self, character: str) -> None:
        following = self.source[self.at + 1 : self.at + 2]
        if character.isspace():
            self.at += 1
        elif character in "'\"":
            self._read_text(character)
        elif character == "`":
            self._read_raw_text()
        elif character in "0123456789" or (character == "." and following in set("0123456789")):
            self._read_number()
        elif character == "/" and following == "/":
            end = self.source.find("\n", self.at)
            self.at = len(self.source) if end < 0 else end + 1
        elif character == "/" and following == "*":
            self._skip_remark()
        elif character in _BRACKETS:
            self._add(Kind.BRACKET, 1)
        elif character in _SINGLE or character == "/":
            self._add(Kind.OPERATOR, 1)
        elif character in _DOUBLE:
            self._add(Kind.OPERATOR, 2 if following and following in "&=*" else 1)
        elif character in "?|:.#":
            pairs = {"?": ".?", "|": "|", ":": ":", ".": ".", "#": "#"}[character]
            self._add(Kind.OPERATOR, 2 if following and following in pairs else 1)
        elif _continues_name(character):
            self._read_name()
        else:
            hint = ": write + between texts" if character == "~" else ""
            raise Refused(f"{character!r} has no meaning{hint}", self.at)

    def _add(self, kind: Kind, length: int, text: str | None = None) -> None:
        begin, end = self.at, self.at + length
        self.found.append(Token(kind, self.source[begin:end] if text is None else text, begin, end))
        self.at = end

    def _read_name(self) -> None:
        end = self.at
        while end < len(self.source) and _continues_name(self.source[end]):
            end += 1
        word = self.source[self.at : end]
        self._add(Kind.OPERATOR if word in WORDS else Kind.NAME, len(word))

    def _read_number(self) -> None:
        source, end = self.source, self.at
        digits = _DIGITS
        if source[end] == "0" and source[end + 1 : end + 2].lower() in ("x", "o", "b"):
            digits = _BASES[source[end + 1].lower()]
            end += 2
        end = self._past(end, digits)
        if source[end : end + 1] == "." and source[end + 1 : end + 2] != ".":
            end = self._past(end + 1, digits)
        if source[end : end + 1] in ("e", "E"):
            end += 1
            end += source[end : end + 1] in ("+", "-")
            end = self._past(end, digits)
        if end < len(source) and _continues_name(source[end]):
            raise Refused(f"{source[self.at : end + 1]!r} is no number", self.at)
        self._add(Kind.NUMBER, end - self.at)

    def _past(self, at: int, digits: str) -> int:
        while at < len(self.source) and self.source[at] in digits:
            at += 1
        return at

    def _skip_remark(self) -> None:
        end = self.source.find("*/", self.at + 2)
        if end < 0:
            raise Refused("the comment after /* is not closed", self.at)
        self.at = end + 2

    def _read_text(self, quote: str) -> None:
        begin, at = self.at, self.at + 1
        parts: list[str] = []
        while True:
            if at >= len(self.source) or self.source[at] == "\n":
                raise Refused(f"the text after {quote} is not closed", begin)
            character = self.source[at]
            if character == quote:
                break
            if character == "\\":
                value, at = self._unescaped(at + 1, quote)
                parts.append(value)
                continue
            parts.append("\n" if character == "\r" else character)
            at += 1
        self._add(Kind.TEXT, at + 1 - begin, "".join(parts))

    def _unescaped(self, at: int, quote: str) -> tuple[str, int]:
        """Return the character of the escape after the backslash before ``at``, and where it ends."""
        escape = self.source[at : at + 1]
        if escape == quote:
            return quote, at + 1
        if escape in _ESCAPES:
            return _ESCAPES[escape], at + 1
        if self.source.startswith("u{", at):
            digits = self.source[at + 2 : max(self.source.find("}", at), at + 2)]
            if not 1 <= len(digits) <= _MOST_DIGITS:
                raise self._bad_escape(at)
            return self._character(digits, 16, at), at + 3 + len(digits)
        if escape in _HEX:
            count = _HEX[escape]
            return self._character(self.source[at + 1 : at + 1 + count], 16, at, count), at + 1 + count
        if escape and escape in "0123":
            return self._character(self.source[at : at + 3], 8, at, 3), at + 3
        raise self._bad_escape(at)

    def _character(self, digits: str, base: int, at: int, count: int = 1) -> str:
        allowed = "0123456789abcdefABCDEF" if base == 16 else "01234567"
        if len(digits) < count or not all(digit in allowed for digit in digits):
            raise self._bad_escape(at)
        code = int(digits, base)
        if code > _LAST_CODE_POINT:
            raise self._bad_escape(at)
        return "\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code)

    def _bad_escape(self, at: int) -> Refused:
        shown = self.source[at - 1 : at + 1]
        return Refused(
            f"{shown} is no escape: write \\\\ for a backslash, or the text between backquotes", at - 1
        )

    def _read_raw_text(self) -> None:
        at = self.at + 1
        while True:
            end = self.source.find("`", at)
            if end < 0:
                raise Refused("the text after ` is not closed", self.at)
            if self.source[end + 1 : end + 2] != "`":
                break
            at = end + 2
        value = self.source[self.at + 1 : end].replace("``", "`")
        self._add(Kind.TEXT, end + 1 - self.at, value)


def _begins_name(character: str) -> bool:
    return character.isalpha() or character in "_$"


def _continues_name(character: str) -> bool:
    return character.isalpha() or character in "_$" or character.isdecimal()
