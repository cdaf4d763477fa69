"""Files below one folder: no name and no link leads out of it, whatever an author makes of them."""

import os
from pathlib import Path

import pytest

from salt_o2.core.errors import O2Error
from salt_o2.site.configuration.tree_backends import Folder
from salt_o2.workflow.sources.confined_files import files_within, is_file_within, names_within, read_within
from salt_o2.workflow.sources.directory import Directory

SECRET = "name: secret\ncommand: {value: secret}\n"


@pytest.fixture
def folder(tmp_path):
    """A repository beside a file and a folder that its readers must not reach."""
    for path in ("repo/workflows", "repo/tasks", "repo/jit", "repo/common", "outside/tasks"):
        (tmp_path / path).mkdir(parents=True)
    (tmp_path / "outside/secret.yaml").write_text(SECRET)
    (tmp_path / "outside/tasks/secret.yaml").write_text(SECRET)
    (tmp_path / "repo/tasks/good.yaml").write_text("name: good\n")
    (tmp_path / "repo/common/shared.yaml").write_text("name: shared\n")
    return tmp_path / "repo"


def link(folder, name, target):
    (folder / name).symlink_to(target)
    return name


OUT = {
    "absolute": ("tasks/x.yaml", lambda folder: folder.parent / "outside/secret.yaml"),
    "relative": ("tasks/x.yaml", lambda _: "../../outside/secret.yaml"),
    "out and in again": ("tasks/x.yaml", lambda _: "../../repo/tasks/good.yaml"),
    "absolute, to itself": ("tasks/x.yaml", lambda folder: folder / "tasks/good.yaml"),
    "by proc": ("tasks/x.yaml", lambda _: "/proc/self/environ"),
}


@pytest.mark.finding("2.4")
@pytest.mark.finding("3.5")
@pytest.mark.parametrize("case", OUT)
def test_a_link_that_leads_out_is_not_followed(folder, case):
    name, target = OUT[case]
    link(folder, name, target(folder))
    with pytest.raises(OSError, match="leads out of"):
        read_within(folder, name, 100)
    assert not is_file_within(folder, name)
    assert sorted(files_within(folder)) == ["common/shared.yaml", "tasks/good.yaml"]


@pytest.mark.finding("2.4")
def test_links_to_links_and_to_folders_do_not_lead_out_either(folder):
    link(folder, "jit/up", "../..")
    link(folder, "tasks/x.yaml", "../jit/up/outside/secret.yaml")
    link(folder, "tasks/inner", "../../outside/tasks")
    for name in ("tasks/x.yaml", "jit/up/outside/secret.yaml", "tasks/inner/secret.yaml"):
        with pytest.raises(OSError, match="leads out of"):
            read_within(folder, name, 100)


@pytest.mark.parametrize("name", ["../outside/secret.yaml", "tasks/../../outside/secret.yaml", "/etc/passwd"])
def test_a_name_that_leads_out_is_refused(folder, name):
    with pytest.raises(OSError, match="leads out of"):
        read_within(folder, name, 100)


def test_links_that_stay_inside_are_followed(folder):
    link(folder, "tasks/a.yaml", "../common/shared.yaml")
    link(folder, "jit/all", "../common")
    link(folder, "tasks/b.yaml", "../jit/all/./shared.yaml")
    link(folder, "tasks/c.yaml", "a.yaml")
    for name in ("tasks/a.yaml", "tasks/b.yaml", "tasks/c.yaml", "jit/all/shared.yaml"):
        assert read_within(folder, name, 100) == b"name: shared\n"
    assert names_within(folder, "jit/all") == ["shared.yaml"]


def test_the_folder_itself_may_be_a_link(folder, tmp_path):
    (tmp_path / "current").symlink_to(folder)
    assert read_within(tmp_path / "current", "tasks/good.yaml", 4) == b"name"


@pytest.mark.parametrize("target", ["x.yaml", "y.yaml"])
def test_a_link_that_leads_nowhere_is_an_error(folder, target):
    link(folder, "tasks/x.yaml", target)
    with pytest.raises(OSError, match=r"Too many levels|No such file"):
        read_within(folder, "tasks/x.yaml", 100)


def test_a_path_that_is_no_file_is_not_waited_for(folder):
    os.mkfifo(folder / "tasks/x.yaml")
    for name in ("tasks/x.yaml", "tasks"):
        with pytest.raises(OSError, match="no regular file"):
            read_within(folder, name, 100)


def test_no_descriptor_is_left_open(folder):
    link(folder, "tasks/x.yaml", "../../outside/secret.yaml")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for name in ("tasks/x.yaml", "tasks/good.yaml", "tasks/none.yaml", "tasks/good.yaml/x"):
        is_file_within(folder, name)
    names_within(folder, "tasks")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def _directory(folder):
    source = Directory(folder)
    return {
        "workflow": lambda: source.workflow("x").text,
        "task": lambda: source.task("x").text,
        "list": lambda: str(source.workflows()),
        "stamp": lambda: str(source.stamp("x")),
        "revision": source.revision,
    }


def _configuration(folder):
    tree = Folder(folder)
    return {
        "get": lambda: str(tree.get("o2/tasks/x.yaml")),
        "get of a tree": lambda: str(tree.get("o2/tasks/x/name")),
        "get of a link": lambda: str(tree.get("o2/plain")),
        "keys": lambda: str(tree.keys("o2")),
    }


@pytest.mark.finding("2.4")
@pytest.mark.parametrize("readers", [_directory, _configuration])
def test_no_reader_shows_what_a_link_leads_to(folder, readers):
    for name in ("workflows/x.yaml", "tasks/x.yaml", "plain"):
        link(folder, name, folder.parent / "outside/secret.yaml")
    for name, reader in readers(folder).items():
        try:
            told = reader()
        except O2Error as error:
            told = str(error)
        assert "secret" not in told.replace("outside/secret.yaml", ""), name


@pytest.mark.finding("2.4")
def test_a_folder_that_is_a_link_is_not_listed(folder):
    (folder / "tasks/good.yaml").unlink()
    (folder / "tasks").rmdir()
    link(folder, "tasks", Path("/etc"))
    with pytest.raises(O2Error, match="leads out of"):
        Directory(folder).task("good")
