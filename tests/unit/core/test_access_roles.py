"""Roles: each may do what those before it may, and every function belongs to one."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest

from salt_o2.core.access_roles import BY_RUNNER, RUNNERS, WITHOUT_ROLE, AccessRole, permissions

ROOT = Path(__file__).resolve().parents[3]


def public(file):
    tree = ast.parse((ROOT / file).read_text())
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {name.rstrip("_") for name in names if not name.startswith("_")}


def test_every_function_of_the_runner_belongs_to_one_role():
    named = [name for role in AccessRole for name in RUNNERS[role]]
    parts = [public(path) for path in (ROOT / "runners").glob("o2*.py")]
    assert sorted(named) == sorted(name for part in parts for name in part)


def functions_of_hosts():
    return {f"{module}.{name}" for module in ("o2", "occ") for name in public(f"modules/{module}.py")}


def test_every_function_of_the_modules_is_called_by_the_runner_or_is_for_root():
    assert sorted([*BY_RUNNER, *WITHOUT_ROLE]) == sorted(functions_of_hosts())
    assert {name for role in AccessRole for name in RUNNERS[role]} >= set(BY_RUNNER.values())


def permitted(role, function):
    """What Salt does with the permissions of a runner (`CkMinions.spec_check`, `match_check`)."""
    ((key, patterns),) = permissions(role)[0].items()
    assert key == "@runner"
    return any(re.match(pattern, function) for pattern in patterns)


@pytest.mark.finding("1.1")
@pytest.mark.parametrize("role", AccessRole)
def test_a_role_is_of_runners_only(role):
    (only,) = permissions(role)
    assert list(only) == ["@runner"]


@pytest.mark.finding("4")
@pytest.mark.parametrize("role", AccessRole)
@pytest.mark.parametrize("change", ["{}_", "{}x", "{}.x", "x{}", "o2.{}", "{} ", "x.{}", " {}"])
def test_a_permission_is_for_one_whole_name(role, change):
    for own in permissions(role)[0]["@runner"]:
        name = own.removesuffix("$").replace("\\.", ".")
        assert permitted(role, name)
        assert not permitted(role, change.format(name))
    assert not permitted(role, name.replace(".", "x", 1))


@pytest.mark.parametrize(("lower", "higher"), list(pairwise(AccessRole)))
def test_each_role_has_all_permissions_of_the_role_below_and_more(lower, higher):
    assert set(permissions(lower)[0]["@runner"]) < set(permissions(higher)[0]["@runner"])


def test_a_viewer_cannot_change_an_environment():
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
    assert not [name for name in RUNNERS[AccessRole.VIEWER] if name.endswith(moving)]


def test_the_page_for_administrators_names_every_role():
    text = (ROOT / "docs/howto/grant-roles.md").read_text()
    for role in AccessRole:
        assert f"| {role} |" in text
