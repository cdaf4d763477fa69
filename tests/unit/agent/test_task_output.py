"""What a task wrote: its end is kept, within a bound, fit for a terminal."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.agent.output import last_words, tail, trim


@pytest.fixture
def written(tmp_path):
    return tmp_path / "stdout"


def test_the_last_lines_are_shown(written):
    written.write_text("one\ntwo\nthree\n")
    assert tail(written, 2) == ("two", "three")


def test_a_line_without_an_end_is_shown_too(written):
    written.write_text("one\ntw")
    assert tail(written, 2) == ("one", "tw")


def test_no_file_and_no_lines_are_nothing(written):
    assert tail(written, 3) == ()
    written.write_text("one\n")
    assert tail(written, 0) == ()


def test_colours_and_other_commands_to_a_terminal_are_taken_out(written):
    written.write_bytes(b"\x1b[1;31mbad\x1b[0m \x07news\x1b]0;x\x07\n\xff\xfe\n")
    first, second = tail(written, 2)
    assert first.startswith("bad news")
    assert all(character.isprintable() for character in first)
    assert second == "\ufffd\ufffd"


def test_a_line_without_end_is_clipped(written):
    written.write_text("x" * 100_000)
    assert len(tail(written, 1)[0]) == 400


def test_many_lines_can_be_asked_for(written):
    written.write_text("".join(f"line {number}\n" for number in range(50_000)))
    assert len(tail(written, 20_000)) == 20_000


def test_errors_come_last_and_leave_room_for_the_rest(tmp_path):
    (tmp_path / "out").write_text("".join(f"out {number}\n" for number in range(100)))
    (tmp_path / "err").write_text("".join(f"err {number}\n" for number in range(100)))
    words = last_words(tmp_path / "out", tmp_path / "err", 6)
    assert words == ("out 97", "out 98", "out 99", "err 97", "err 98", "err 99")


def test_a_small_file_is_left_alone(written):
    written.write_text("one\n")
    assert not trim(written, 100)
    assert written.read_text() == "one\n"


def test_a_missing_file_needs_no_trimming(written):
    assert not trim(written)


@given(lines=st.integers(1, 400), bound=st.integers(200, 2000))
def test_trimming_keeps_the_bound_and_the_last_line(tmp_path_factory, lines, bound):
    path = tmp_path_factory.mktemp("trim") / "stdout"
    with path.open("a") as task:
        for number in range(lines):
            task.write(f"line {number}\n")
            task.flush()
            trim(path, bound)
            assert sum(part.stat().st_size for part in path.parent.iterdir()) <= bound + len("line 999\n")
    assert tail(path, 1) == (f"line {lines - 1}",)


def test_a_task_goes_on_writing_at_the_start_of_a_trimmed_file(written):
    task = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(task, b"x" * 90 + b"\nend of part one\n")
    assert trim(written, 100)
    os.write(task, b"part two\n")
    os.close(task)
    assert written.read_text() == "part two\n"
    assert tail(written, 2) == ("end of part one", "part two")
