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


def test_uncompiled_modules_of_salt_are_compiled_with_a_message(package):
    said = []
    bytecode.compile_salt(said.append)
    assert list(package.rglob("lazy.*.pyc"))
    assert said == ["compiling Salt's modules (once)"]


def test_compiled_modules_of_salt_are_not_compiled_again(package):
    bytecode.compile_salt(lambda _line: None)
    said = []
    bytecode.compile_salt(said.append)
    assert said == []


def test_a_missing_salt_is_not_compiled(monkeypatch):
    monkeypatch.setattr(bytecode, "_home", lambda _package: None)
    bytecode.compile_salt(pytest.fail)
