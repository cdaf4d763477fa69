"""Turn the tree of an expression into functions that compute it, one for each node.

Each operation is named here or in the modules of operators and functions: no attribute of a Python object can
be reached. Each step of a predicate and each value that is made is charged (evaluation_budget.py).
"""

from collections.abc import Callable
from typing import Any

from salt_o2.workflow.expressions.evaluation.checker import ENVIRONMENT
from salt_o2.workflow.expressions.evaluation_budget import charged, spend
from salt_o2.workflow.expressions.functions.catalogue import BUILT_IN
from salt_o2.workflow.expressions.functions.predicates import call as call_predicated
from salt_o2.workflow.expressions.language.nodes import (
    Array,
    Binary,
    BuiltIn,
    Call,
    Chain,
    Conditional,
    Constant,
    Let,
    Map,
    Member,
    Name,
    Node,
    Pointer,
    Predicate,
    Sequence,
    Slice,
    Unary,
)
from salt_o2.workflow.expressions.language.parser import PREDICATES
from salt_o2.workflow.expressions.operators import (
    OPERATORS,
    add,
    member_of,
    negative,
    slice_of,
    truth,
)
from salt_o2.workflow.expressions.values import Refused, is_integer, is_number, kind_of, shown


class Run:
    """One computation: the values of names, those of ``let``, and the item of a predicate."""

    __slots__ = ("accumulated", "environment", "index", "item", "lets", "values")

    def __init__(self, values: dict[str, Any], environment: Any) -> None:
        self.values = values
        self.environment = environment
        """The mapping of all variables, ``$env``."""
        self.lets: dict[str, Any] = {}
        self.item: Any = None
        self.index = 0
        self.accumulated: Any = None


Step = Callable[[Run], Any]


class _NothingThere(Exception):
    """``?.`` has found nil: the chain around it is nil."""


_NOTHING_THERE = _NothingThere()


def compiled(node: Node) -> Step:
    """Return the function that computes ``node``."""
    return _RULES[type(node)](node)


def _constant(node: Constant) -> Step:
    value = node.value
    return lambda _run: value


def _name(node: Name) -> Step:
    name = node.name
    if name == ENVIRONMENT:
        return lambda run: run.environment

    def step(run: Run) -> Any:
        if name in run.lets:
            return run.lets[name]
        return run.values.get(name)

    return step


def _pointer(node: Pointer) -> Step:
    match node.name:
        case "index":
            return lambda run: run.index
        case "acc":
            return lambda run: run.accumulated
    return lambda run: run.item


def _unary(node: Unary) -> Step:
    operand = compiled(node.operand)
    if node.operator == "!":
        return lambda run: not _truth(operand(run), node, "!")
    if node.operator == "+":
        return operand

    def step(run: Run) -> Any:
        value = operand(run)
        try:
            return negative(value)
        except Refused as error:
            raise _placed(error, node) from None

    return step


def _binary(node: Binary) -> Step:
    match node.operator:
        case "&&":
            return _and(node)
        case "||":
            return _or(node)
        case "??":
            return _coalesce(node)
        case "in":
            if (found := _in_constant(node)) is not None:
                return found
        case "==" if isinstance(node.right, Constant) and isinstance(node.right.value, str):
            return _equals_text(node, node.right.value)
    left, right, operator = compiled(node.left), compiled(node.right), OPERATORS[node.operator]

    def step(run: Run) -> Any:
        one, other = left(run), right(run)
        try:
            return operator(one, other)
        except Refused as error:
            raise _placed(error, node) from None

    return step


def _equals_text(node: Binary, text: str) -> Step:
    left = compiled(node.left)
    return lambda run: left(run) == text


def _and(node: Binary) -> Step:
    left, right = compiled(node.left), compiled(node.right)
    return lambda run: right(run) if _truth(left(run), node.left, "&&") else False


