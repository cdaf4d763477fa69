"""Split expressions into tokens: those of jinja2 and of expr-lang, in the alphabet of jinja2's parser.

Every token has the place of its first character where jinja2 has the line number: expressions have one line,
and errors must mark the faulty word.
"""

import re
from collections.abc import Iterator

from jinja2.lexer import TOKEN_EOF, Token, TokenStream

from salt_o2.workflow.expressions.values import Refused

_OPERATORS = {
    "+": "add",
    "-": "sub",
    "/": "div",
    "//": "floordiv",
    "*": "mul",
    "%": "mod",
    "**": "pow",
    "^": "pow",
    "~": "tilde",
    "[": "lbracket",
    "]": "rbracket",
    "(": "lparen",
    ")": "rparen",
    "{": "lbrace",
    "}": "rbrace",
    "==": "eq",
    "!=": "ne",
    ">": "gt",
    ">=": "gteq",
    "<": "lt",
    "<=": "lteq",
    "=": "assign",
    ".": "dot",
    ":": "colon",
    "|": "pipe",
    ",": "comma",
    ";": "semicolon",
    "?": "question",
    "??": "coalesce",
    "?.": "optional",
    "!": "bang",
    "..": "dotdot",
}
_WORDS = {"&&": "and", "||": "or"}
_LONGEST_FIRST = sorted([*_OPERATORS, *_WORDS], key=len, reverse=True)
_TOKEN = re.compile(
    r"""
      (?P<blank>\s+|/\*.*?\*/)
    | (?P<float>\d[\d_]*(?:\.\d[\d_]*(?:[eE][+-]?\d+)?|[eE][+-]?\d+))
    | (?P<integer>0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|\d[\d_]*)
    | (?P<name>[^\W\d]\w*)
    | (?P<hash>\#(?:index|acc)?)
    | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)
    | (?P<operator>"""
    + "|".join(map(re.escape, _LONGEST_FIRST))
    + ")",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "a": "\a", "0": "\0"}


def tokens(source: str) -> Iterator[Token]:
    """Return the tokens of ``source``.

    Raises:
        Refused: at a character that begins no word.
    """
    at = 0
    while at < len(source):
        found = _TOKEN.match(source, at)
        if found is None:
            unclosed = source[at] in "'\"`"
            what = (
                f"the text after {source[at]} is not closed" if unclosed else f"{source[at]!r} has no meaning"
            )
            raise Refused(what, at)
        kind = str(found.lastgroup)
        if kind != "blank":
            yield _token(kind, found.group(), at)
        at = found.end()


class Words(TokenStream):
    """A token stream with unlimited lookahead, which jinja2's own stream does not offer."""

    def __init__(self, source: str) -> None:
        self._words = list(tokens(source))
        self._end = Token(len(source), TOKEN_EOF, "")
        self._next = 0
        super().__init__((), None, None)
        self._next = 0  # The constructor has advanced already.
        self.current = self.look(0)

    def look(self, ahead: int = 1) -> Token:
        """Return a token after the current one, without going there."""
        at = self._next + ahead
        return self._words[at] if at < len(self._words) else self._end

    def __next__(self) -> Token:
        """Go one token ahead and return the one before."""
        before = self.current
        self._next += 1
        self.current = self.look(0)
        return before


def spelled(source: str, at: int) -> str:
    """Return the token of ``source`` that begins at ``at``; nothing at its end."""
    found = _TOKEN.match(source, at)
    return found.group() if found else source[at : at + 1]


def _token(kind: str, text: str, at: int) -> Token:
    match kind:
        case "operator" if text in _WORDS:
            return Token(at, "name", _WORDS[text])
        case "operator":
            return Token(at, _OPERATORS[text], text)
        case "integer":
            return Token(at, kind, _integer(text))
        case "float":
            return Token(at, kind, float(text.replace("_", "")))  # type: ignore[arg-type]
        case "string":
            return Token(at, kind, text[1:-1] if text[0] == "`" else _ESCAPE.sub(_unescaped, text[1:-1]))
    return Token(at, kind, text)


def _integer(text: str) -> str:
    bare = text.replace("_", "")
    base = {"x": 16, "b": 2, "o": 8}.get(bare[1:2].lower(), 10)
    try:
        return int(bare, base)  # type: ignore[return-value]
    except ValueError:
        raise Refused(f"a number of {len(bare)} digits") from None  # This is more than Python converts.


def _unescaped(found: "re.Match[str]") -> str:
    escape = found.group(1)
    if len(escape) > 1:
        return chr(int(escape[1:], 16))
    return _ESCAPES.get(escape, escape)
