"""What was started, on disk."""

import json
import os
from pathlib import Path

import pytest

from salt_o2.cluster import state_file
from salt_o2.cluster.paths import Layout, layout, minion_names
from salt_o2.cluster.processes import Process, start_time
from salt_o2.cluster.state_file import Record
from salt_o2.core.errors import O2Error

US = Process("us", os.getpid(), start_time(os.getpid()) or 0)
OTHER_PROCESS = Process("gone", os.getpid(), 1)


@pytest.fixture
def place(tmp_path):
    return Layout(tmp_path)


def test_a_written_value_is_read_back(place):
    written = Record(3, ("flp1", "flp2"), 2, Path("/run/o2-x"), (US, OTHER_PROCESS))
    state_file.write(place, written)
    assert state_file.read(place) == written


def test_a_directory_without_a_record_has_no_cluster(place):
    assert state_file.read(place) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"processes": [1]}'])
def test_a_damaged_record_is_named(place, text):
    place.record.write_text(text)
    with pytest.raises(O2Error, match=r"cluster\.json is damaged"):
        state_file.read(place)


def test_a_process_whose_pid_is_reused_is_dead():
    assert Record(0, (), 1, Path("/x"), (US, OTHER_PROCESS)).dead == (OTHER_PROCESS,)


def test_controls_socket_lies_in_the_masters_sock_dir():
    assert Record(0, (), 1, Path("/run/o2-x")).control_socket == Path("/run/o2-x/master/o2_control.ipc")


def test_a_relative_directory_is_the_same_from_everywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert layout(".cluster").directory == tmp_path / ".cluster"


def test_minions_are_named_flp_with_a_number():
    assert minion_names(3) == ("flp1", "flp2", "flp3")


@pytest.mark.finding("A14")
def test_a_record_that_another_account_may_write_is_not_used(place):
    state_file.write(place, Record(3, ("flp1",), 2, Path("/run/o2-x")))
    assert place.record.stat().st_mode & 0o777 == 0o600
    for mode in (0o620, 0o602, 0o666):
        place.record.chmod(mode)
        assert not state_file.is_own(place)
        with pytest.raises(O2Error, match="can be written by another account"):
            state_file.read(place)


@pytest.mark.finding("A14")
@pytest.mark.root("give a file to another account")
def test_a_record_of_another_account_is_not_used(place):
    state_file.write(place, Record(3, ("flp1",), 2, Path("/run/o2-x")))
    os.chown(place.record, 65534, 65534)
    assert not state_file.is_own(place)
    with pytest.raises(O2Error, match="belongs to uid 65534"):
        state_file.read(place)


@pytest.mark.finding("A14")
def test_a_record_that_is_a_link_is_not_used(place, tmp_path):
    other = Layout(tmp_path / "other")
    other.directory.mkdir()
    state_file.write(other, Record(3, ("flp1",), 2, Path("/run/o2-x")))
    place.record.symlink_to(other.record)
    assert not state_file.is_own(place)
    with pytest.raises(O2Error, match="cannot be read"):
        state_file.read(place)


@pytest.mark.finding("A14")
@pytest.mark.parametrize(
    "changed",
    [
        {"minions": ["../../victim"]},
        {"minions": ["flp1/.."]},
        {"minions": [""]},
        {"minions": [1]},
        {"run": "o2-x"},
        {"run": "/tmp/../home/o2-x"},
        {"run": ""},
    ],
)
def test_a_record_that_names_other_folders_is_damaged(place, changed):
    state_file.write(place, Record(3, ("flp1",), 2, Path("/run/o2-x")))
    place.record.write_text(json.dumps(json.loads(place.record.read_text()) | changed))
    with pytest.raises(O2Error, match="is damaged"):
        state_file.read(place)
