"""Into Salt's onedir by Salt's own ``salt-pip``, as far as that can be had without Salt's packages.

A virtual environment stands for the onedir: ``sys.RELENV`` makes ``salt.scripts.salt_pip`` take it for one,
a path file puts the folder of extras into the search path, as the onedir's own start-up does. Not tried here:
the Python that the packages bring, its glibc, and upgrades of the packages.
"""

import json
import subprocess
import sys
import sysconfig

import pytest

from tests.support.machines import wheelhouse

pytestmark = [pytest.mark.integration, pytest.mark.patient, pytest.mark.timeout(300)]
SALT_PIP = """
import pathlib, sys
sys.RELENV = pathlib.Path({home!r})
sys.argv = ["salt-pip", {words}]
from salt.scripts import salt_pip
salt_pip()
"""
FOUND = """
import json, salt.config, salt.loader
opts = salt.config.minion_config({config!r})
modules = salt.loader.minion_mods(opts)
import salt_o2
print(json.dumps({{"from": salt_o2.__file__, "tasks": "o2.tasks" in modules}}))
"""


class Onedir:
    """The environment that stands for /opt/saltstack/salt."""

    def __init__(self, home):
        self.home = home
        self.extras = home / f"extras-{sys.version_info.major}.{sys.version_info.minor}"
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        (site,) = home.glob("lib/python3*/site-packages")
        # A path in a .pth file is searched, but no .pth files in it are read: no editable install of ours.
        (site / "onedir.pth").write_text(f"{self.extras}\n{sysconfig.get_path('purelib')}\n")
        (home / "minion").write_text(json.dumps({"root_dir": str(home), "user": "root", "id": "here"}))

    def python(self, script):
        words = [str(self.home / "bin" / "python"), "-c", script]
        environ = {"PATH": "/usr/bin:/bin", "SALT_CONFIG_DIR": str(self.home), "HOME": str(self.home)}
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=environ, cwd=self.home)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def salt_pip(self, *words):
        listed = ", ".join(repr(word) for word in words)
        return self.python(SALT_PIP.format(home=str(self.home), words=listed))


@pytest.fixture(scope="module")
def onedir(tmp_path_factory):
    """A onedir into which salt-pip has installed the project's wheel, without a way to an index."""
    folder = tmp_path_factory.mktemp("onedir")
    wheel = wheelhouse.project_wheel(folder)
    onedir = Onedir(folder / "salt")
    onedir.salt_pip("install", "-q", "--no-index", "--no-deps", str(wheel))
    return onedir


def test_all_files_are_installed_into_the_folder_that_an_upgrade_of_salt_keeps(onedir):
    assert (onedir.extras / "salt_o2" / "modules" / "o2.py").is_file()
    assert (onedir.extras / "salt_o2" / "states" / "o2" / "host.sls").is_file()
    assert not list(onedir.home.glob("lib/python3*/site-packages/salt_o2*"))


def test_salt_finds_the_modules_in_the_onedir(onedir):
    found = json.loads(onedir.python(FOUND.format(config=str(onedir.home / "minion"))).splitlines()[-1])
    assert found == {"from": str(onedir.extras / "salt_o2" / "__init__.py"), "tasks": True}


@pytest.mark.parametrize("command", ["coconut", "o2-device"])
def test_the_commands_lie_in_bin_of_that_folder(onedir, command):
    done = subprocess.run(
        [onedir.extras / "bin" / command, "--help"], capture_output=True, text=True, check=True
    )
    assert "usage" in done.stdout.lower()


def test_doctor_runs_in_the_onedir_and_names_missing_settings(onedir):
    words = [onedir.extras / "bin" / "coconut", "doctor", "-c", onedir.home, "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    advice = {each["check"]: each["advice"] for each in json.loads(done.stdout)["verdicts"]}
    assert "o2_agent" in advice["minion's engine"]
