"""Lists that are shown again at each change, and the events of the site."""

import re

import pytest

from salt_o2.cli.ui import watch
from salt_o2.core.errors import UnreachableError
from tests.support.builders.control_records import summary

NEWS = [
    {"kind": "state", "environment": "2oD", "state": "RUNNING", "run_number": 42, "reason": ""},
    {
        "kind": "failure",
        "environment": "2oD",
        "path": "readout.sink",
        "host": "flp1",
        "failure": {"reason": "killed by signal 9\nand more"},
    },
    {"kind": "recovery", "environment": "2oD", "path": "readout.sink", "host": "flp1", "seconds": 1.5},
    {"kind": "killed", "environment": "2oE", "path": "qc.sink", "host": "flp2"},
    {"kind": "host", "host": "flp3", "status": "LOST", "reason": "silent", "environments": ["2oE"]},
    {"kind": "pool_exit", "environment": "pool", "class_name": "readout", "host": "flp1", "reason": "idle"},
]
EVENTS = [
    {"revision": number, "at": f"2026-11-22T14:00:0{number}+00:00", **each}
    for number, each in enumerate(NEWS)
]


def answering(control, *changes):
    """Let control answer ``watch`` with these changes, then interrupt the user's command."""
    left = [*changes]

    def answer(arguments):
        if not left:
            raise KeyboardInterrupt
        return {"epoch": "e", "revision": 10 - len(left), "gap": False, "news": [], **left.pop(0)}

    control.answer("watch", answer)


@pytest.fixture
def ended(monkeypatch):
    """End the display when control has no further answer, as Ctrl-C does; never sleep."""
    monkeypatch.setattr(watch.time, "sleep", lambda _seconds: None)
    real = watch.ChangeFeed.wait
    count = [0]

    def after(number):
        def wait(self, seconds):
            count[0] += 1
            if count[0] > number:
                raise KeyboardInterrupt
            return real(self, seconds)

        monkeypatch.setattr(watch.ChangeFeed, "wait", wait)

    return after


def test_a_watched_list_is_asked_for_again_only_after_a_change(control, coconut, ended):
    answering(control, {}, {}, {})
    states = iter(["CONFIGURED", "RUNNING", "RUNNING"])
    control.answer("env_list", lambda _arguments: [summary(state=next(states))])
    ended(3)
    done = coconut("env list --watch")
    assert done.code == 0
    assert control.asked("watch") == [
        {},
        {"epoch": "e", "since": 7, "wait_s": watch.REFRESH_S},
        {"epoch": "e", "since": 8, "wait_s": watch.REFRESH_S},
    ]
    assert re.findall(r"\b(CONFIGURED|RUNNING)\b", done.out) == ["CONFIGURED", "RUNNING"]


@pytest.mark.parametrize(
    ("line", "verb", "answer"),
    [
        ("env list", "env_list", []),
        ("task list --host flp1", "task_list", []),
        ("run list -n 3", "run_list", []),
        ("host list", "host_list", []),
        ("workflow list", "workflow_list", []),
        ("config list", "config_list", []),
        ("pool list", "pool_list", {"pooled": [], "bounds": {"total": 1, "per_host": 1, "idle_s": 1}}),
    ],
)
def test_each_list_can_be_watched(control, coconut, ended, line, verb, answer):
    answering(control, {})
    control.answer(verb, answer)
    ended(1)
    done = coconut(f"{line} -W")
    assert done.code == 0
    assert len(control.asked(verb)) == 1
    assert done.out


def test_a_watched_list_cannot_be_one_json_document(control, coconut):
    done = coconut("env list --watch --json")
    assert done.code == 2
    assert control.requests == []


def test_a_pipe_ends_when_control_does_not_answer(control, coconut):
    control.answer("watch", UnreachableError("no control"))
    assert coconut("env list --watch").code == 3


@pytest.fixture
def on_a_terminal(monkeypatch):
    monkeypatch.setattr(watch, "is_terminal", lambda: True)


def test_a_terminal_shows_each_text_in_the_place_of_the_text_before(control, coconut, ended, on_a_terminal):
    answering(control, {}, {})
    control.answer("env_list", [])
    ended(2)
    assert coconut("env list --watch").out == f"{watch.TOP}no environments\n" * 2


def test_a_terminal_says_that_control_does_not_answer_and_continues(control, coconut, ended, on_a_terminal):
    answers = iter([UnreachableError("no control at x"), {"epoch": "e", "revision": 1, "news": []}])

    def answer(_arguments):
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    control.answer("watch", answer)
    control.answer("env_list", [])
    ended(2)
    out = coconut("env list --watch").out
    assert out.index("no control at x") < out.index("no environments")


def test_a_list_higher_than_the_terminal_says_how_much_is_left_out(monkeypatch):
    monkeypatch.setattr(watch, "get_terminal_size", lambda: type("size", (), {"lines": 4})())
    monkeypatch.setattr(watch, "fitted", lambda text: text)
    assert watch._clipped("a\nb\nc") == "a\nb\nc"
    assert watch._clipped("a\nb\nc\nd\ne") == "a\nb\n... 3 more lines"


def test_events_of_the_whole_site_are_shown(control, coconut):
    answering(control, {"news": EVENTS})
    lines = coconut("events").out.splitlines()
    assert [line.partition("   ")[2] for line in lines if "   " in line] == [
        "2oD is RUNNING, run 42",
        "2oD readout.sink on flp1 FAILED: killed by signal 9",
        "2oD readout.sink on flp1 is back after 1.5 s",
        "2oE qc.sink on flp2 did not stop in time and was killed (SIGKILL)",
        "host flp3 is LOST: silent",
        "pool: readout on flp1 departs: idle",
    ]


def test_events_are_limited_and_chosen_by_environment(control, coconut):
    answering(control, {"news": EVENTS}, {"news": EVENTS}, {"news": EVENTS}, {"news": []})
    assert [each["revision"] for each in coconut("events -n 2 --json").json] == [4, 5]
    assert [each["revision"] for each in coconut("events --env 2oE --json").json] == [3, 4]
    assert coconut("events -n 0 --json").json == []
    assert coconut("events").out == "no events\n"


def test_followed_events_are_printed_once_each_under_their_day(control, coconut, ended):
    answering(control, {"news": EVENTS[:1]}, {"news": EVENTS[1:2]}, {"news": [], "gap": True})
    ended(3)
    done = coconut("events -f")
    assert done.code == 130, "the user has interrupted it"
    assert done.out.count("2026-11-2") == 1
    assert done.out.count("RUNNING, run 42") == done.out.count("FAILED") == 1
    assert "some events are missing" in done.err
    assert [each.get("since") for each in control.asked("watch")] == [None, 7, 8]


def test_followed_events_cannot_be_one_json_document(control, coconut):
    assert coconut("events -f --json").code == 2
