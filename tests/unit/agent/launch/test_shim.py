"""The status that a shim has written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.agent.launch.shim import read_status
from salt_o2.core.messages.reports import Exit


@pytest.fixture(scope="module")
def status(tmp_path_factory):
    return tmp_path_factory.mktemp("status") / "status"


@given(code=st.integers(0, 128))
def test_a_small_number_is_an_exit_code(status, code):
    status.write_text(f"{code}\n")
    assert read_status(status) == Exit(code=code)


@given(number=st.integers(1, 31))
def test_128_and_more_is_a_signal(status, number):
    status.write_text(f"{128 + number}\n")
    assert read_status(status) == Exit(signal=number)


def test_255_is_no_signal(status):
    status.write_text("255\n")
    assert read_status(status) == Exit(code=255)


@pytest.mark.parametrize("text", ["", "1", "14", "x\n", "\n", "-1\n"])
def test_an_incomplete_exit_status_is_not_read(status, text):
    status.write_text(text)
    assert read_status(status) is None


def test_no_file_is_no_status(tmp_path):
    assert read_status(tmp_path / "none") is None
