"""Compile and evaluate expressions between ``{{`` and ``}}``: one compilation per text, one value per role.

The language is that of the original, expr-lang, and jinja2's, with additions for values that are all text
(grammar.py): text that spells a number or a boolean compares and computes as one; the text ``false`` is
false; ``.it`` is the variable ``it``. An unknown name is an error, unless the expression itself tests whether
it exists (``is defined``, ``| default(...)``, ``??``).
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from operator import is_
from typing import Any, Protocol

from jinja2 import nodes
from jinja2.exceptions import TemplateError as JinjaError
from jinja2.exceptions import TemplateSyntaxError
from jinja2.runtime import Context
from jinja2.utils import missing

from salt_o2.workflow.expressions.evaluation_budget import begin, charged, spend
from salt_o2.workflow.expressions.grammar import ACCUMULATED, INDEX, ITEM, RESERVED, ExpressionParser
from salt_o2.workflow.expressions.sandbox import FUNCTIONS, Sandbox
from salt_o2.workflow.expressions.semantics import Semantics
from salt_o2.workflow.expressions.tokens import spelled
from salt_o2.workflow.expressions.values import Open, Refused, bounded
from salt_o2.workflow.limits import EXPRESSION, ITERATIONS

MISSING = object()
_RESULT = "_o2_result_"
_ASKING = {"defined", "undefined", "default", "d", "coalesce"}
_EXPLAINED = 2_000
"""Characters of an expression within which the place of a fault is searched."""


class Names(Protocol):
    """The names that an expression can use."""

    def find(self, name: str) -> Any:
        """Return the value of ``name``, or MISSING."""

    def names(self) -> Iterable[str]:
        """Return all available names, for advice."""


class UnknownVariable(Refused):
    """An expression uses a name that is not defined."""

    def __init__(self, name: str, at: int = -1) -> None:
        super().__init__(f"unknown variable {name}", at)
        self.name = name


class Expression:
    """One compiled expression; ``required`` are the names it cannot do without.

    It stores its last value: the roles of an iterator mostly request the same value again.
    """

    __slots__ = ("_codes", "_last", "_names", "_pure", "_simple", "_tree", "required", "source")

    def __init__(self, source: str) -> None:
        self.source = source.strip()
        parser = ExpressionParser(_SANDBOX, self.source)
        tree = parser.parse_whole()
        trees = [tree, *parser.closures.values()]
        for number in _constants(trees):
            bounded(number)
        used = {name.name for each in trees for name in _names(each)} - parser.lets
        used = {name for name in used if not name.startswith(RESERVED)}
        self.required = frozenset(used - {name for each in trees for name in _optional(each)})
        self._names = tuple(sorted(used))
        self._simple = tree.name if isinstance(tree, nodes.Name) else None
        self._pure = not any(isinstance(each, nodes.Call) or each.find(nodes.Call) for each in trees)
        self._codes = {name: _Code(each) for name, each in parser.closures.items()}
        self._tree = _Code(tree)
        self._last: tuple[list[Any], Any] = ([], MISSING)

    @property
    def is_constant(self) -> bool:
        """Whether it uses neither a variable nor a function: its value is the author's own text."""
        return not self._names

    def value(self, names: Names) -> Any:
        """Return the value of the expression with the variables of ``names``.

        Raises:
            UnknownVariable: if a required name is not defined.
            Refused: if it cannot be computed.
        """
        if self._simple:
            return self._find(names, self._simple)
        given = [self._find(names, name) for name in self._names]
        known, value = self._last
        if self._pure and value is not MISSING and all(map(is_, given, known)):
            return value
        values = dict(zip(self._names, given, strict=True))
        begin()
        try:
            value = _Run(self._codes).compute(self._tree, values)
        except Refused as error:
            error.where = error.where or _marked(self.source, *_culprit(self.source, values, str(error)))
            raise
        self._last = (given, value)
        return value

    def _find(self, names: Names, name: str) -> Any:
        value = names.find(name)
        if isinstance(value, Open):
            raise value.refuse(name)
        if value is not MISSING:
            return value
        if name in FUNCTIONS:
            return FUNCTIONS[name]
        if name in self.required:
            error = UnknownVariable(name)
            error.where = _marked(self.source, *_place_of(self.source, name))
            raise error
        return missing


