"""Control groups of tasks, on a folder that looks like one: what is written where, and what it means."""

from pathlib import Path

import pytest

from salt_o2.core.plan.launch import Limits
from salt_o2.linux import cgroup

MOUNTS = "proc /proc proc rw 0 0\ncgroup2 {place} cgroup2 rw 0 0\n"
LIMITS = Limits(cpu=0.5, memory_mb=256.0, pids=64)


@pytest.fixture
def hierarchy(tmp_path, monkeypatch):
    """A mounted hierarchy with the group of a minion's service."""
    service = tmp_path / "cg" / "system.slice" / "salt-minion.service"
    for folder in (service, service / "minion"):
        folder.mkdir(parents=True)
        (folder / "cgroup.procs").touch()
    (tmp_path / "mounts").write_text(MOUNTS.format(place=tmp_path / "cg"))
    monkeypatch.setattr(cgroup, "MOUNTS", tmp_path / "mounts")
    monkeypatch.setattr(cgroup, "OWN", tmp_path / "own")
    cgroup.base.cache_clear()
    yield service
    cgroup.base.cache_clear()


def is_in(hierarchy, inside):
    hierarchy.parents[2].joinpath("own").write_text(f"9:name=systemd:/x\n0::{inside}\n")


def group(tmp_path, controllers="", **files):
    path = tmp_path / "o2-x"
    path.mkdir()
    (path / "cgroup.controllers").write_text(controllers)
    for name, text in files.items():
        (path / name.replace("_", ".", 1)).write_text(text)
    return cgroup.Group(path)


def written(group):
    names = ("memory.max", "memory.oom.group", "cpu.max", "pids.max")
    return {name: (group.path / name).read_text() for name in names if (group.path / name).exists()}


def test_control_groups_are_made_inside_the_group_of_the_agent(hierarchy):
    is_in(hierarchy, "/system.slice/salt-minion.service")
    assert cgroup.base() == hierarchy


def test_control_groups_are_made_beside_the_delegated_group_of_systemd(hierarchy):
    is_in(hierarchy, "/system.slice/salt-minion.service/minion")
    assert cgroup.base() == hierarchy


def test_without_cgroup_version_2_tasks_have_no_control_groups(hierarchy, tmp_path):
    is_in(hierarchy, "/system.slice/salt-minion.service")
    (tmp_path / "mounts").write_text("cgroup /sys/fs/cgroup/memory cgroup rw 0 0\n")
    assert cgroup.base() is None
    assert cgroup.make(tmp_path, LIMITS, None) is None
    assert cgroup.find(tmp_path, None) is None


def test_limits_are_written_to_existing_controllers(tmp_path):
    made = group(tmp_path, "cpu memory pids")
    made.limit(LIMITS)
    assert written(made) == {
        "memory.max": str(256 * 1024 * 1024),
        "memory.oom.group": "1",
        "cpu.max": "50000 100000",
        "pids.max": "64",
    }


def test_limits_of_missing_controllers_are_not_written(tmp_path):
    made = group(tmp_path, "pids")
    made.limit(LIMITS)
    assert set(written(made)) == {"pids.max"}


def test_a_missing_limit_is_not_written(tmp_path):
    made = group(tmp_path, "cpu memory pids")
    made.limit(Limits())
    assert written(made) == {}


@pytest.mark.parametrize(
    ("events", "said"),
    [("low 0\noom 1\noom_kill 2\n", "more memory than its limit of 256 MB"), ("oom_kill 0\n", "")],
    ids=["killed", "fine"],
)
def test_the_kernel_says_whether_memory_was_exceeded(tmp_path, events, said):
    made = group(tmp_path, "memory", memory_events=events)
    assert said in made.excess(LIMITS)
    assert bool(made.excess(LIMITS)) == bool(said)
    assert made.excess(Limits()) == ""


@pytest.mark.parametrize(
    ("events", "said"),
    [("max 3\n", "more processes and threads, and its limit is 64"), ("max 0\n", "")],
    ids=["refused", "fine"],
)
def test_the_kernel_says_whether_a_process_was_refused(tmp_path, events, said):
    made = group(tmp_path, "pids", pids_events=events)
    assert said in made.excess(LIMITS)
    assert bool(made.excess(LIMITS)) == bool(said)
    assert made.excess(Limits(memory_mb=256.0)) == ""


def test_each_task_has_a_group_of_its_own(tmp_path):
    names = {cgroup.name_of(tmp_path / agent / "tasks" / "sink") for agent in ("a", "b")}
    assert len(names) == 2
    assert all(name.startswith("o2-") for name in names)


def test_operations_on_a_missing_control_group_do_nothing(tmp_path):
    gone = cgroup.Group(tmp_path / "nothing")
    gone.remove()
    gone.kill()
    assert (gone.processes, gone.holds("memory"), gone.excess(LIMITS)) == ([], False, "")


@pytest.mark.skipif(cgroup.base() is None, reason="no cgroup v2 that this user may write: not tried for real")
def test_a_real_group_is_made_and_removed(tmp_path):
    made = cgroup.make(tmp_path / "task", Limits(), cgroup.base())
    assert made is not None
    try:
        assert cgroup.find(tmp_path / "task", cgroup.base()) == made
        assert made.processes == []
    finally:
        made.remove()
    assert not Path(made.path).exists()


@pytest.mark.parametrize(
    ("events", "age_s", "stays"),
    [("populated 0\n", 61, False), ("populated 1\n", 61, True), ("populated 0\n", 1, True)],
    ids=["stale", "lived-in", "young"],
)
def test_leftover_groups_are_removed(tmp_path, monkeypatch, events, age_s, stays):
    path = tmp_path / "o2-x"
    path.mkdir()
    (path / "cgroup.events").write_text(events)
    now = path.stat().st_mtime + age_s
    removed = []
    monkeypatch.setattr("pathlib.Path.rmdir", lambda gone: removed.append(gone))
    assert cgroup.sweep(tmp_path, now) == (0 if stays else 1)
    assert removed == ([] if stays else [path])
    assert cgroup.sweep(None, now) == 0
