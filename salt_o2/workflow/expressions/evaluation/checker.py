"""Check the types of an expression before it is computed, by the rules of expr-lang.

So an expression is refused for its form, and not only for the roles whose values happen to reach the fault.
"""

from collections.abc import Callable, Mapping
from typing import Any

from salt_o2.workflow.expressions.functions.catalogue import BUILT_IN
from salt_o2.workflow.expressions.functions.predicates import TRUTHS
from salt_o2.workflow.expressions.functions.signatures import Function
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
from salt_o2.workflow.expressions.linear_regex import check_pattern
from salt_o2.workflow.expressions.operators import DURATION_METHODS
from salt_o2.workflow.expressions.static_types import (
    ANY_MAP,
    ARRAY,
    BOOL,
    DURATION,
    FLOAT,
    FUNCTION,
    INT,
    MAP,
    NIL,
    STRING,
    TIME,
    UNKNOWN,
    Type,
    are_comparable,
    array_of,
    is_assignable,
    item_of,
    type_of_value,
)
from salt_o2.workflow.expressions.times import METHODS
from salt_o2.workflow.expressions.values import Refused

ENVIRONMENT = "$env"
"""The name of the mapping of all variables."""
_ADVICE = {
    frozenset(("string", "int")): ": Atoi() makes a number of a text",
    frozenset(("string", "float")): ": float() makes a number of a text",
    frozenset(("string", "bool")): ": write == 'true'",
}


def check(tree: Node, types: Mapping[str, Type]) -> Type:
    """Return the type of ``tree``, given the types of the names that it uses.

    Raises:
        Refused: with its place, if the types do not fit.
    """
    return _Checker(types).type_of(tree)