@lru_cache(maxsize=20_000)
def expression(source: str) -> Expression:
    """Return the compiled expression of ``source``; a cache avoids compiling it again.

    Raises:
        Refused: if it is not an expression.
    """
    if len(source) > EXPRESSION:
        raise Refused(f"an expression of more than {EXPRESSION:,} characters")
    if RESERVED in source:
        raise Refused(f"{{{{{source}}}}} is not an expression: {RESERVED} is not for templates")
    begin()
    try:
        return Expression(source)
    except TemplateSyntaxError as error:
        raise _not_one(source, str(error.message), error.lineno) from error
    except Refused as error:
        raise _not_one(source, str(error), error.at) from error
    except JinjaError as error:
        raise _not_one(source, str(error.message), -1) from error
    except (RecursionError, MemoryError, SyntaxError, ValueError, OverflowError) as error:
        raise Refused("an expression nested too deeply") from error
    except Exception as error:  # jinja2 computes constants while it compiles.
        raise _not_one(source, reason(error), -1) from error


def reason(error: Exception) -> str:
    """Return why a value cannot be computed, in words for an author."""
    said = str(error)
    if said.startswith("unhashable type"):
        return "a list or a mapping cannot be the key of a mapping"
    return said or type(error).__name__


def _not_one(source: str, why: str, at: int) -> Refused:
    words = why.replace("unexpected 'end of template'", "it ends too early")
    words = words.replace("unexpected end of template", "it ends too early").rstrip(".")
    stripped = source.strip()
    marked = _marked(stripped, at, at + len(spelled(stripped, at))) if 0 <= at < len(stripped) else ""
    shown = f" at {{{{ {marked} }}}}" if marked and marked != f"«{stripped}»" else ""
    return Refused(f"{{{{{source}}}}} is not an expression: {words}{shown}")


class _Code:
    """One compiled tree; ``closures`` are the names of the closures that it needs."""

    __slots__ = ("closures", "root")

    def __init__(self, tree: nodes.Expr) -> None:
        self.closures = [name.name for name in _names(tree) if name.name.startswith(f"{RESERVED}closure_")]
        self.root = _compile(tree)


class _Run:
    """One computation of an expression with its closures, and their remaining number of calls."""

    __slots__ = ("_codes", "_left")

    def __init__(self, codes: dict[str, _Code]) -> None:
        self._codes = codes
        self._left = ITERATIONS

    def compute(self, code: _Code, values: dict[str, Any]) -> Any:
        given = values
        if code.closures:
            given = values | {name: _Closure(self, self._codes[name], values) for name in code.closures}
        try:
            context = Context(_SANDBOX, given, None, {})
            for _ in code.root(context):
                pass
            return bounded(context.vars[_RESULT])
        except Refused:
            raise
        except (RecursionError, MemoryError) as error:
            raise Refused("too deep or too large") from error
        except Exception as error:  # Any error that an author's text causes is a fault of that text.
            raise Refused(reason(error)) from error

    def count(self) -> None:
        spend(1)
        self._left -= 1
        if self._left < 0:
            raise Refused(f"closures called more than {ITERATIONS:,} times")


class _Closure:
    """A part of an expression that a filter computes, as often as it needs."""

    __slots__ = ("_code", "_run", "_values")

    def __init__(self, run: _Run, code: _Code, values: dict[str, Any]) -> None:
        self._run = run
        self._code = code
        self._values = values

    def __call__(self, *arguments: Any) -> Any:
        """Compute it for an item, its index and the accumulated value, or without any of these."""
        self._run.count()
        own = dict(zip((ITEM, INDEX, ACCUMULATED), arguments, strict=False))
        return charged(self._run.compute(self._code, self._values | own))

    def with_name(self, name: str, value: Any) -> Any:
        """Compute it with ``name`` set to ``value``."""
        return self._run.compute(self._code, self._values | {name: value})