def _or(node: Binary) -> Step:
    left, right = compiled(node.left), compiled(node.right)
    return lambda run: True if _truth(left(run), node.left, "||") else right(run)


def _coalesce(node: Binary) -> Step:
    left, right = compiled(node.left), compiled(node.right)

    def step(run: Run) -> Any:
        value = left(run)
        return right(run) if value is None else value

    return step


def _in_constant(node: Binary) -> Step | None:
    """Return the step for ``in`` a written list of texts or range of numbers; ``None`` for any other."""
    left, right = compiled(node.left), node.right
    if isinstance(right, Array) and right.items:
        values = [each.value if isinstance(each, Constant) else None for each in right.items]
        if all(isinstance(value, str) for value in values):
            texts = frozenset(values)

            def in_texts(run: Run) -> bool:
                value = left(run)
                if value is not None and not isinstance(value, str):
                    raise Refused(f"a list of texts has no {shown(value)}", node.begin, node.end)
                return ("" if value is None else value) in texts

            return in_texts
    if isinstance(right, Binary) and right.operator == "..":
        first, last = right.left, right.right
        if isinstance(first, Constant) and isinstance(last, Constant):
            low, high = first.value, last.value

            def in_range(run: Run) -> bool:
                value = left(run)
                return is_number(value) and low <= value <= high and value == int(value)

            return in_range if is_integer(low) and is_integer(high) else None
    return None


def _member(node: Member) -> Step:
    base, key = compiled(node.base), compiled(node.key)
    fixed = node.key.value if isinstance(node.key, Constant) else None
    of_environment = isinstance(node.base, Name) and node.base.name == ENVIRONMENT

    def step(run: Run) -> Any:
        value = base(run)
        if value is None and node.optional:
            raise _NOTHING_THERE
        if of_environment:
            return value.get(key(run))
        if type(value) is dict and type(fixed) is str:
            return value.get(fixed)
        place = key(run)
        try:
            return member_of(value, place)
        except Refused as error:
            raise _placed(error, node) from None

    return step


def _chain(node: Chain) -> Step:
    inner = compiled(node.inner)

    def step(run: Run) -> Any:
        try:
            return inner(run)
        except _NothingThere:
            return None

    return step


def _slice(node: Slice) -> Step:
    base = compiled(node.base)
    low = compiled(node.low) if node.low is not None else None
    high = compiled(node.high) if node.high is not None else None

    def step(run: Run) -> Any:
        value = base(run)
        begin = low(run) if low else 0
        end = high(run) if high else None
        try:
            if (low and begin is None) or (high and end is None):
                raise Refused("the place in a list is a whole number, not nil")
            return slice_of(value, begin, end)
        except Refused as error:
            raise _placed(error, node) from None

    return step


def _call(node: Call) -> Step:
    function, arguments = compiled(node.function), [compiled(each) for each in node.arguments]

    def step(run: Run) -> Any:
        called = function(run)
        given = [argument(run) for argument in arguments]
        try:
            if not callable(called):
                raise Refused(f"{kind_of(called)} cannot be called")
            return _value_of(charged(called(*given)))
        except Refused as error:
            raise _placed(error, node) from None
        except (TypeError, AttributeError, ValueError, OverflowError) as error:
            raise Refused(_arguments_fault(error), node.begin, node.end) from error

    return step


def _value_of(value: Any) -> Any:
    """Return the result of a function of the site in types of expressions."""
    return list(value) if isinstance(value, tuple | range) else value


def _arguments_fault(error: Exception) -> str:
    message = str(error)
    return f"wrong arguments: {message.rpartition('() ')[2]}" if "argument" in message else message


def _built_in(node: BuiltIn) -> Step:
    if node.name == "sum" and (added := _sum_of_items(node)) is not None:
        return added
    if node.name in PREDICATES:
        return _predicated(node)
    function, arguments = BUILT_IN[node.name], [compiled(each) for each in node.arguments]

    def step(run: Run) -> Any:
        given = [argument(run) for argument in arguments]
        try:
            return function(*given)
        except Refused as error:
            raise _placed(error, node) from None

    return step


