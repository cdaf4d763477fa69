"""A task's output, and what of it is new."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.cli.voice import new_lines
from salt_o2.core.errors import Unreachable

SAID = {"task": "id-sink", "host": "flp1", "stdout": ["rate"], "stderr": []}


def test_control_is_asked_for_it(control, coconut):
    control.answer("task_log", SAID)
    assert coconut("task log id-sink --json").json == SAID
    assert control.asked("task_log") == [{"id": "id-sink", "lines": 40}]


def test_a_host_that_does_not_answer_is_unreachable(control, coconut):
    control.answer("task_log", Unreachable("minion flp1 has not answered"))
    assert coconut("task log id-sink").code == 3


@pytest.mark.parametrize(
    ("seen", "now", "new"),
    [
        (["a", "b"], ["a", "b", "c"], ["c"]),
        (["b"], ["a", "b", "c"], ["c"]),
        (["a", "b"], ["b", "c", "d"], ["c", "d"]),
        (["a", "b"], ["a", "b"], []),
        (["a", "b"], ["x", "y"], ["x", "y"]),
        ([], ["a"], ["a"]),
        (["a"], [], []),
    ],
    ids=["grown", "more asked for", "moved on", "still", "all new", "nothing before", "nothing now"],
)
def test_only_what_came_since_is_new(seen, now, new):
    assert list(new_lines(seen, now)) == new


@given(st.integers(1, 30), st.integers(0, 30), st.integers(1, 40), st.integers(1, 40))
def test_numbered_lines_are_told_once_each_whatever_is_asked_for(before, more, first, then):
    output = [str(number) for number in range(before + more)]
    seen, now = output[:before][-first:], output[-max(then, more + 1) :]
    assert list(new_lines(seen, now)) == output[before:]


def test_following_prints_each_line_once_until_ctrl_c(control, coconut, monkeypatch):
    outputs = iter([["a"], ["a", "b"], ["a", "b"], ["a", "b", "c"]])

    def say(_arguments):
        lines = next(outputs, None)
        if lines is None:
            raise Unreachable("the end of this test")
        return SAID | {"stdout": lines}

    monkeypatch.setattr("salt_o2.cli.task.FOLLOW_S", 0)
    control.answer("task_log", say)
    assert coconut("task log id-sink -n 1 -f").out == "a\nb\nc\n"


def test_following_has_no_json(control, coconut):
    assert coconut("task log id-sink -f --json").code == 2
