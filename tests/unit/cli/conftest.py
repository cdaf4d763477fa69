"""coconut in this process, in an empty folder, with a control that speaks the contract."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from salt_o2.cli.app import run
from tests.support.fakes.control_server import fake_control


@dataclass
class Done:
    """What one command line came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A folder without a cluster, and no variable that names one."""
    monkeypatch.chdir(tmp_path)
    for name in ("O2_CONTROL", "SALT_CONFIG_DIR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def control(nowhere, monkeypatch):
    with fake_control(nowhere / "o2_control.ipc") as control:
        monkeypatch.setenv("O2_CONTROL", str(control.path))
        yield control


@pytest.fixture
def coconut(nowhere, capsys):
    """Runs one command line and returns its exit code and what it printed."""

    def carry_out(line: str | list[str]) -> Done:
        words = line.split() if isinstance(line, str) else line
        with pytest.raises(SystemExit) as end:
            run(words)
        captured = capsys.readouterr()
        return Done(int(end.value.code or 0), captured.out, captured.err)

    return carry_out
