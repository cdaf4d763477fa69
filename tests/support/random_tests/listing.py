"""Lists the random tests of the project, from the source text of the tests alone.

A test is random if hypothesis draws its examples (``@given``, ``TestCase`` of a ``RuleBasedStateMachine``),
if it is parametrized by ``seeds(...)`` of ``seeds.py``, or if it makes a ``Random`` whose seed can be chosen.
"""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
WORDS = ("given(", ".TestCase", "seeds(", "Random(")
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
    tree = ast.parse(source)
    drawn = {
        name for statement in tree.body if "seeds" in _called(statement) for name in _assigned(statement)
    }
    yield from _in_statements(tree.body, drawn, "")


def _in_statements(statements: Iterable[ast.stmt], drawn: set[str], prefix: str) -> Iterator[str]:
    for statement in statements:
        if isinstance(statement, ast.ClassDef):
            yield from _in_statements(statement.body, drawn, f"{prefix}{statement.name}::")
        elif isinstance(statement, Function):
            if statement.name.startswith("test_") and _is_random(statement, drawn):
                yield f"{prefix}{statement.name}"
        elif isinstance(statement, ast.Assign) and _name(statement.value) == "TestCase":
            yield from (f"{prefix}{name}::runTest" for name in _assigned(statement))


def _is_random(function: Function, drawn: set[str]) -> bool:
    decorators = [decorator for decorator in function.decorator_list if isinstance(decorator, ast.Call)]
    called = {name for decorator in decorators for name in _called(decorator)}
    used = {node.id for decorator in decorators for node in ast.walk(decorator) if isinstance(node, ast.Name)}
    return bool(called & {"given", "seeds"} or used & drawn or _has_a_chosen_seed(function))


def _has_a_chosen_seed(function: Function) -> bool:
    """Return whether ``function`` makes a ``Random`` of something else than a constant."""
    calls = [
        node for node in ast.walk(function) if isinstance(node, ast.Call) and _name(node.func) == "Random"
    ]
    return any(not isinstance(seed, ast.Constant) for call in calls for seed in call.args)


def _called(tree: ast.AST) -> set[str]:
    return {_name(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def _assigned(statement: ast.stmt) -> list[str]:
    return [_name(target) for target in statement.targets] if isinstance(statement, ast.Assign) else []


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
