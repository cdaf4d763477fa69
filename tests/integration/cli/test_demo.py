"""The demo as a newcomer runs it, to its end and interrupted: afterwards nothing is left."""

import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from salt_o2.cluster.processes import marked

pytestmark = pytest.mark.integration

COCONUT = [sys.executable, str(Path(sysconfig.get_path("scripts")) / "coconut")]


@pytest.fixture
def sockets():
    """A short folder for sockets."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def demo(tmp_path, sockets):
    """Starts the demo in an empty folder."""
    (tmp_path / "here").mkdir()
    with started(tmp_path / "here", sockets) as demo:
        yield demo
    assert marked(tmp_path / "here" / ".cluster") == []
    assert list((tmp_path / "here").iterdir()) == []
    assert list(sockets.iterdir()) == []


@contextmanager
def started(folder, sockets):
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environ |= {"PYTHONUNBUFFERED": "1", "XDG_RUNTIME_DIR": str(sockets)}
    with subprocess.Popen(
        [*COCONUT, "demo", "--seconds", "1", "--minions", "2"],
        cwd=folder,
        env=environ,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as demo:
        try:
            yield demo
        finally:
            demo.kill()


def test_the_demo_takes_data_and_leaves_nothing(demo):
    out, _ = demo.communicate(timeout=100)
    assert demo.returncode == 0, out
    assert "[RUNNING] sink → task" in out
    assert ", 0 are missing." in out


@pytest.mark.parametrize("moment", ["started master", "DEPLOY", "RUNNING"])
def test_ctrl_c_cleans_up_at_any_moment(demo, moment):
    interrupt(demo, moment)


def test_ctrl_c_on_an_existing_cluster_removes_only_the_environment_of_the_demo(cluster, tmp_path, sockets):
    (tmp_path / ".cluster").symlink_to(cluster.directory)
    with started(tmp_path, sockets) as demo:
        interrupt(demo, "$ coconut task log")
    assert cluster.ask("env_list") == []
    assert {host["id"] for host in cluster.ask("host_list")} == set(cluster.minions)


def interrupt(demo, moment):
    for line in demo.stdout:
        if moment in line:
            break
    demo.send_signal(signal.SIGINT)
    out, _ = demo.communicate(timeout=100)
    assert demo.returncode == 130, out