def _sum_of_items(node: BuiltIn) -> Step | None:
    """Return the step for ``sum`` of written items, which are added from the right, texts too."""
    if len(node.arguments) != 1 or not isinstance(node.arguments[0], Array):
        return None
    items = node.arguments[0].items
    constant = all(isinstance(each, Constant) and each.value is not None for each in items)
    if len(items) < 2 or constant:
        return None
    steps = [compiled(each) for each in items]

    def step(run: Run) -> Any:
        values = [each(run) for each in steps]
        total = values.pop()
        try:
            while values:
                total = add(values.pop(), total)
        except Refused as error:
            raise _placed(error, node) from None
        return total

    return step


def _predicated(node: BuiltIn) -> Step:
    over = compiled(node.arguments[0])
    body = compiled(node.arguments[1]) if len(node.arguments) > 1 else None
    rest = [compiled(each) for each in node.arguments[2:]]
    name = node.name

    def step(run: Run) -> Any:
        items = over(run)
        given = [each(run) for each in rest]
        before = run.item, run.index, run.accumulated

        def each(item: Any, index: int, accumulated: Any) -> Any:
            spend(1)
            run.item, run.index, run.accumulated = item, index, accumulated
            return body(run) if body else item

        try:
            found = call_predicated(name, items, each if body else None, *given)
            return charged(found) if isinstance(found, list | dict) else found
        except Refused as error:
            raise _placed(error, node) from None
        finally:
            run.item, run.index, run.accumulated = before

    return step


def _let(node: Let) -> Step:
    name, value, body = node.name, compiled(node.value), compiled(node.body)

    def step(run: Run) -> Any:
        run.lets[name] = value(run)
        try:
            return body(run)
        finally:
            del run.lets[name]

    return step


def _sequence(node: Sequence) -> Step:
    steps = [compiled(each) for each in node.parts]
    return lambda run: [step(run) for step in steps][-1]


def _conditional(node: Conditional) -> Step:
    test, yes, no = compiled(node.test), compiled(node.yes), compiled(node.no)
    return lambda run: yes(run) if _truth(test(run), node.test, "a condition") else no(run)


def _array(node: Array) -> Step:
    items = [compiled(each) for each in node.items]
    return lambda run: charged([item(run) for item in items])


def _map(node: Map) -> Step:
    pairs = [(compiled(key), compiled(value)) for key, value in node.pairs]

    def step(run: Run) -> Any:
        found: dict[Any, Any] = {}
        for compute_key, compute_value in pairs:
            key, value = compute_key(run), compute_value(run)
            if not isinstance(key, str):
                raise Refused(f"the key of a mapping is a text, not {kind_of(key)}", node.begin, node.end)
            found.setdefault(key, value)  # Of two entries with one key, the first is taken.
        return charged(found)

    return step


def _truth(value: Any, node: Node, name: str) -> bool:
    if value is True or value is False:
        return bool(value)
    try:
        return truth(value, name)
    except Refused as error:
        raise _placed(error, node) from None


def _placed(error: Refused, node: Node) -> Refused:
    """Return ``error`` with the place of ``node``, unless it has one."""
    if error.at < 0:
        error.at, error.end = node.begin, node.end
    return error


_RULES: dict[type[Node], Callable[[Any], Step]] = {
    Constant: _constant,
    Name: _name,
    Pointer: _pointer,
    Unary: _unary,
    Binary: _binary,
    Member: _member,
    Chain: _chain,
    Slice: _slice,
    Call: _call,
    BuiltIn: _built_in,
    Predicate: lambda node: compiled(node.body),
    Let: _let,
    Sequence: _sequence,
    Conditional: _conditional,
    Array: _array,
    Map: _map,
}
