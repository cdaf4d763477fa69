"""Parse expressions: the grammar of jinja2 and that of expr-lang, as one tree of jinja2's nodes.

Syntax without an equivalent in jinja2 becomes a filter of the sandbox: ``a contains b`` is
``a | contains(b)``. A closure such as ``# > 1`` in ``filter(list, # > 1)`` is parsed separately, and a name
replaces it in the expression. The same holds for the right side of ``??``, which is computed only if needed.
"""

from jinja2 import nodes
from jinja2.parser import Parser

from salt_o2.workflow.expressions.sandbox import FUNCTIONS, Sandbox
from salt_o2.workflow.expressions.tokens import Words
from salt_o2.workflow.expressions.values import Refused

RESERVED = "_o2_"
"""Prefix of names that are reserved for Salt O²."""
ITEM, INDEX, ACCUMULATED = f"{RESERVED}item", f"{RESERVED}index", f"{RESERVED}acc"
_HASHES = {"#": ITEM, "#index": INDEX, "#acc": ACCUMULATED}
_COMPARISONS = ("eq", "ne", "lt", "lteq", "gt", "gteq")
_WORDS = {"contains": "contains", "startsWith": "starts_with", "endsWith": "ends_with", "matches": "matches"}
PREDICATES = {
    "all",
    "any",
    "none",
    "one",
    "filter",
    "map",
    "count",
    "find",
    "findIndex",
    "findLast",
    "findLastIndex",
    "groupBy",
    "countBy",
    "sortBy",
    "sum",
    "reduce",
}
"""Functions that take a list and a closure."""


