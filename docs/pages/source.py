"""What Python's own introspection does not give: the fields of a class as its source describes them."""

import ast
import inspect
import itertools
import textwrap
from dataclasses import MISSING, fields
from types import ModuleType
from typing import Any, NamedTuple


class Described(NamedTuple):
    """One field of a dataclass."""

    name: str
    type: str
    default: str
    meaning: str


def described(kind: type) -> list[Described]:
    """Return the fields of the dataclass ``kind``, each with the text that stands below it in its source."""
    defaults = {each.name: _default(each) for each in fields(kind)}
    return [
        Described(name, ast.unparse(statement.annotation), defaults[name], _text(following))
        for statement, following in itertools.pairwise([*_body(kind), ast.Pass()])
        if isinstance(statement, ast.AnnAssign) and (name := ast.unparse(statement.target)) in defaults
    ]


def constants(module: ModuleType) -> dict[str, str]:
    """Return the constants of ``module``, each with the text that stands below it in its source."""
    body = ast.parse(inspect.getsource(module)).body
    return {
        ast.unparse(statement.targets[0]): _text(following)
        for statement, following in itertools.pairwise([*body, ast.Pass()])
        if isinstance(statement, ast.Assign)
    }


def first_line(thing: Any) -> str:
    """Return the first paragraph of a docstring, on one line."""
    return (inspect.getdoc(thing) or "").partition("\n\n")[0].replace("\n", " ")


def _body(kind: type) -> list[ast.stmt]:
    (parsed,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(parsed, ast.ClassDef)
    return parsed.body


def _text(statement: ast.stmt) -> str:
    match statement:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return inspect.cleandoc(text)
    return ""


def _default(field: Any) -> str:
    value = field.default if field.default_factory is MISSING else field.default_factory()
    return "" if value is MISSING else repr(value)