class _Checker:
    """One pass over a tree; ``items`` are the types of ``#`` in the predicates around a node."""

    def __init__(self, types: Mapping[str, Type]) -> None:
        self._types = types
        self._lets: dict[str, Type] = {}
        self._items: list[tuple[Type, frozenset[str]]] = []

    def type_of(self, node: Node) -> Type:
        return _RULES[type(node)](self, node)

    def constant(self, node: Constant) -> Type:
        return type_of_value(node.value)

    def name(self, node: Name) -> Type:
        if node.name in self._lets:
            return self._lets[node.name]
        if node.name in BUILT_IN:
            return self._types.get(node.name, FUNCTION)
        return self._types.get(node.name, UNKNOWN)

    def pointer(self, node: Pointer) -> Type:
        item, names = self._items[-1]
        if not node.name:
            return item
        if node.name not in names:
            raise _refused(f"#{node.name} is not known here: #index is in map, #acc in reduce", node)
        return INT if node.name == "index" else UNKNOWN

    def unary(self, node: Unary) -> Type:
        found = self.type_of(node.operand)
        if node.operator == "!":
            if found.kind in ("bool", "unknown"):
                return BOOL
            raise _refused(f"! takes a boolean, not {found}{_condition_advice(found)}", node)
        if found.is_number or found.is_unknown:
            return found
        raise _refused(f"{node.operator} takes a number, not {found}", node)

    def binary(self, node: Binary) -> Type:
        left, right = self.type_of(node.left), self.type_of(node.right)
        if node.operator == "??":
            return _coalesced(left, right)
        if node.operator == "in":
            return self._in(node, left, right)
        if node.operator in ("==", "!="):
            if are_comparable(left, right):
                return BOOL
        elif (found := _operated(node.operator, left, right)) is not None:
            if node.operator == "matches" and isinstance(node.right, Constant):
                _placed(check_pattern, node.right, node.right.value)
            return found
        advice = _ADVICE.get(frozenset((left.kind, right.kind)), "")
        if node.operator in ("&&", "||"):
            wrong = left if left.kind not in ("bool", "unknown") else right
            raise _refused(f"{node.operator} takes booleans, not {wrong}{_condition_advice(wrong)}", node)
        if left.kind == right.kind or NIL in (left, right):
            raise _refused(f"{node.operator} does not take {left} and {right}", node)
        raise _refused(f"{node.operator} takes two values of one kind, not {left} and {right}{advice}", node)

    def _in(self, node: Binary, left: Type, right: Type) -> Type:
        if right.is_unknown:
            return BOOL
        if right.kind == "map":
            if left.is_unknown or right.exact == "any" or left == STRING:
                return BOOL
            raise _refused(f"the key of a mapping is a text, not {left}", node)
        if right.kind == "array":
            if are_comparable(left, item_of(right)):
                return BOOL
            raise _refused(f"{left} cannot be in a list of {item_of(right)}", node)
        advice = ": for a part of a text write contains" if right == STRING else ""
        raise _refused(f"in takes a list or a mapping, not {right}{advice}", node)

    def member(self, node: Member) -> Type:
        if isinstance(node.base, Name) and node.base.name == ENVIRONMENT:
            if isinstance(node.key, Constant) and isinstance(node.key.value, str):
                return self._types.get(node.key.value, UNKNOWN)
            self.type_of(node.key)
            return UNKNOWN
        base, key = self.type_of(node.base), self.type_of(node.key)
        name = node.key.value if isinstance(node.key, Constant) and key == STRING else None
        match base.kind:
            case "unknown":
                return UNKNOWN
            case "map":
                if base.exact == "any" or key == STRING or key.is_unknown:
                    return UNKNOWN
                raise _refused(f"the key of a mapping is a text, not {key}", node.key)
            case "array":
                if key.kind in ("int", "unknown"):
                    return item_of(base)
                raise _refused(f"the place in a list is a whole number, not {key}", node.key)
            case "time" if name in METHODS:
                return Type("func", function=_METHOD_TYPES.get(str(name)))
            case "duration" if name in DURATION_METHODS:
                return Type("func", function=_METHOD_TYPES.get(str(name)))
            case "month" | "weekday" | "location":
                if name == "String":
                    return FUNCTION
        what = f"{base} has no {name}" if name is not None else f"{base} has no entries"
        advice = ": a part of a text is x[0:1]" if base == STRING and name is None else ""
        raise _refused(what + advice, node)

    def chain(self, node: Chain) -> Type:
        return self.type_of(node.inner)

    def slice(self, node: Slice) -> Type:
        base = self.type_of(node.base)
        for bound in (node.low, node.high):
            found = self.type_of(bound) if bound is not None else INT
            if found.kind not in ("int", "unknown") and not base.is_unknown:
                raise _refused(f"the place in a list is a whole number, not {found}", bound or node)
        if base.kind not in ("unknown", "string", "array"):
            raise _refused(f"[:] takes a list or a text, not {base}", node)
        return base

    def call(self, node: Call) -> Type:
        found = self.type_of(node.function)
        if found.is_unknown:  # Then expr-lang leaves the arguments to the computation, too.
            return UNKNOWN
        arguments = [self.type_of(each) for each in node.arguments]
        if found.kind != "func":
            raise _refused(f"{found} cannot be called", node)
        if isinstance(found.function, Type):
            return found.function
        if not isinstance(found.function, Function):
            return UNKNOWN
        result: Type = _placed(found.function.result, node, arguments)
        return result

    def built_in(self, node: BuiltIn) -> Type:
        if node.name in PREDICATES:
            return self._predicated(node)
        arguments = [self.type_of(each) for each in node.arguments]
        result: Type = _placed(BUILT_IN[node.name].result, node, arguments)
        return result

    def _predicated(self, node: BuiltIn) -> Type:
        over = self.type_of(node.arguments[0])
        if over.kind not in ("array", "unknown"):
            advice = ": FromJson() makes one of its JSON" if over == STRING else ""
            raise _refused(f"{node.name} takes a list, not {over}{advice}", node.arguments[0])
        item, found = item_of(over), UNKNOWN
        if len(node.arguments) > 1:
            found = self._predicate(node, item)
        for rest in node.arguments[2:]:
            self.type_of(rest)
        if found == NIL:
            raise _refused(f"the predicate of {node.name} is never a value", node.arguments[1])
        if node.name in TRUTHS and found.kind not in ("bool", "unknown"):
            advice = _condition_advice(found)
            raise _refused(
                f"the predicate of {node.name} is a boolean, not {found}{advice}", node.arguments[1]
            )
        match node.name:
            case "filter":
                return array_of(item)
            case "map":
                return array_of(found)
            case "count" | "findIndex" | "findLastIndex":
                return INT
            case "sum":
                return found if len(node.arguments) > 1 else item
            case "find" | "findLast":
                return item
            case "groupBy":
                return ANY_MAP
            case "sortBy":
                return over if over.kind == "array" else UNKNOWN
            case "reduce":
                return found
        return BOOL

    def _predicate(self, node: BuiltIn, item: Type) -> Type:
        names = {"map": {"index"}, "reduce": {"index", "acc"}}.get(node.name, set())
        self._items.append((item, frozenset(names)))
        found = self.type_of(node.arguments[1])
        self._items.pop()
        return found

    def predicate(self, node: Predicate) -> Type:
        return self.type_of(node.body)

    def let(self, node: Let) -> Type:
        if node.name in self._lets or node.name in BUILT_IN or node.name in PREDICATES:
            raise _refused(f"let cannot define {node.name} again", node)
        if node.name in self._types:
            raise _refused(f"let cannot define {node.name}: it is a variable", node)
        value = self.type_of(node.value)
        self._lets[node.name] = value
        found = self.type_of(node.body)
        del self._lets[node.name]
        return found

    def sequence(self, node: Sequence) -> Type:
        return [self.type_of(each) for each in node.parts][-1]

    def conditional(self, node: Conditional) -> Type:
        test = self.type_of(node.test)
        if test.kind not in ("bool", "unknown"):
            raise _refused(f"a condition is a boolean, not {test}{_condition_advice(test)}", node.test)
        yes, no = self.type_of(node.yes), self.type_of(node.no)
        if yes == NIL:
            return no
        if no == NIL:
            return yes
        if not is_assignable(yes, no):
            return UNKNOWN
        if yes.kind == "array" and item_of(yes) != item_of(no):
            return ARRAY
        return yes

    def array(self, node: Array) -> Type:
        types = [self.type_of(each) for each in node.items]
        same = bool(types) and all(type_.kind == types[0].kind for type_ in types)
        return array_of(types[-1]) if same else ARRAY

    def map(self, node: Map) -> Type:
        for key, value in node.pairs:
            self.type_of(key)
            self.type_of(value)
        return MAP


