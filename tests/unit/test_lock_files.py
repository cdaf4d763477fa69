"""The lock files pin all that is installed, with hashes, and an audit says what it could not look up."""

import importlib.util
import json
import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("audit", ROOT / ".ci/audit.py")
audit = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(audit)


@pytest.fixture
def project(tmp_path):
    """The files of the project that an audit reads, to be changed by a test."""
    for name in ("pyproject.toml", *audit.LOCKS):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def change(file, pattern, text):
    """Replace the first match of a pattern in a file."""
    changed, count = re.subn(pattern, text, file.read_text(), count=1, flags=re.MULTILINE)
    assert count
    file.write_text(changed)


def test_the_lock_files_are_complete_for_this_python_and_pin_hashes():
    assert audit.check() == []


FAULTS = {
    "no hash": (r"^rich==(.+?) \\\n(    --hash=\S+( \\)?\n)+", r"rich==\1\n", "rich has no hash"),
    "no version": (r"^rich==\S+", "rich>=13", "rich is not pinned to one version"),
    "direct": (r"^rich==(.|\n)+?(?=^\S)", "", "pyproject.toml needs rich>=13, which is not pinned"),
    "indirect": (r"^markdown-it-py==(.|\n)+?(?=^\S)", "", "rich needs markdown-it-py.*, which is not pinned"),
    "too old": (r"^rich==\S+", "rich==12.0.0", "pyproject.toml needs rich>=13, and 12.0.0 is pinned"),
}


@pytest.mark.parametrize(("pattern", "text", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_of_a_lock_file_is_named(project, pattern, text, message):
    change(project / "requirements.lock", pattern, text)
    assert any(re.fullmatch(f"requirements.lock: {message}.*", each) for each in audit.check(project))


def test_a_build_requirement_that_is_not_pinned_is_named(project):
    change(project / "requirements-build.lock", r"^setuptools-scm==(.|\n)+?(?=^\S)", "")
    assert (
        "requirements-build.lock: pyproject.toml needs setuptools-scm>=8, which is not pinned"
        in audit.check(project)
    )


@pytest.mark.parametrize("text", ["rich==15.0.0\nrich==15.0.0\n", "what is this\n"])
def test_a_lock_file_that_says_two_things_or_none_is_refused(text):
    with pytest.raises(ValueError, match=r"rich is pinned twice|is no requirement"):
        audit.read_lock(text)


def test_make_installs_nothing_without_verified_hashes():
    recipe = (ROOT / "Makefile").read_text().partition(".venv/installed:")[2].partition("\n\n")[0]
    installs = [line for line in recipe.splitlines() if "PIP_INSTALL" in line]
    assert installs
    assert "pip install" not in recipe
    for line in installs:
        assert "--require-hashes" in line or "--no-deps --editable ." in line
        assert "--only-binary :all:" in line or "--no-build-isolation" in line


def program(folder, printed, code):
    """Return a program that prints what pip-audit prints."""
    path = folder / "pip-audit"
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{printed}\nEND\nexit {code}\n")
    path.chmod(0o755)
    return str(path)


def answer(*packages):
    return json.dumps({"dependencies": list(packages), "fixes": []})


SOUND = {"name": "rich", "version": "15.0.0", "vulns": []}
FAULTY = {"name": "six", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
UNKNOWN = {"name": "salt", "skip_reason": "Dependency not found on PyPI and could not be audited"}


def test_a_known_vulnerability_is_named_with_the_version_that_fixes_it(tmp_path):
    known, unknown = audit.ask(program(tmp_path, answer(SOUND, FAULTY), 1), tmp_path / "lock")
    assert known == ["six 1.0 has PYSEC-1, fixed in 1.1"]
    assert not unknown


def test_packages_without_vulnerability_data_are_named(tmp_path):
    known, unknown = audit.ask(program(tmp_path, answer(SOUND, UNKNOWN), 0), tmp_path / "lock")
    assert not known
    assert unknown.endswith("of 2 packages 1 have no vulnerability data that can be reached: salt")


def test_an_audit_without_any_data_is_no_sound_audit(tmp_path):
    _, unknown = audit.ask(program(tmp_path, answer(UNKNOWN), 0), tmp_path / "lock")
    assert unknown.endswith("all of them")


def test_a_pip_audit_that_fails_is_reported(tmp_path):
    known, unknown = audit.ask(program(tmp_path, "no JSON", 3), tmp_path / "lock")
    assert not known
    assert "exit code 3" in unknown
