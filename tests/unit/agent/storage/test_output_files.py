"""What a task wrote: its end is kept, within a bound, fit for a terminal."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.agent.storage import output_files
from salt_o2.agent.storage.output_files import BOUND_UNWANTED, end, output_tail, since, tail, trim
from salt_o2.agent.storage.task_directory import TaskDirectory
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode


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


@pytest.mark.finding("X10")
def test_control_characters_beyond_ascii_and_marks_of_direction_are_shown_as_escapes(written):
    written.write_text("\x9b31m \x90 \u202e line\n")
    (line,) = tail(written, 1)
    assert line.isprintable()
    assert "\\x9b31m" in line


def test_colours_and_other_commands_to_a_terminal_are_removed(written):
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
    words = output_tail(tmp_path / "out", tmp_path / "err", 6)
    assert words == ("out 97", "out 98", "out 99", "err 97", "err 98", "err 99")


def test_a_small_file_is_not_trimmed(written):
    written.write_text("one\n")
    assert not trim(written, 100)
    assert written.read_text() == "one\n"


def test_a_missing_file_needs_no_trimming(written):
    assert not trim(written)


@settings(deadline=None)
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


def test_a_task_continues_to_write_at_the_start_of_a_trimmed_file(written):
    task = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(task, b"x" * 90 + b"\nend of part one\n")
    assert trim(written, 100)
    os.write(task, b"part two\n")
    os.close(task)
    assert written.read_text() == "part two\n"
    assert tail(written, 2) == ("end of part one", "part two")


def add(path, text):
    with path.open("a") as file:
        file.write(text)


def test_only_new_lines_are_returned(written):
    written.write_text("one\ntwo\n")
    place = end(written)
    assert since(written, place, 1000) == ((), place)
    add(written, "three\n")
    assert since(written, place, 1000) == (("three",), place + 6)


def test_a_line_is_returned_when_it_is_complete(written):
    written.write_text("one\n")
    place = end(written)
    add(written, "tw")
    assert since(written, place, 1000) == ((), place)
    add(written, "o\n")
    assert since(written, place, 1000) == (("two",), place + 4)


def test_a_line_without_end_is_returned_too(written):
    written.write_text("x" * 5000)
    (line,), place = since(written, 0, 10_000)
    assert (len(line), place) == (400, 5000)


def test_of_too_much_output_the_end_is_returned_with_the_omitted_size(written):
    written.write_text("".join(f"line {number:04d}\n" for number in range(1000)))
    told, place = since(written, 0, 25)
    assert told == ("[9975 bytes are omitted]", "0997", "line 0998", "line 0999")
    assert place == 10_000


def test_a_new_file_is_returned_from_its_beginning(written):
    written.write_text("again\n")
    assert since(written, 10_000, 1000) == (("again",), 6)


def test_a_missing_file_has_no_lines(written):
    assert since(written, 0, 1000) == ((), 0)


@settings(deadline=None)
@given(
    steps=st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.booleans()), max_size=20),
    bound=st.integers(400, 2000),
)
def test_following_returns_each_line_once_however_often_the_file_is_trimmed(tmp_path_factory, steps, bound):
    """Output that was cut off before it was asked for is reported as omitted."""
    path = tmp_path_factory.mktemp("follow") / "stdout"
    path.touch()
    told, place, written = [], 0, []
    for lines, trims, asks in [*steps, (1, False, True)]:
        for _ in range(lines):
            written.append(f"line {len(written)}")
            add(path, f"{written[-1]}\n")
        if trims:
            trim(path, bound)
        if asks:
            lines, place = since(path, place, 1_000_000)
            told += lines
    known = [line for line in told if line.startswith("line ")]
    assert known[-1] == written[-1]
    assert len(set(known)) == len(known)
    gone = [line for line in told if "omitted" in line]
    assert known == written or gone


def test_the_removed_part_is_as_private_as_the_rest(written):
    former = os.umask(0o022)
    try:
        written.touch(mode=0o600)
        written.write_bytes(b"secret\n" * 1000)
        assert trim(written, 1000)
    finally:
        os.umask(former)
    for path in written.parent.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path.name


def test_of_an_unwanted_stream_only_the_last_lines_are_stored(tmp_path):
    home = TaskDirectory(tmp_path / "t")
    home.folder.mkdir()
    line = b"x" * 99 + b"\n"
    for path in (home.files.stdout, home.files.stderr):
        path.write_bytes(line * 100_000)
    home.trim(Launch(mode=ControlMode.BASIC, value="x", stdout="none", stderr="all"))
    kept = {path.name: path.stat().st_size for path in home.folder.iterdir()}
    assert sum(size for name, size in kept.items() if name.startswith("stdout")) <= BOUND_UNWANTED
    assert sum(size for name, size in kept.items() if name.startswith("stderr")) > BOUND_UNWANTED
    assert home.output_tail()[-1] == line.decode().strip()[:400]


@pytest.mark.finding("A24")
def test_the_last_lines_of_a_stream_have_a_bound_of_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(output_files, "LOOK_BACK_MOST", 1000)
    path = tmp_path / "stdout"
    path.write_text("".join(f"line {number:05}\n" for number in range(10_000)))
    found = output_files.tail(path, 100_000)
    assert 80 < len(found) < 100
    assert found[-1] == "line 09999"
