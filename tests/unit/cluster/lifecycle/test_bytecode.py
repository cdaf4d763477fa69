"""Salt is compiled once, and only if it is not."""

import pytest

from salt_o2.cluster.lifecycle import bytecode


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with the files that are looked at."""
    for sample in bytecode.SAMPLES:
        (tmp_path / sample).parent.mkdir(exist_ok=True)
        (tmp_path / sample).write_text("x = 1\n")
    monkeypatch.setattr(bytecode, "_home", lambda _package: tmp_path)
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    return tmp_path


def test_what_is_not_compiled_is_compiled_and_said(package):
    said = []
    bytecode.compile_salt(said.append)
    assert list(package.rglob("lazy.*.pyc"))
    assert said == ["compiling Salt's modules (once)"]


def test_what_is_compiled_is_left_alone(package):
    bytecode.compile_salt(lambda _line: None)
    said = []
    bytecode.compile_salt(said.append)
    assert said == []


def test_a_missing_salt_is_left_to_its_users(monkeypatch):
    monkeypatch.setattr(bytecode, "_home", lambda _package: None)
    bytecode.compile_salt(pytest.fail)
