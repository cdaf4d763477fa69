"""Colour, progress, and rates."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.cli.demo import Rate, rate_of
from salt_o2.cli.ui.colour import painted
from salt_o2.cli.ui.progress import MovingLine, shown
from salt_o2.cli.ui.terminal import Terminal, wants_colour


class FakeTerminal(io.StringIO):
    def isatty(self):
        return True


@settings(max_examples=500)
@given(st.text())
def test_colouring_changes_no_visible_character(text):
    # rich drops control characters that would confuse a terminal
    assert painted(text).plain == "".join(c for c in text if c not in "\x07\x08\x0b\x0c\r")


@pytest.mark.parametrize(
    ("text", "style"),
    [("[RUNNING] sink", "bold green"), ("state: ERROR", "bold red"), ("[CONFIGURED] x", "cyan")],
)
def test_states_have_colours(text, style):
    assert style in {span.style for span in painted(text).spans}


def test_a_pipe_gets_no_colour(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert not wants_colour(nocolor=False)


def test_a_terminal_gets_colour_unless_the_user_disables_it(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.stdout", FakeTerminal())
    assert wants_colour(nocolor=False)
    assert not wants_colour(nocolor=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour(nocolor=False)


def test_a_coloured_answer_holds_the_same_text(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = FakeTerminal()
    monkeypatch.setattr("sys.stdout", stream)
    Terminal(colour=True).say("state: RUNNING")
    assert "\x1b[" in stream.getvalue()
    assert "RUNNING" in stream.getvalue()


def test_long_lines_are_not_broken(capsys):
    Terminal(colour=True).say("x" * 500)
    assert capsys.readouterr().out == "x" * 500 + "\n"


@pytest.mark.parametrize("colour", [True, False])
def test_progress_moves_on_a_terminal_and_is_gone_at_the_end(monkeypatch, colour):
    monkeypatch.setenv("TERM", "xterm")
    stream = FakeTerminal()
    monkeypatch.setattr("sys.stderr", stream)
    with shown(json=False, colour=colour) as update:
        update({"transition": "CONFIGURE", "done": 1, "total": 6})
        update({"transition": "CONFIGURE", "done": 6, "total": 6})
    assert "CONFIGURE" in stream.getvalue()
    assert stream.getvalue().rpartition("CONFIGURE")[2].count("\x1b[2K") > 0


def test_the_elapsed_time_is_updated_without_other_progress(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("salt_o2.cli.ui.progress.time.monotonic", lambda: now[0])
    line = MovingLine()
    line.progress = {"transition": "CONFIGURE", "waiting_for": "flp2", "elapsed_s": 1.0}
    assert line.__rich__().plain == "CONFIGURE waiting for flp2 1.0 s"
    now[0] += 30
    assert line.__rich__().plain == "CONFIGURE waiting for flp2 31.0 s"


def test_a_terminal_shows_nothing_when_there_is_no_progress(monkeypatch):
    stream = FakeTerminal()
    monkeypatch.setattr("sys.stderr", stream)
    with shown(json=False, colour=False):
        pass
    assert stream.getvalue() == ""


def test_the_last_line_that_speaks_of_a_rate_counts():
    lines = ["rate: 1.0 msg/s total: 1 missing: 0", "[INFO] rate: 99.5 msg/s total: 200 missing: 3", "bye"]
    assert rate_of(lines) == Rate(99.5, 200, 3)


@pytest.mark.parametrize(
    "lines", [[], ["hello"], ["rate: msg/s total: missing:"]], ids=["none", "other", "torn"]
)
def test_lines_without_a_rate_have_no_rate(lines):
    assert rate_of(lines) is None
