"""An expression between ``{{`` and ``}}``: compiled once for each text, evaluated for each role.

The language is jinja2's expression language with what templates need where every value is text: text that
spells a number or a boolean compares and computes as one; the text ``false`` is false; ``.it`` is the
variable ``it``. An unknown name is an error, unless the expression itself asks whether it is there (``is
defined``, ``| default(...)``).
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from operator import is_
from typing import Any, Protocol

from jinja2 import nodes
from jinja2.exceptions import TemplateError as JinjaError
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.utils import missing
from jinja2.visitor import NodeTransformer

from salt_o2.workflow.limits import EXPRESSION
from salt_o2.workflow.sandbox import FUNCTIONS, Sandbox
from salt_o2.workflow.values import Refused, bounded

MISSING = object()
_RESULT = "_o2_result_"
_ASKING = {"defined", "undefined", "default", "d"}


class Names(Protocol):
    """Where an expression finds its names."""

    def find(self, name: str) -> Any:
        """Return the value of ``name``, or MISSING."""

    def names(self) -> Iterable[str]:
        """Return all names there are, for advice."""


class UnknownVariable(Refused):
    """An expression uses a name that nobody defined."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"unknown variable {name}")


class Expression:
    """One compiled expression; ``required`` are the names it cannot do without.

    It remembers its last value: the roles of an iterator mostly ask for the same again.
    """

    __slots__ = ("_last", "_names", "_pure", "_root", "_simple", "required", "source")

    def __init__(self, source: str) -> None:
        self.source = source.strip()
        tree = _parse(self.source)
        used = {name.name for name in _names(tree)}
        self.required = frozenset(used - set(_optional(tree)))
        self._names = tuple(sorted(used))
        self._simple = tree.name if isinstance(tree, nodes.Name) else None
        self._pure = not isinstance(tree, nodes.Call) and tree.find(nodes.Call) is None
        self._root = _compile(tree)
        self._last: tuple[list[Any], Any] = ([], MISSING)

    def value(self, names: Names) -> Any:
        """Return what the expression comes to where ``names`` holds.

        Raises:
            UnknownVariable: if a required name is not there.
            Refused: if it cannot be computed.
        """
        if self._simple:
            return self._find(names, self._simple)
        given = [self._find(names, name) for name in self._names]
        known, value = self._last
        if self._pure and value is not MISSING and all(map(is_, given, known)):
            return value
        value = self._computed(dict(zip(self._names, given, strict=True)))
        self._last = (given, value)
        return value

    def _find(self, names: Names, name: str) -> Any:
        value = names.find(name)
        if value is not MISSING:
            return value
        if name in FUNCTIONS:
            return FUNCTIONS[name]
        if name in self.required:
            raise UnknownVariable(name)
        return missing

    def _computed(self, values: dict[str, Any]) -> Any:
        try:
            context = Context(_SANDBOX, values, None, {})
            for _ in self._root(context):
                pass
            return bounded(context.vars[_RESULT])
        except Refused:
            raise
        except (JinjaError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise Refused(str(error) or type(error).__name__) from error
        except (RecursionError, MemoryError) as error:
            raise Refused("too deep or too large") from error


@lru_cache(maxsize=20_000)
def expression(source: str) -> Expression:
    """Return the compiled expression of ``source``, from now on without compiling it again.

    Raises:
        Refused: if it is not an expression.
    """
    if len(source) > EXPRESSION:
        raise Refused(f"an expression of more than {EXPRESSION:,} characters")
    try:
        return Expression(source)
    except JinjaError as error:
        raise Refused(f"{{{{{source}}}}} is not an expression: {error.message}") from error
    except (RecursionError, MemoryError, SyntaxError, ValueError, OverflowError) as error:
        if isinstance(error, Refused):
            raise
        raise Refused("an expression nested too deeply") from error


class _Parser(Parser):
    """jinja2's parser, which also takes ``.name`` for ``name``, as templates of 2018 write it."""

    def parse_primary(self, with_namespace: bool = False) -> nodes.Expr:
        if self.stream.current.test("dot") and self.stream.look().test("name"):
            next(self.stream)
        return super().parse_primary(with_namespace)


class _Meaning(NodeTransformer):
    """Gives operators the meaning that templates expect where all values are text."""

    def visit_CondExpr(self, node: nodes.CondExpr) -> nodes.Node:
        self.generic_visit(node)
        node.test = _filtered(node.test, "truth")
        return node

    def visit_Not(self, node: nodes.Not) -> nodes.Node:
        self.generic_visit(node)
        node.node = _filtered(node.node, "truth")
        return node

    def visit_And(self, node: nodes.And) -> nodes.Node:
        self.generic_visit(node)
        node.left, node.right = _filtered(node.left, "truth"), _filtered(node.right, "truth")
        return node

    def visit_Or(self, node: nodes.Or) -> nodes.Node:
        self.generic_visit(node)
        node.left, node.right = _filtered(node.left, "truth"), _filtered(node.right, "truth")
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        sides = [node.expr, *(operand.expr for operand in node.ops if operand.op not in ("in", "notin"))]
        kinds = {type(side.value) for side in sides if isinstance(side, nodes.Const)}
        like = "like_boolean" if bool in kinds else "like_number" if kinds & {int, float} else None
        if like and len(sides) == len(node.ops) + 1:
            node.expr = _filtered(node.expr, like)
            for operand in node.ops:
                operand.expr = _filtered(operand.expr, like)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes), "join")


def _filtered(node: nodes.Expr, name: str) -> nodes.Expr:
    return nodes.Filter(node, name, [], [], None, None)


def _parse(source: str) -> nodes.Expr:
    parser = _Parser(_SANDBOX, source, state="variable")
    tree = parser.parse_expression()
    if not parser.stream.eos:
        raise Refused(f"{{{{ {source} }}}} is not an expression: {parser.stream.current.value!r} is too much")
    return tree


def _compile(tree: nodes.Expr) -> Callable[[Context], Iterator[Any]]:
    meant: nodes.Expr = _Meaning().visit(tree)
    body = nodes.Template([nodes.Assign(nodes.Name(_RESULT, "store"), meant, lineno=1)], lineno=1)
    if any(name.name in (_RESULT, "self") for name in _names(meant)):
        raise Refused("self is not a variable")  # jinja2 gives the word a meaning of its own
    body.set_environment(_SANDBOX)
    return _SANDBOX.from_string(body).root_render_func


def _names(tree: nodes.Node) -> Iterator[nodes.Name]:
    if isinstance(tree, nodes.Name):
        yield tree
    yield from tree.find_all(nodes.Name)


def _optional(tree: nodes.Node) -> Iterator[str]:
    """Find the names that the expression itself asks about."""
    for node in [tree, *tree.find_all((nodes.Test, nodes.Filter))]:
        asked = _asked(node)
        if isinstance(asked, nodes.Name):
            yield asked.name


def _asked(node: nodes.Node) -> nodes.Node | None:
    if isinstance(node, nodes.Test):
        return node.node if node.name in _ASKING else None
    return node.node if isinstance(node, nodes.Filter) and node.name in _ASKING else None


_SANDBOX = Sandbox()
