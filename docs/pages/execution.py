"""The functions of the Salt runner and of the execution modules, from the files that Salt itself loads."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

from pages import markdown

ROOT = Path(__file__).resolve().parents[2]
_EXAMPLE = "CLI Example:"
_PARAMETER = re.compile(r"^(\w+(?:, \w+)*)\n((?:    .*\n?)(?:    .*\n?|\n)*)", re.MULTILINE)


class Function(NamedTuple):
    """One function that Salt offers."""

    name: str
    signature: str
    text: str
    parameters: dict[str, str]
    example: str


def runner() -> str:
    """Return the page of ``salt-run o2.*``."""
    return markdown.page(
        "Runner `o2`",
        "For operators and site administrators: every function of `salt-run o2.*`.",
        _about(ROOT / "runners/o2.py"),
        *_sections(ROOT / "runners/o2.py", "o2", "##"),
        *(part for path in RUNNER_PARTS for part in _runner_part(path)),
    )


RUNNER_PARTS = sorted(ROOT.glob("runners/o2_*.py"))
"""Further files of the runner; Salt makes one runner of all."""


def _runner_part(path: Path) -> list[str]:
    about = (ast.get_docstring(ast.parse(path.read_text())) or "").partition(". ")[0]
    return [f"## {about}\n", *_sections(path, "o2", "###")]


def modules() -> str:
    """Return the page of ``salt <host> o2.*`` and ``occ.*``, and of the state module."""
    parts = []
    for path, name in (
        ("modules/o2.py", "o2"),
        ("modules/occ.py", "occ"),
        ("states/o2_environment.py", "o2_environment"),
    ):
        parts += [f"## `{name}`\n", _about(ROOT / path), *_sections(ROOT / path, name, "###")]
    return markdown.page(
        "Execution and state modules",
        "For site administrators, and for operators who control one host or one process manually.",
        *parts,
    )


def functions(path: Path, virtual_name: str) -> list[Function]:
    """Return the public functions of a Salt plug-in file, in its order."""
    parsed = ast.parse(path.read_text())
    found = [each for each in parsed.body if isinstance(each, ast.FunctionDef)]
    return [_function(each, virtual_name) for each in found if not each.name.startswith("_")]


def _about(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    return "```{eval-rst}\n" + text + "\n```\n"


def _sections(path: Path, virtual_name: str, level: str) -> list[str]:
    return [_section(each, level) for each in functions(path, virtual_name)]


def _section(function: Function, level: str) -> str:
    parts = [
        f"{level} `{function.name}`\n",
        f"`{function.signature}`\n",
        markdown.prose(function.text) + "\n",
    ]
    if function.parameters:
        rows = [(_names(name), markdown.prose(text)) for name, text in function.parameters.items()]
        parts.append(markdown.table(("parameter", "meaning"), rows))
    if function.example:
        parts.append(markdown.code(function.example, "bash"))
    return "\n".join(parts)


def _names(names: str) -> str:
    return ", ".join(f"`{name}`" for name in names.split(", "))


def _function(found: ast.FunctionDef, virtual_name: str) -> Function:
    name = f"{virtual_name}.{found.name.rstrip('_')}"
    text, _, example = (ast.get_docstring(found) or "").partition(_EXAMPLE)
    parameters = _parameters(text, [each.arg for each in found.args.args])
    return Function(
        name=name,
        signature=f"{name}({ast.unparse(found.args)})",
        text=_PARAMETER.sub("", text).strip(),
        parameters=parameters,
        example="\n".join(line.strip() for line in example.splitlines() if line.startswith("    ")),
    )


def _parameters(text: str, names: list[str]) -> dict[str, str]:
    """Return the text of a docstring for each parameter: names alone on a line, then indented lines."""
    found = _PARAMETER.findall(text)
    return {name: " ".join(said.split()) for name, said in found if {*name.split(", ")} <= {*names}}
