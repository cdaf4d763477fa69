"""Removal of trees that tasks have written."""

import os
import subprocess

import pytest

from salt_o2.linux import tree_removal
from salt_o2.linux.tree_removal import FEW, remove_tree


@pytest.fixture
def no_process(monkeypatch):
    def fail(*_, **__):
        raise AssertionError("another process was started")

    monkeypatch.setattr(subprocess, "run", fail)


def test_a_directory_of_a_few_files_is_removed_without_another_process(tmp_path, no_process):
    folder = tmp_path / "task"
    folder.mkdir()
    for name in ("stdout", "stderr", "status"):
        (folder / name).write_text(name)
    assert remove_tree(folder)
    assert not folder.exists()


def test_a_link_in_a_directory_is_removed_and_its_target_stays(tmp_path, no_process):
    outside, folder = tmp_path / "outside", tmp_path / "task"
    outside.write_text("kept")
    folder.mkdir()
    (folder / "link").symlink_to(outside)
    assert remove_tree(folder)
    assert outside.read_text() == "kept"


def test_a_link_instead_of_a_directory_is_removed_alone(tmp_path, no_process):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("kept")
    (tmp_path / "task").symlink_to(outside)
    assert remove_tree(tmp_path / "task")
    assert (outside / "file").read_text() == "kept"


@pytest.mark.parametrize("levels", [1, 1200])
def test_a_deep_tree_is_removed(tmp_path, levels):
    here = os.open(tmp_path, os.O_RDONLY)
    (tmp_path / "task").mkdir()
    deeper = os.open("task", os.O_RDONLY, dir_fd=here)
    for _ in range(levels):
        os.mkdir("deeper", dir_fd=deeper)
        below = os.open("deeper", os.O_RDONLY, dir_fd=deeper)
        os.close(deeper)
        deeper = below
    os.close(deeper)
    os.close(here)
    assert remove_tree(tmp_path / "task")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_of_many_files_is_removed(tmp_path):
    folder = tmp_path / "task"
    folder.mkdir()
    for number in range(FEW + 1):
        (folder / str(number)).write_text("")
    assert remove_tree(folder)
    assert not folder.exists()


def test_a_missing_directory_counts_as_removed(tmp_path):
    assert tree_removal.remove_tree(tmp_path / "nothing")
