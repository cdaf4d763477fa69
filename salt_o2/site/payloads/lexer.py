"""Split a payload into text, expressions ``{{ }}`` and tags ``{% %}``, as pongo2 v6 does."""

from dataclasses import dataclass

from salt_o2.workflow.expressions.values import Refused

TEXT, NAME, KEYWORD, NUMBER, STRING, SYMBOL = "text", "name", "keyword", "number", "string", "symbol"
KEYWORDS = frozenset(("in", "and", "or", "not", "true", "false", "as", "export"))
_SYMBOLS = (
    *("==", ">=", "<=", "&&", "||", "!=", "<>"),
    *("(", ")", "+", "-", "*", "<", ">", "/", "^", ",", ".", "!", "|", ":", "=", "%", "[", "]"),
)
_OPENINGS = {"{{": "}}", "{%": "%}"}
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
_DIGITS = "0123456789"
_VERBATIM, _END_VERBATIM = "{% verbatim %}", "{% endverbatim %}"


class Fault(Refused):
    """A payload that cannot be rendered, with the line of the fault."""

    def __init__(self, what: str, line: int) -> None:
        """Set the message and the line."""
        super().__init__(what)
        self.line = line


@dataclass(frozen=True, slots=True)
class Token:
    """One token with its line."""

    kind: str
    text: str
    line: int


def tokens(source: str) -> list[Token]:
    """Return the tokens of ``source``.

    Raises:
        Fault: if a comment, a tag or a text in quotes is not closed.
    """
    return _Lexer(source).run()


class _Lexer:
    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._found: list[Token] = []
        self._trim = False
        """Whether blanks at the begin of the next text are dropped, after ``-}}`` or ``-%}``."""

    def run(self) -> list[Token]:
        while self._at < len(self._source):
            begin = self._next_opening()
            self._add_text(self._source[self._at : begin], self._source[begin + 2 : begin + 3] == "-")
            self._at = begin
            if begin == len(self._source):
                break
            if self._source.startswith("{#", begin):
                self._skip_remark()
            elif self._source.startswith(_VERBATIM, begin):
                self._read_verbatim()
            else:
                self._read_inside(_OPENINGS[self._source[begin : begin + 2]])
        return self._found

    def _next_opening(self) -> int:
        places = [self._source.find(opening, self._at) for opening in ("{{", "{%", "{#")]
        return min([place for place in places if place >= 0], default=len(self._source))

    def _line(self, at: int) -> int:
        return self._source.count("\n", 0, at) + 1

    def _add_text(self, text: str, trim_end: bool) -> None:
        line = self._line(self._at)
        text = text.lstrip(" \n\r\t") if self._trim else text
        self._trim = False
        text = text.rstrip(" \n\r\t") if trim_end else text
        if text:
            self._found.append(Token(TEXT, text, line))

    def _skip_remark(self) -> None:
        end = self._source.find("#}", self._at)
        line = self._source.find("\n", self._at)
        if end < 0 or 0 <= line < end:
            raise Fault("the comment after {# is not closed in its line", self._line(self._at))
        self._at = end + 2

    def _read_verbatim(self) -> None:
        begin = self._at + len(_VERBATIM)
        end = self._source.find(_END_VERBATIM, begin)
        if end < 0:
            raise Fault("{% verbatim %} has no {% endverbatim %}", self._line(self._at))
        self._found.append(Token(TEXT, self._source[begin:end], self._line(begin)))
        self._at = end + len(_END_VERBATIM)

    def _read_inside(self, closing: str) -> None:
        source, line = self._source, self._line(self._at)
        self._found.append(Token(SYMBOL, source[self._at : self._at + 2], line))
        self._at += 2 + source.startswith("-", self._at + 2)
        while self._at < len(source):
            character = source[self._at]
            if source.startswith("-" + closing, self._at) or source.startswith(closing, self._at):
                self._trim = character == "-"
                self._found.append(Token(SYMBOL, closing, line))
                self._at += 2 + self._trim
                return
            if character == "\n":
                raise Fault(f"a line break before {closing}", line)
            if character in " \r\t":
                self._at += 1
            else:
                self._read_token(character, line)
        raise Fault(f"{closing} expected", line)

    def _read_token(self, character: str, line: int) -> None:
        if character in _LETTERS + _DIGITS:
            end = self._past(self._at, _DIGITS)
            number = end > self._at and self._source[end : end + 1] not in set(_LETTERS)
            end = end if number else self._past(self._at, _LETTERS + _DIGITS)
            word = self._source[self._at : end]
            kind = NUMBER if number else KEYWORD if word in KEYWORDS else NAME
            self._found.append(Token(kind, word, line))
            self._at = end
        elif character in "\"'":
            self._read_string(character, line)
        else:
            symbol = next((each for each in _SYMBOLS if self._source.startswith(each, self._at)), None)
            if symbol is None:
                raise Fault(f"{character!r} has no meaning", line)
            self._found.append(Token(SYMBOL, symbol, line))
            self._at += len(symbol)

    def _past(self, at: int, characters: str) -> int:
        while at < len(self._source) and self._source[at] in characters:
            at += 1
        return at

    def _read_string(self, quote: str, line: int) -> None:
        at, parts = self._at + 1, ""
        while True:
            character = self._source[at : at + 1]
            if character in ("", "\n"):
                raise Fault(f"the text after {quote} is not closed", line)
            if character == quote:
                break
            if character == "\\":
                at += 1
                character = self._source[at : at + 1]
                if character not in ('"', "\\"):
                    raise Fault(f"\\{character} is no escape", line)
            parts += character
            at += 1
        self._found.append(Token(STRING, parts, line))
        self._at = at + 1
