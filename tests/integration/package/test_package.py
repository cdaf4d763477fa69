"""The package as people get it: built, installed into a fresh environment, and found by Salt."""

import json
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.support.machines import wheelhouse

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
BUILD = "from setuptools import build_meta; print(build_meta.build_{kind}({folder!r}))"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A fresh environment that has what the lock file names, seen from here, but nothing of ours."""
    home = tmp_path_factory.mktemp("fresh") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    # A path in a .pth file is searched, but .pth files in it are not read: so no editable install of ours.
    (site_of(home) / "theirs.pth").write_text(sysconfig.get_path("purelib") + "\n")
    ask(home, "-m", "pip", "install", "-q", "setuptools>=77", "setuptools-scm>=8")
    return home


def site_of(home):
    return next(home.glob("lib/python3*/site-packages"))


def ask(home, *words, cwd=None):
    done = subprocess.run(
        [str(home / "bin" / "python"), *words], capture_output=True, text=True, check=False, cwd=cwd or home
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(fresh, tmp_path_factory):
    """An sdist of the sources outside git, and the wheel that is made of that sdist."""
    out = tmp_path_factory.mktemp("dist")
    source = wheelhouse.copy_source(out / "source")
    ask(fresh, "-c", BUILD.format(kind="sdist", folder=str(out)), cwd=source)
    (sdist,) = out.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(out / "unpacked")  # made a moment ago by us; Python 3.11.2 knows no filter
    (unpacked,) = (out / "unpacked").iterdir()
    (unpacked / "build/lib/salt_o2").mkdir(parents=True)
    (unpacked / "build/lib/salt_o2/forgotten.py").write_text("# of an earlier build\n")
    ask(fresh, "-c", BUILD.format(kind="wheel", folder=str(out)), cwd=unpacked)
    (wheel,) = out.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def installed(fresh, built):
    ask(fresh, "-m", "pip", "install", "-q", "--no-deps", "--no-index", str(built[1]))
    return fresh


def tracked(*folders):
    listed = subprocess.run(
        ["git", "ls-files", *folders], cwd=wheelhouse.ROOT, capture_output=True, check=True, text=True
    )
    return [name for name in listed.stdout.splitlines() if (wheelhouse.ROOT / name).is_file()]


def test_the_wheel_has_every_file_of_the_folders_that_salt_and_control_serve(built):
    inside = set(zipfile.ZipFile(built[1]).namelist())
    for name in tracked("states", "reactor", "pillar", "examples", "modules", "runners"):
        assert f"salt_o2/{name}" in inside


def test_the_wheel_has_the_library_with_its_types_and_nothing_else(built):
    inside = set(zipfile.ZipFile(built[1]).namelist())
    for name in tracked("salt_o2"):
        assert name in inside or not name.endswith((".py", ".pyi", "py.typed"))
    assert {name.split("/")[0].split("-")[0] for name in inside} == {"salt_o2"}


def test_leftovers_of_an_earlier_build_are_not_in_the_wheel(built):
    assert "salt_o2/forgotten.py" not in zipfile.ZipFile(built[1]).namelist()


def test_the_source_distribution_has_what_the_wheel_is_made_of_and_the_papers(built):
    with tarfile.open(built[0]) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    papers = {"CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "pyproject.toml", "setup.py"}
    assert inside >= papers | set(tracked("states", "reactor", "pillar", "examples", "modules", "runners"))


def test_outside_git_the_version_is_the_fallback(built):
    assert {path.name.split("-")[1].removesuffix(".tar.gz") for path in built} == {"0.1.0"}


def test_in_git_the_version_counts_the_commits_since_the_last_release(fresh, tmp_path):
    subprocess.run(["git", "clone", "-q", str(wheelhouse.ROOT), str(tmp_path / "clone")], check=True)
    commit = subprocess.run(
        ["git", "rev-parse", "--short=7", "HEAD"],
        cwd=wheelhouse.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    version = ask(fresh, "-m", "setuptools_scm", cwd=tmp_path / "clone").strip()
    assert f"+g{commit.stdout.strip()}" in version


LOADER = """
import json, sys
import salt.config, salt.loader
master = salt.config.master_config({master!r})
minion = salt.config.minion_config({minion!r})
modules = salt.loader.minion_mods(minion)
found = {{
    "modules": modules,
    "states": salt.loader.states(minion, modules, {{}}, None),
    "runners": salt.loader.runner(master),
    "engines": salt.loader.engines({{**minion, "__role": "minion"}}, modules, {{}}, {{}}),
    "control": salt.loader.engines({{**master, "__role": "master"}}, modules, {{}}, {{}}),
    "outputters": salt.loader.outputters(minion),
}}
print(json.dumps({{kind: [name for name in loader if "o2" in name] for kind, loader in found.items()}}))
"""


@pytest.fixture(scope="module")
def loaded(installed, tmp_path_factory):
    """What Salt finds of ours in the fresh environment, by kind."""
    folder = tmp_path_factory.mktemp("conf")
    root = {"root_dir": str(folder), "user": "root", "id": "here"}
    for daemon in ("master", "minion"):
        (folder / daemon).write_text(json.dumps(root))
    script = LOADER.format(master=str(folder / "master"), minion=str(folder / "minion"))
    return json.loads(ask(installed, "-c", script).splitlines()[-1])


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("modules", "o2.tasks"),
        ("states", "o2_environment.running"),
        ("runners", "o2.env_create"),
        ("engines", "o2_agent.start"),
        ("control", "o2_control.start"),
        ("outputters", "o2"),
    ],
)
def test_salt_finds_the_installed_modules(loaded, kind, name):
    assert name in loaded[kind]


def test_the_files_that_are_served_lie_in_the_environment(installed):
    for folder in ("states/o2", "reactor", "pillar", "examples"):
        place = Path(ask(installed, "-m", "salt_o2.where", folder).strip())
        assert place.is_relative_to(site_of(installed))
        assert place.is_dir()


def test_the_installed_command_coconut_runs(installed):
    about = subprocess.run(
        [str(installed / "bin" / "coconut"), "about", "--json"], capture_output=True, text=True, check=True
    )
    assert json.loads(about.stdout)["version"] == "0.1.0"
