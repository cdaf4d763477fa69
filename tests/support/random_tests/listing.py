"""Lists the random tests of the project, from the source text of the tests alone.

A test is random if hypothesis draws its examples (``@given``, ``TestCase`` of a ``RuleBasedStateMachine``),
if it is parametrized by ``seed``, or if it makes a ``Random`` whose seed can be chosen.
"""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
WORDS = ("given(", ".TestCase", "seed", "Random(")
"""Only a file with one of these is parsed."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def random_tests() -> list[str]:
    """Return pytest's id of each random test, sorted by file."""
    return [
        f"{path.relative_to(TESTS.parent)}::{test}"
        for path in sorted(TESTS.rglob("test_*.py"))
        for test in random_tests_of(path.read_text())
    ]


def random_tests_of(source: str) -> Iterator[str]:
    """Yield the random tests of one file, each as ``test`` or ``Class::test``."""
    if not any(word in source for word in WORDS):
        return
    yield from _in_statements(ast.parse(source).body, "")


def _in_statements(statements: Iterable[ast.stmt], prefix: str) -> Iterator[str]:
    for statement in statements:
        if isinstance(statement, ast.ClassDef):
            yield from _in_statements(statement.body, f"{prefix}{statement.name}::")
        elif isinstance(statement, Function):
            if statement.name.startswith("test_") and _is_random(statement):
                yield f"{prefix}{statement.name}"
        elif isinstance(statement, ast.Assign) and _name(statement.value) == "TestCase":
            yield from (f"{prefix}{name}::runTest" for name in _assigned(statement))


def _is_random(function: Function) -> bool:
    decorators = [decorator for decorator in function.decorator_list if isinstance(decorator, ast.Call)]
    return any(map(_draws, decorators)) or _has_a_chosen_seed(function)


def _draws(decorator: ast.Call) -> bool:
    match _name(decorator.func), decorator.args:
        case "given", _:
            return True
        case "parametrize", [ast.Constant(value="seed"), *_]:
            return True
    return False


def _has_a_chosen_seed(function: Function) -> bool:
    """Return whether ``function`` makes a ``Random`` of something else than a constant."""
    calls = [
        node for node in ast.walk(function) if isinstance(node, ast.Call) and _name(node.func) == "Random"
    ]
    return any(not isinstance(seed, ast.Constant) for call in calls for seed in call.args)


def _assigned(statement: ast.stmt) -> list[str]:
    return [_name(target) for target in statement.targets] if isinstance(statement, ast.Assign) else []


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
