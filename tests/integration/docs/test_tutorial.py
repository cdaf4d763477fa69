"""Tutorial and how-to pages do what they say: every command is run, in order, as a reader would type it."""

import os
import re
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from salt_o2.cluster import down, up
from salt_o2.cluster.processes import marked
from tests.support.clusters.private_cluster import PrivateCluster
from tests.support.documents.page_reader import (
    DOCS,
    HOW_TOS,
    TUTORIALS,
    Commands,
    Lessons,
    Written,
    breaks_its_cluster,
    needs,
    read_page,
)

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]  # a page is many commands of Salt

ROOT = DOCS.parent
PATIENCE_S = 30.0
PERIOD_S = 0.3
RUN = [path for path in HOW_TOS if any(isinstance(block, Commands) for block in read_page(path))]


class Shell:
    """One bash in which commands follow each other, with what they leave behind."""

    END = "--- that was all, exit code "

    def __init__(self, folder: Path, **more: str) -> None:
        environ = {name: value for name, value in os.environ.items() if name not in _NOT_A_READERS}
        path = f"{sysconfig.get_path('scripts')}:{Path(sys.executable).parent}:{environ['PATH']}"
        self.bash = subprocess.Popen(
            ["bash", "--norc"],
            cwd=folder,
            env=environ | {"PATH": path} | more,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str) -> tuple[int, str]:
        """Return the exit code of a command and what it printed."""
        self.bash.stdin.write(f"{{ {command}\n}} < /dev/null\nprintf '\\n{self.END}%d\\n' $?\n")
        self.bash.stdin.flush()
        lines = []
        for line in self.bash.stdout:
            if line.startswith(self.END):
                return int(line.removeprefix(self.END)), "".join(lines)
            lines.append(line)
        raise AssertionError(f"the shell has ended during {command}:\n{''.join(lines)}")

    def close(self) -> None:
        """End the shell."""
        self.bash.stdin.close()
        self.bash.stdout.close()
        self.bash.wait(10)


_NOT_A_READERS = ("PYTHONDONTWRITEBYTECODE", "PYTHONWARNINGS", "SALT_CONFIG_DIR", "O2_CONTROL")


def follow(page, folder, shell):
    """Do what the page says."""
    lessons = Lessons()
    for block in read_page(page):
        if isinstance(block, Written):
            (folder / block.path).parent.mkdir(parents=True, exist_ok=True)
            (folder / block.path).write_text(block.text)
        elif not block.note("run by") and not block.note("not run"):
            run_block(block, shell, lessons, f"{page.name}:{block.line}")


def run_block(block, shell, lessons, place):
    """Run the commands of one block, and compare."""
    printed = ""
    for command in block.commands:
        wanted = block.exit_code if command is block.commands[-1] else 0
        code, out = shell.run(lessons.apply(command))
        assert code == wanted, f"{place}: {lessons.apply(command)} ended with {code}:\n{out}"
        printed += out
    for pattern in map(lessons.apply, block.note("until")):
        printed = repeat(lessons.apply(block.commands[-1]), shell, printed, pattern, place)
    for text in map(lessons.apply, block.note("expect")):
        assert text in printed, f"{place}: expected {text!r} in:\n{printed}"
    for pattern in block.note("learn"):
        lessons.learn(pattern, block.sample, printed)


def repeat(command, shell, printed, pattern, place):
    """Run a command again until it prints what is awaited."""
    end = time.monotonic() + PATIENCE_S
    while not re.search(pattern, printed):
        assert time.monotonic() < end, f"{place}: waited in vain for {pattern} in:\n{printed}"
        time.sleep(PERIOD_S)
        _, printed = shell.run(command)
    return printed


@pytest.fixture
def opened():
    """Opens shells; they end with the test."""
    shells = []

    def open_shell(folder, **more):
        shells.append(Shell(folder, **more))
        return shells[-1]

    yield open_shell
    for shell in shells:
        shell.close()


@pytest.fixture(scope="module")
def own_cluster(tmp_path_factory):
    """A cluster for pages that restart daemons; slow heartbeats, so that a busy machine loses no host."""
    directory = tmp_path_factory.mktemp("own") / "private"
    yield PrivateCluster.of(up(directory, heartbeat_s=10))
    down(directory)
    assert marked(directory) == []


def test_the_first_run_matches_the_tutorial(tmp_path, opened):
    (tmp_path / ".venv").symlink_to(sys.prefix)
    try:
        follow(DOCS / "tutorial/first-run.md", tmp_path, opened(tmp_path))
    finally:
        left = marked(tmp_path / ".cluster")
        down(tmp_path / ".cluster")
    assert left == []
    assert [path.name for path in tmp_path.iterdir()] == [".venv"]


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.stem)
def test_a_how_to_works_as_written(page, request, tmp_path, opened):
    for variable in needs(page):
        if not os.environ.get(variable):
            pytest.skip(f"{variable} is not set")
    cluster = request.getfixturevalue("own_cluster" if breaks_its_cluster(page) else "cluster")
    (tmp_path / ".cluster").symlink_to(cluster.directory)
    try:
        follow(page, tmp_path, opened(tmp_path, SALT_CONFIG_DIR=str(cluster.config_dir)))
        assert cluster.ask("env_list") == [], "a page must take away what it made"
    finally:
        for env in cluster.ask("env_list"):
            cluster.ask("env_destroy", id=env["id"], force=True)
        for block in read_page(page):
            if isinstance(block, Written):
                (tmp_path / block.path).unlink(missing_ok=True)


@pytest.mark.parametrize("page", [*TUTORIALS, *HOW_TOS], ids=lambda page: page.stem)
def test_commands_that_a_page_does_not_run_have_a_test(page):
    commands = [block for block in read_page(page) if isinstance(block, Commands)]
    for told in (path for block in commands for path in block.note("run by")):
        assert (ROOT / told).is_file(), f"{page.name}: there is no {told}"