_RULES: dict[type[Node], Callable[[_Checker, Any], Type]] = {
    Constant: _Checker.constant,
    Name: _Checker.name,
    Pointer: _Checker.pointer,
    Unary: _Checker.unary,
    Binary: _Checker.binary,
    Member: _Checker.member,
    Chain: _Checker.chain,
    Slice: _Checker.slice,
    Call: _Checker.call,
    BuiltIn: _Checker.built_in,
    Predicate: _Checker.predicate,
    Let: _Checker.let,
    Sequence: _Checker.sequence,
    Conditional: _Checker.conditional,
    Array: _Checker.array,
    Map: _Checker.map,
}
_NUMBERS = ("int", "float")
_OPERANDS: dict[str, tuple[str, ...]] = {
    "&&": ("bool",),
    "||": ("bool",),
    "-": (*_NUMBERS, "time", "duration"),
    "*": (*_NUMBERS, "duration"),
    "/": _NUMBERS,
    "**": _NUMBERS,
    "%": ("int",),
    "+": (*_NUMBERS, "string", "time", "duration"),
    "matches": ("string",),
    "contains": ("string",),
    "startsWith": ("string",),
    "endsWith": ("string",),
    "..": ("int",),
    **dict.fromkeys(("<", ">", "<=", ">="), (*_NUMBERS, "string", "time", "duration")),
}
"""The kinds that an operator takes; one side of unknown type goes with each of them."""
_RESULTS: dict[str, Type] = {
    **dict.fromkeys(
        ("&&", "||", "<", ">", "<=", ">=", "matches", "contains", "startsWith", "endsWith"), BOOL
    ),
    "/": FLOAT,
    "**": FLOAT,
    "%": INT,
    "..": array_of(INT),
}
_TIMES: dict[tuple[str, str, str], Type] = {
    ("-", "time", "time"): DURATION,
    ("-", "time", "duration"): TIME,
    ("-", "duration", "duration"): DURATION,
    ("+", "time", "duration"): TIME,
    ("+", "duration", "time"): TIME,
    ("+", "duration", "duration"): DURATION,
    **{("*", kind, "duration"): DURATION for kind in (*_NUMBERS, "duration")},
    **{("*", "duration", kind): DURATION for kind in _NUMBERS},
}
_METHOD_TYPES: dict[str, Type] = {
    **dict.fromkeys(("Year", "Day", "Hour", "Minute", "Second", "Nanosecond", "YearDay", "Unix"), INT),
    **dict.fromkeys(("Hours", "Minutes", "Seconds"), FLOAT),
    **dict.fromkeys(("Format", "String"), STRING),
}


def _operated(operator: str, left: Type, right: Type) -> Type | None:
    """Return the type of the result of an operator; ``None`` if it does not take these types."""
    kinds = _OPERANDS[operator]
    if left.is_unknown or right.is_unknown:
        known = right if left.is_unknown else left
        return _RESULTS.get(operator, UNKNOWN) if known.is_unknown or known.kind in kinds else None
    if (found := _TIMES.get((operator, left.kind, right.kind))) is not None:
        return found
    if left.is_number and right.is_number and "int" in kinds:
        if "float" not in kinds and FLOAT in (left, right):
            return None
        return _RESULTS.get(operator, FLOAT if FLOAT in (left, right) else INT)
    timed = operator in "+-*" and left.kind in ("time", "duration")
    return (
        _RESULTS.get(operator, left) if left.kind == right.kind and left.kind in kinds and not timed else None
    )


def _coalesced(left: Type, right: Type) -> Type:
    if left == NIL:
        return right
    return left if right == NIL or is_assignable(right, left) else UNKNOWN


def _condition_advice(found: Type) -> str:
    return ": write == 'true'" if found == STRING else ""


def _refused(what: str, node: Node) -> Refused:
    return Refused(what, node.begin, node.end)


def _placed(compute: Callable[[Any], Any], node: Node, argument: Any) -> Any:
    """Return what ``compute`` returns; a refusal gets the place of ``node``."""
    try:
        return compute(argument)
    except Refused as error:
        if error.at < 0:
            error.at, error.end = node.begin, node.end
        raise
