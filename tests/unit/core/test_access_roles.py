"""Roles: each may do what those before it may, and every function belongs to one."""

import ast
from itertools import pairwise
from pathlib import Path

import pytest

from salt_o2.core.roles import MODULES, RUNNERS, Role, permissions

ROOT = Path(__file__).resolve().parents[3]


def public(file):
    tree = ast.parse((ROOT / file).read_text())
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {name.rstrip("_") for name in names if not name.startswith("_")}


def test_every_function_of_the_runner_belongs_to_one_role():
    named = [name for role in Role for name in RUNNERS[role]]
    parts = [public(path) for path in (ROOT / "runners").glob("o2*.py")]
    assert sorted(named) == sorted(name for part in parts for name in part)


def test_every_function_of_the_modules_belongs_to_one_role():
    named = [name for role in Role for name in MODULES[role]]
    there = {f"{module}.{name}" for module in ("o2", "occ") for name in public(f"modules/{module}.py")}
    assert sorted(named) == sorted(there)


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(Role)))
def test_each_role_may_do_what_the_one_before_it_may_and_more(lower, higher):
    before, after = permissions(lower), permissions(higher)
    assert set(before[:-1]) <= set(after[:-1])
    assert set(before[-1]["@runner"]) < set(after[-1]["@runner"])


def test_who_only_looks_moves_nothing():
    *modules, runners = permissions(Role.VIEWER)
    moving = (
        "create",
        "control",
        "destroy",
        "modify",
        "set",
        "import",
        "kill",
        "drive",
        "transition",
        "stop",
    )
    assert not [name for name in (*modules, *runners["@runner"]) if name.endswith(moving)]


def test_the_page_for_administrators_tells_of_every_role():
    text = (ROOT / "docs/howto/grant-roles.md").read_text()
    for role in Role:
        assert f"| {role} |" in text