def _place_of(source: str, name: str) -> tuple[int, int]:
    tree = ExpressionParser(_SANDBOX, source)
    whole = tree.parse_whole()
    for each in (whole, *tree.closures.values()):
        for found in _names(each):
            if found.name == name:
                return found.lineno, found.lineno + len(spelled(source, found.lineno))
    return 0, len(source)


def _culprit(source: str, values: dict[str, Any], message: str) -> tuple[int, int]:
    """Return begin and end of the smallest part of an expression that alone fails with ``message``."""
    if len(source) > _EXPLAINED:
        return 0, len(source)
    parser = ExpressionParser(_SANDBOX, source)
    for node in _inside_out(parser.parse_whole()):
        span = _span(source, node)
        try:
            code = _Code(node)
            if not code.closures:
                _Run({}).compute(code, values)
        except Refused as error:
            if str(error) == message:
                return span
        except Exception:  # A part that cannot be computed alone is not the place.
            continue
    return 0, len(source)


def _inside_out(tree: nodes.Node) -> Iterator[nodes.Expr]:
    for child in tree.iter_child_nodes():
        yield from _inside_out(child)
    if isinstance(tree, nodes.Expr) and not isinstance(tree, nodes.Const | nodes.Name):
        yield tree


def _span(source: str, node: nodes.Expr) -> tuple[int, int]:
    places: list[int | None] = [each.lineno for each in (node, *node.find_all(nodes.Expr))]
    # Nodes that the parser has added have no place.
    begins = [place for place in places if place is not None]
    if not begins:
        return 0, len(source)
    begin, last = min(begins), max(begins)
    end = last + len(spelled(source, last))
    if source[last:end] == ".":
        end += len(spelled(source, end))
    while end < len(source) and source[begin:end].count("(") > source[begin:end].count(")"):
        end += 1
    return begin, end


def _marked(source: str, begin: int, end: int) -> str:
    return f"{source[:begin]}«{source[begin:end]}»{source[end:]}"


def _compile(tree: nodes.Expr) -> Callable[[Context], Iterator[Any]]:
    meant: nodes.Expr = Semantics().visit(tree)
    body = nodes.Template([nodes.Assign(nodes.Name(_RESULT, "store"), meant, lineno=1)], lineno=1)
    if any(name.name in (_RESULT, "self") for name in _names(meant)):
        raise Refused("self is not a variable")  # jinja2 gives the word a special meaning.
    body.set_environment(_SANDBOX)
    return _SANDBOX.from_string(body).root_render_func


def _names(tree: nodes.Node) -> Iterator[nodes.Name]:
    if isinstance(tree, nodes.Name):
        yield tree
    yield from tree.find_all(nodes.Name)


def _constants(trees: Iterable[nodes.Node]) -> Iterator[Any]:
    """Find the numbers and texts that are written in an expression."""
    for tree in trees:
        for found in [tree, *tree.find_all(nodes.Const)]:
            if isinstance(found, nodes.Const):
                yield found.value


def _optional(tree: nodes.Node) -> Iterator[str]:
    """Find the names whose existence the expression itself tests."""
    for node in [tree, *tree.find_all((nodes.Test, nodes.Filter))]:
        asked = _asked(node)
        if isinstance(asked, nodes.Name):
            yield asked.name


def _asked(node: nodes.Node) -> nodes.Node | None:
    if isinstance(node, nodes.Test):
        return node.node if node.name in _ASKING else None
    return node.node if isinstance(node, nodes.Filter) and node.name in _ASKING else None


_SANDBOX = Sandbox()
