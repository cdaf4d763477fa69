"""coconut answers at once, so it may import only what the command needs."""

import gc
import subprocess
import sys

import pytest

from salt_o2.cli import main

HEAVY = ("salt", "grpc", "jinja2", "sqlalchemy", "transitions", "asyncio", "tornado", "yaml", "rich")

SCRIPT = """
import sys
from salt_o2.cli.app import run
try:
    run(sys.argv[1:])
except SystemExit:
    pass
print("LOADED", *sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.mark.parametrize("line", ["env list", "env show x -tw", "task list", "about", "cluster status"])
def test_a_command_imports_nothing_heavy(nowhere, line):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *line.split()], capture_output=True, text=True, check=True, cwd=nowhere
    )
    loaded = done.stdout.rpartition("LOADED")[2].split()
    assert set(loaded) & set(HEAVY) == set()
    assert "typer" in loaded


def test_the_search_for_garbage_that_the_start_has_paused_continues_in_the_command(monkeypatch):
    seen = []
    monkeypatch.setattr("salt_o2.cli.app.run", lambda: seen.append(gc.isenabled()))
    main()
    assert seen == [True]
