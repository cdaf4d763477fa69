"""What was started, on disk."""

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
