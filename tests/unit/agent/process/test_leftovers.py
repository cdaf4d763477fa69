"""What killed tasks leave behind, and what of it may be taken away."""

import mmap
import os
import socket

import pytest

from salt_o2.agent.process import leftovers
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode

UID = os.geteuid()


@pytest.fixture
def shm(tmp_path, monkeypatch):
    """A folder in the place of /dev/shm."""
    monkeypatch.setattr(leftovers, "SHM", tmp_path)
    return tmp_path


def device(*arguments, **more):
    return Launch(mode=ControlMode.FAIRMQ, value="device", arguments=arguments, **more)


def segments(shm, session, uid=UID):
    found = [shm / f"fmq_{leftovers.shm_id(session, uid)}_{part}" for part in ("mng", "m_0")]
    for path in found:
        path.touch()
    return found


def dead_socket(path):
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))
    return path


def channel(address, method="bind"):
    return {"chans.data.0.address": address, "chans.data.0.method": method, "chans.data.0.type": "push"}


def test_the_id_of_a_session_is_fairmqs():
    # printf 0default | sha256sum, as FairMQ's shmem/Common.cxx does it for root's default session
    assert leftovers.shm_id("default", 0) == "f8fb93a1"


@pytest.mark.parametrize(
    ("launch", "session"),
    [
        (device("--session", "run7"), "run7"),
        (device("--session=run7", "--id", "x"), "run7"),
        (device("--id", "x"), "default"),
        (Launch(mode=ControlMode.FAIRMQ, value="device --session run7 --id x", shell=True), "run7"),
    ],
    ids=["two-words", "one-word", "none", "shell"],
)
def test_the_session_stands_on_the_command_line(launch, session):
    assert leftovers.session_of(launch) == session


def test_the_segments_of_an_ended_session_are_removed(shm):
    paths = segments(shm, "run7")
    assert sorted(leftovers.clear(device("--session", "run7"), None, UID)) == sorted(paths)
    assert list(shm.iterdir()) == []


def test_segments_of_other_sessions_and_users_are_not_removed(shm):
    kept = {*segments(shm, "run8"), *segments(shm, "run7", uid=UID + 1)}
    assert leftovers.clear(device("--session", "run7"), None, UID) == []
    assert set(shm.iterdir()) == kept


def test_the_default_session_is_not_cleared(shm):
    segments(shm, "default")
    assert leftovers.clear(device(), None, UID) == []


def test_a_session_in_use_is_not_cleared(shm):
    main = segments(shm, "run7")[0]
    main.write_bytes(b"x" * 4096)
    with main.open("r+b") as file, mmap.mmap(file.fileno(), 4096):
        assert leftovers.clear(device("--session", "run7"), None, UID) == []
        assert main not in leftovers.unused_segments()
    assert leftovers.clear(device("--session", "run7"), None, UID) != []


def test_unused_segments_are_found(shm):
    assert leftovers.unused_segments() == []
    paths = segments(shm, "run7")
    (shm / "of-another-program").touch()
    assert leftovers.unused_segments() == sorted(paths)


def test_a_dead_socket_is_removed(tmp_path):
    path = dead_socket(tmp_path / "data")
    assert leftovers.clear(device(), channel(f"ipc://{path}"), os.geteuid()) == [path]
    assert not path.exists()


def test_all_sockets_of_a_channel_are_inspected(tmp_path):
    paths = [dead_socket(tmp_path / name) for name in ("one", "two")]
    properties = channel(f"ipc://{paths[0]},@ipc://{paths[1]}")
    assert list(leftovers.dead_sockets(properties)) == paths


def test_a_socket_with_a_listener_stays(tmp_path):
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "data"))
        bound.listen()
        assert leftovers.clear(device(), channel(f"ipc://{tmp_path}/data"), os.geteuid()) == []


@pytest.mark.parametrize(
    "properties",
    [
        channel("ipc://{path}", method="connect"),
        channel("ipc://@{path}"),
        channel("tcp://*:9000"),
        {"other.address": "ipc://{path}"},
    ],
    ids=["connected", "abstract", "tcp", "no-channel"],
)
def test_a_socket_that_the_task_did_not_bind_stays(tmp_path, properties):
    path = dead_socket(tmp_path / "data")
    filled = {key: value.replace("{path}", str(path)) for key, value in properties.items()}
    assert leftovers.clear(device(), filled, os.geteuid()) == []
    assert path.exists()


def test_a_file_that_is_no_socket_is_not_removed(tmp_path):
    (tmp_path / "data").write_text("years of work")
    assert leftovers.clear(device(), channel(f"ipc://{tmp_path}/data"), os.geteuid()) == []


@pytest.mark.finding("X3")
def test_no_file_in_a_folder_behind_a_link_is_removed(tmp_path):
    (tmp_path / "true").mkdir()
    path = dead_socket(tmp_path / "true" / "data")
    (tmp_path / "link").symlink_to(tmp_path / "true")
    assert leftovers.clear(device(), channel(f"ipc://{tmp_path}/link/data"), os.geteuid()) == []
    assert path.exists()


@pytest.mark.finding("X3")
def test_a_socket_of_another_account_is_not_removed(tmp_path):
    path = dead_socket(tmp_path / "data")
    assert leftovers.clear(device(), channel(f"ipc://{path}"), os.geteuid() + 1) == []
    assert path.exists()


@pytest.mark.finding("X3")
def test_no_path_of_a_template_is_connected_to_before_its_owner_is_known(tmp_path):
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "data"))
        bound.listen()
        bound.setblocking(False)
        leftovers.clear(device(), channel(f"ipc://{tmp_path}/data"), os.geteuid() + 1)
        with pytest.raises(BlockingIOError):
            bound.accept()


@pytest.mark.finding("X3")
def test_the_number_of_inspected_paths_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(leftovers, "MOST_SOCKETS", 2)
    paths = [dead_socket(tmp_path / str(n)) for n in range(4)]
    addresses = ",".join(f"ipc://{path}" for path in paths)
    assert leftovers.clear(device(), channel(addresses), os.geteuid()) == paths[:2]


def test_a_file_that_cannot_be_removed_does_not_stop_the_others(shm, monkeypatch):
    segments(shm, "run7")
    monkeypatch.setattr("os.unlink", _refuse)
    assert leftovers.clear(device("--session", "run7"), None, UID) == []


def _refuse(path, **keywords):
    raise PermissionError(f"not {path}")
