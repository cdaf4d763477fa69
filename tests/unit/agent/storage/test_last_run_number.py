"""The highest run number of a host: told by START's arguments, kept in a file."""

import os

import pytest

from salt_o2.agent.storage.last_run_number import LastRunNumber


@pytest.fixture
def path(tmp_path):
    return tmp_path / "last_run"


def test_a_host_that_took_part_in_no_run_says_0(path):
    assert LastRunNumber(path).number == 0


def test_the_highest_number_is_stored_for_the_next_agent(path):
    known = LastRunNumber(path)
    for number in ("41", "42", "7"):
        known.record({"run_number": number, "runNumber": number})
    assert (known.number, LastRunNumber(path).number) == (42, 42)


@pytest.mark.parametrize("arguments", [{}, {"run_number": ""}, {"run_number": "-3"}, {"run_number": "x"}])
def test_an_invalid_run_number_changes_nothing(path, arguments):
    LastRunNumber(path).record(arguments)
    assert not path.exists()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"forty-two"], ids=["empty", "binary", "words"])
def test_a_damaged_file_is_no_number(path, content):
    path.write_bytes(content)
    assert LastRunNumber(path).number == 0


def test_a_file_that_has_not_got_its_name_yet_counts(path):
    path.with_suffix(".new").write_text("9\n")
    assert LastRunNumber(path).number == 9


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_number_that_cannot_be_written_is_remembered(path):
    path.parent.chmod(0o500)
    known = LastRunNumber(path)
    known.record({"run_number": "3"})
    assert known.number == 3
