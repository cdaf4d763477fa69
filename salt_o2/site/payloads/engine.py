"""Compile a payload, and render it."""

from salt_o2.site.payloads.context import Context
from salt_o2.site.payloads.document import Node
from salt_o2.site.payloads.expressions import Reader
from salt_o2.site.payloads.filters import escape
from salt_o2.site.payloads.lexer import NAME, SYMBOL, TEXT, Fault, Token, tokens
from salt_o2.site.payloads.tags import TAGS
from salt_o2.site.payloads.values import Safe, text
from salt_o2.workflow.expressions.values import Refused
from salt_o2.workflow.problems import nearest


class Payload:
    """A compiled payload, the macros that it exports, and its blocks."""

    def __init__(self, source: str) -> None:
        """Compile ``source``.

        Raises:
            Fault: with its line, if it is no payload.
        """
        self.macros: dict[str, object] = {}
        document = _Document(tokens(source), self.macros)
        self._body: Node = document.whole()
        self.blocks = document.blocks
        self.base = document.base
        """The payload that this one extends; empty for none."""

    def render(self, at: Context) -> None:
        """Write this payload, or the one that it extends with the blocks of this one."""
        at.blocks = [self.blocks]
        root = self
        while root.base:
            root = at.load(root.base)
            at.blocks.insert(0, root.blocks)
        root._body(at)


class _Document:
    """The tokens of a payload, read from the top."""

    def __init__(self, found: list[Token], macros: dict[str, object]) -> None:
        self._tokens = found
        self._at = 0
        self.macros = macros
        self.blocks: dict[str, Node] = {}
        self.base = ""
        self.depth = 0

    def whole(self) -> Node:
        nodes: list[Node] = []
        while self._at < len(self._tokens):
            nodes.append(self._node())
        return _all(nodes)

    def until(self, *names: str) -> tuple[Node, str, Reader]:
        nodes: list[Node] = []
        self.depth += 1
        while self._at < len(self._tokens):
            tag = self._tag_here()
            if tag in names:
                self.depth -= 1
                return _all(nodes), tag, self._inside("%}", skip=2)
            nodes.append(self._node())
        raise Fault(f"{' or '.join(names)} expected", self._tokens[-1].line if self._tokens else 1)

    def skip_until(self, name: str) -> None:
        while self._at < len(self._tokens):
            if self._tag_here() == name:
                self._inside("%}", skip=2)
                return
            self._at += 1
        raise Fault(f"{name} expected", self._tokens[-1].line)

    def _tag_here(self) -> str:
        here, after = self._tokens[self._at], self._tokens[self._at + 1 : self._at + 2]
        opens = here.kind == SYMBOL and here.text == "{%"
        return after[0].text if opens and after and after[0].kind == NAME else ""

    def _inside(self, closing: str, skip: int) -> Reader:
        """Return the tokens before ``closing``, and go behind it."""
        begin = self._at + skip
        line = self._tokens[self._at].line
        end = begin
        while end < len(self._tokens) and self._tokens[end] != Token(SYMBOL, closing, line):
            end += 1
        self._at = end + 1
        return Reader(self._tokens[begin:end], line)

    def _node(self) -> Node:
        token = self._tokens[self._at]
        if token.kind == TEXT:
            self._at += 1
            written = token.text
            return lambda at: at.output.write(written)
        if token.text == "{{":
            return self._variable()
        name = self._tag_here()
        if name not in TAGS:
            raise Fault(f"no tag {name}{nearest(name, TAGS)}" if name else "a tag has no name", token.line)
        arguments = self._inside("%}", skip=2)
        return _placed(TAGS[name](self, arguments), token.line)

    def _variable(self) -> Node:
        arguments = self._inside("}}", skip=1)
        found = arguments.expression()
        arguments.finish()

        def render(at: Context) -> None:
            value = found.value(at)
            escapes = at.escapes and not found.is_safe and isinstance(value, str)
            at.output.write(escape(value) if escapes and not isinstance(value, Safe) else text(value))

        return _placed(render, arguments.line)


def _all(nodes: list[Node]) -> Node:
    def render(at: Context) -> None:
        for node in nodes:
            node(at)

    return render


def _placed(node: Node, line: int) -> Node:
    """Return ``node``; a fault of it has the line."""

    def render(at: Context) -> None:
        try:
            node(at)
        except Fault:
            raise
        except Refused as error:
            raise Fault(str(error), line) from error

    return render