class ExpressionParser(Parser):
    """Parses one expression; ``closures`` are the trees of those in it, by the names that stand for them."""

    def __init__(self, environment: Sandbox, source: str) -> None:
        super().__init__(environment, "", state="variable")
        self.stream: Words = Words(source)
        self.closures: dict[str, nodes.Expr] = {}
        self.lets: set[str] = set()
        """Names that the expression itself defines."""
        self._depth = 0

    def parse_whole(self) -> nodes.Expr:
        """Return the tree of the expression.

        Raises:
            Refused: if something comes after it.
        """
        tree = self.parse_expression()
        if not self.stream.eos:
            raise Refused(f"{self.stream.current.value!r} is too much", self.stream.current.lineno)
        return tree

    def parse_expression(self, with_condexpr: bool = True) -> nodes.Expr:
        """``let name = value; expression``, or what jinja2 and expr-lang have in common."""
        if self.stream.current.test("name:let") and self.stream.look().test("name"):
            return self._let()
        return super().parse_expression(with_condexpr)

    def parse_condexpr(self) -> nodes.Expr:
        """``value if test else other``, ``test ? value : other``, ``value ?: other``."""
        at = self.stream.current.lineno
        tree = super().parse_condexpr()
        while self.stream.skip_if("question"):
            if self.stream.skip_if("colon"):
                tree = _filter(tree, "otherwise", self._closure(self.parse_expression()), at=at)
                continue
            value = self.parse_expression()
            self.stream.expect("colon")
            tree = nodes.CondExpr(tree, value, self.parse_expression(), lineno=at)
        return tree

    def parse_compare(self) -> nodes.Expr:
        """Comparisons, ``in``, and expr-lang's comparisons in words, each also with ``not`` before it."""
        at = self.stream.current.lineno
        tree = self._range()
        operands: list[nodes.Operand] = []
        while True:
            kind = self.stream.current.type
            if kind in _COMPARISONS:
                next(self.stream)
                operands.append(nodes.Operand(kind, self._range(), lineno=at))
            elif self._skip_word("in"):
                operands.append(nodes.Operand("in", self._range(), lineno=at))
            elif self._skip_words("not", "in"):
                operands.append(nodes.Operand("notin", self._range(), lineno=at))
            elif (word := self._comparison_word()) is not None:
                tree = nodes.Compare(tree, operands, lineno=at) if operands else tree
                operands = []
                tree = self._compared(tree, word, at)
            else:
                return nodes.Compare(tree, operands, lineno=at) if operands else tree

    def parse_unary(self, with_filter: bool = True) -> nodes.Expr:
        """``!x``, and ``x ?? y``, which binds more tightly than any other operator."""
        at = self.stream.current.lineno
        tree: nodes.Expr
        if self.stream.skip_if("bang"):
            tree = nodes.Not(self.parse_unary(False), lineno=at)
            return self.parse_filter_expr(tree) if with_filter else tree
        tree = super().parse_unary(False)
        while self.stream.skip_if("coalesce"):
            tree = _filter(tree, "coalesce", self._closure(self.parse_unary(False)), at=at)
        return self.parse_filter_expr(tree) if with_filter else tree

    def parse_pow(self) -> nodes.Expr:
        """``a ** b ** c`` is ``a ** (b ** c)``, as in expr-lang and unlike jinja2."""
        tree = self.parse_unary()
        if self.stream.current.type == "pow":
            at = next(self.stream).lineno
            return nodes.Pow(tree, self.parse_pow(), lineno=at)
        return tree

    def parse_primary(self, with_namespace: bool = False) -> nodes.Expr:
        """A literal, a name, ``#``, ``.name``, or a function that takes a closure."""
        current = self.stream.current
        if current.type == "dot" and self.stream.look().test("name"):
            return self._dotted()
        if current.test("name:up") and self.stream.look().type == "integer":
            return self._up()
        if current.type == "hash":
            return self._hash()
        if current.test("name:nil"):
            next(self.stream)
            return nodes.Const(None, lineno=current.lineno)
        if current.type == "name" and current.value in PREDICATES and self.stream.look().type == "lparen":
            next(self.stream), next(self.stream)
            first = self.parse_expression()
            return self._predicate(current.value, first, current.lineno)
        return super().parse_primary(with_namespace)

    def parse_dict(self) -> nodes.Dict:
        """``{key: value}``: a bare name is the text of a key, an expression in brackets is computed."""
        at = self.stream.expect("lbrace").lineno
        items: list[nodes.Pair] = []
        while not self.stream.skip_if("rbrace"):
            if items:
                self.stream.expect("comma")
                if self.stream.skip_if("rbrace"):
                    break
            key = self._key()
            self.stream.expect("colon")
            items.append(nodes.Pair(key, self.parse_expression(), lineno=key.lineno))
        return nodes.Dict(items, lineno=at)

    def parse_postfix(self, node: nodes.Expr) -> nodes.Expr:
        """``x.name``, ``x[...]``, ``x(...)``, and ``x?.name``, which is nothing where x is."""
        node = super().parse_postfix(node)
        while self.stream.skip_if("optional"):
            if self.stream.skip_if("lbracket"):
                key = self.parse_expression()
                self.stream.expect("rbracket")
            else:
                token = self.stream.expect("name")
                key = nodes.Const(token.value, lineno=token.lineno)
            node = super().parse_postfix(_filter(node, "member", key, at=node.lineno))
        return node

    def parse_filter(self, node: nodes.Expr | None, start_inline: bool = False) -> nodes.Expr | None:
        """``x | name(...)``: a filter, or else a function whose first argument is x."""
        while node is not None and self.stream.current.type == "pipe":
            name, after = self.stream.look(), None
            if name.type == "name" and name.value in PREDICATES:
                after = self._piped_predicate(node)
            elif (
                name.type == "name" and name.value not in self.environment.filters and name.value in FUNCTIONS
            ):
                after = self._piped_function(node)
            if after is None:
                return super().parse_filter(node, start_inline)
            node = after
        return node

    def _piped_predicate(self, node: nodes.Expr) -> nodes.Expr | None:
        """Return the call of a function with a closure; ``None`` if it is jinja2's filter of that name."""
        name, bracket, after = (self.stream.look(ahead) for ahead in (1, 2, 3))
        if bracket.type != "lparen" or after.type not in ("lbrace", "hash", "dot", "bang"):
            return None
        self.stream.skip(3)
        return self._predicate(name.value, node, name.lineno, first=True)

    def _piped_function(self, node: nodes.Expr) -> nodes.Expr:
        next(self.stream)
        name = next(self.stream)
        function = nodes.Name(name.value, "load", lineno=name.lineno)
        arguments: list[nodes.Expr] = []
        if self.stream.current.type == "lparen":
            arguments = self.parse_call_args()[0]
        return nodes.Call(function, [node, *arguments], [], None, None, lineno=name.lineno)

    def _predicate(self, name: str, over: nodes.Expr, at: int, first: bool = False) -> nodes.Expr:
        """Return the call of ``name``, from after its first argument (or, piped, its bracket) to its end."""
        arguments: list[nodes.Expr] = []
        if first or self.stream.skip_if("comma"):
            arguments.append(self._closure(self._closure_body()))
            while self.stream.skip_if("comma"):
                arguments.append(self.parse_expression())
        self.stream.expect("rparen")
        return _filter(over, f"{RESERVED}{name}", *arguments, at=at)

    def _closure_body(self) -> nodes.Expr:
        self._depth += 1
        braces = self.stream.skip_if("lbrace")
        body = self.parse_expression()
        if braces:
            self.stream.expect("rbrace")
        self._depth -= 1
        return body

    def _closure(self, body: nodes.Expr) -> nodes.Name:
        name = f"{RESERVED}closure_{len(self.closures)}"
        self.closures[name] = body
        return nodes.Name(name, "load", lineno=body.lineno)

    def _let(self) -> nodes.Expr:
        at = next(self.stream).lineno
        name = self.stream.expect("name").value
        self.lets.add(name)
        self.stream.expect("assign")
        value = self.parse_expression()
        self.stream.expect("semicolon")
        body = self._closure(self.parse_expression())
        return _filter(value, "let", nodes.Const(name), body, at=at)

    def _dotted(self) -> nodes.Expr:
        dot = next(self.stream)
        name = next(self.stream)
        if self._depth:
            item = nodes.Name(ITEM, "load", lineno=dot.lineno)
            return nodes.Getattr(item, name.value, "load", lineno=name.lineno)
        return nodes.Name(name.value, "load", lineno=name.lineno)

    def _up(self) -> nodes.Expr:
        """``up 2`` as templates of 2019 have it, for ``Up(2)``."""
        at = next(self.stream).lineno
        levels = next(self.stream)
        function = nodes.Name("Up", "load", lineno=at)
        return nodes.Call(function, [nodes.Const(levels.value, lineno=at)], [], None, None, lineno=at)

    def _hash(self) -> nodes.Expr:
        token = next(self.stream)
        if not self._depth:
            what = f"{token.value} means something only in a closure, as in filter(list, # > 1)"
            raise Refused(what, token.lineno)
        return nodes.Name(_HASHES[token.value], "load", lineno=token.lineno)

    def _key(self) -> nodes.Expr:
        if self.stream.current.type == "name" and self.stream.look().type == "colon":
            token = next(self.stream)
            return nodes.Const(token.value, lineno=token.lineno)
        return self.parse_expression()

    def _range(self) -> nodes.Expr:
        tree = self.parse_math1()
        if self.stream.skip_if("dotdot"):
            return _filter(tree, "up_to", self.parse_math1(), at=tree.lineno)
        return tree

    def _comparison_word(self) -> tuple[str, bool] | None:
        for word, name in _WORDS.items():
            if self._skip_word(word):
                return name, True
            if self._skip_words("not", word):
                return name, False
        return None

    def _compared(self, tree: nodes.Expr, word: tuple[str, bool], at: int) -> nodes.Expr:
        name, positive = word
        found = _filter(tree, name, self._range(), at=at)
        return found if positive else nodes.Not(found, lineno=at)

    def _skip_word(self, word: str) -> bool:
        return self.stream.skip_if(f"name:{word}")

    def _skip_words(self, first: str, second: str) -> bool:
        if self.stream.current.test(f"name:{first}") and self.stream.look().test(f"name:{second}"):
            self.stream.skip(2)
            return True
        return False


def _filter(node: nodes.Expr, name: str, *arguments: nodes.Expr, at: int) -> nodes.Filter:
    return nodes.Filter(node, name, list(arguments), [], None, None, lineno=at)
