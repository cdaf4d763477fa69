"""coconut environment history, replay and diff, and runs."""

from datetime import datetime, timedelta

import pytest

from salt_o2.core.errors import UnknownNameError
from tests.support.builders.control_records import diamond, summary

UNTIL = datetime.fromisoformat("2026-11-22T14:00:00").astimezone().isoformat()
LINE = {
    "at": "2026-11-22T14:00:00.123+00:00",
    "direction": "in",
    "kind": "Requested",
    "text": "START_ACTIVITY asked for",
    "cause": "asked by teo",
    "what": {},
}
RUN = {
    "run_number": 42,
    "environment": "2oD",
    "workflow": "readout",
    "revision": "abc",
    "user": "teo",
    "started": "2026-11-22T14:00:00+00:00",
    "ended": None,
    "duration_s": None,
}


def line(kind="SendCommand", text="flp1 is ordered", **other):
    return {**LINE, "kind": kind, "text": text, "direction": "out", **other}


def test_history_asks_for_the_time_and_the_number_of_lines(control, coconut):
    control.answer("env_history", [LINE])
    done = coconut("env history 2oD --until 2026-11-22T14:00:00 -n 7")
    assert control.asked("env_history") == [{"id": "2oD", "until": UNTIL, "limit": 7, "effects_only": True}]
    assert "> START_ACTIVITY asked for   <- asked by teo" in done.out


def test_reports_and_answers_are_printed_only_on_request(control, coconut):
    control.answer(
        "env_history", [LINE, line("TasksMoved", "flp1 reports"), line("CompleteRequest", "answered")]
    )
    assert "reports" not in coconut("env history 2oD").out
    assert "reports" in coconut("env history 2oD --all").out
    assert len(coconut("env history 2oD --json").json) == 3


def test_following_prints_each_line_once_and_ends_with_the_environment(control, coconut, monkeypatch):
    told = [LINE, line(text="one"), line(text="two"), line("ReleaseResources", "hosts are given back")]
    there = iter([2, 2, 3, 4])

    def say(arguments):
        return told[: next(there)][arguments.get("after", 0) :]

    monkeypatch.setattr("salt_o2.cli.environment.history_commands.FOLLOW_S", 0)
    control.answer("env_history", say)
    done = coconut("env history 2oD -f -n 1")
    assert done.code == 0
    assert [one.partition(" <-")[0][15:].strip() for one in done.out.splitlines() if "  " in one] == [
        "one",
        "two",
        "hosts are given back",
    ]


@pytest.mark.parametrize("option", ["--json", "--until 5"])
def test_following_with_an_option_that_needs_an_end_is_refused(control, coconut, option):
    assert coconut(f"env history 2oD -f {option}").code == 2


def test_a_replay_is_shown_like_an_environment(control, coconut):
    control.answer("env_replay", diamond("RUNNING"))
    done = coconut("env replay 2oD --until 5 -w")
    assert control.asked("env_replay") == [{"id": "2oD", "until": "5"}]
    assert "[RUNNING] diamond" in done.out


def test_two_environments_are_compared(control, coconut):
    found = {
        "workflow": ["readout"],
        "revision": ["a", "b"],
        "variables": {"rate": ["1", None]},
        "only_left": ["readout.x"],
        "only_right": [],
        "different": {"readout.y": {"host": ["flp1", "flp2"]}},
    }
    control.answer("env_diff", found)
    assert coconut("env diff 41 42").out.splitlines() == [
        "~ revision",
        "  - a",
        "  + b",
        "~ variable rate",
        "  - 1",
        "- role readout.x",
        "~ readout.y host",
        "  - flp1",
        "  + flp2",
    ]
    assert control.asked("env_diff") == [{"left": "41", "right": "42"}]


def test_the_difference_of_two_equal_environments_is_empty(control, coconut):
    same = {"workflow": ["a"], "revision": ["b"], "variables": {}, "only_left": [], "only_right": []}
    control.answer("env_diff", {**same, "different": {}})
    assert coconut("env diff a b").out == "no differences\n"


@pytest.mark.parametrize("verb", ["list", "ls", "l"])
def test_runs_are_listed(control, coconut, verb):
    control.answer("run_list", [RUN, {**RUN, "ended": RUN["started"], "duration_s": 3725.5}])
    out = coconut(f"run {verb}").out
    assert "goes on" in out
    assert "1:02:05.5" in out


def test_an_empty_list_of_runs_says_that_there_are_none(control, coconut):
    control.answer("run_list", [])
    assert coconut("run list").out == "no runs\n"


def test_runs_are_asked_for_with_the_filters_that_were_given(control, coconut):
    control.answer("run_list", [])
    coconut("run list")
    coconut("run list -n 5 -w readout* --state RUNNING --end err --since 1700000000")
    assert control.asked("run_list") == [
        {},
        {"limit": 5, "workflow": "readout*", "state": "RUNNING", "end": "ERROR", "since": "1700000000"},
    ]


@pytest.mark.parametrize("cause", ["x", "", "t o"])
def test_an_unknown_cause_of_an_end_is_refused_with_the_causes(control, coconut, cause):
    control.answer("run_list", [])
    done = coconut(["run", "list", "--end", cause])
    assert done.code == (2 if cause else 0)
    assert control.asked("run_list") == ([] if cause else [{}])
    assert not cause or "stop, time, data, policy, error, never" in done.err.replace("\n", " ")


def test_a_time_of_day_is_sent_as_the_last_moment_of_that_time(control, coconut):
    control.answer("run_list", [])
    control.answer("env_history", [LINE])
    coconut("run list --until 00:00")
    coconut("env history 2oD --until 00:00")
    asked = [control.asked(verb)[0]["until"] for verb in ("run_list", "env_history")]
    now = datetime.now().astimezone()
    for each in asked:
        at = datetime.fromisoformat(each)
        assert at.utcoffset() is not None
        assert timedelta(0) <= now - at < timedelta(days=2)
        assert (at.hour, at.minute) == (0, 0)


@pytest.mark.parametrize("written", ["soon", "25:00", "11:61", "2026-13-01"])
def test_an_unreadable_time_is_refused_before_control_is_asked(control, coconut, written):
    done = coconut(f"run list --since {written}")
    assert done.code == 1
    assert f"--since {written}" in done.err
    assert control.requests == []


def test_a_run_is_shown(control, coconut):
    control.answer("run_show", {**RUN, "ended": RUN["started"], "duration_s": 5.04})
    out = coconut("run show 42").out
    assert "run number:        42" in out
    assert "duration:          5.0 s" in out
    assert control.asked("run_show") == [{"number": 42}]


def test_a_run_is_shown_with_what_was_pushed_to_its_tasks(control, coconut):
    given = {"run_number": "42", "runNumber": "42"}
    control.answer("run_show", {**RUN, "start_arguments": given, "stop_arguments": {}})
    out = coconut("run show 42").out
    assert "pushed at start:   runNumber=42" in out
    assert out.splitlines()[-1].strip() == "run_number=42"
    assert "pushed at stop" not in out


def test_an_unknown_run_is_refused(control, coconut):
    control.answer("run_show", UnknownNameError("there was no run 7"))
    assert coconut("run show 7").code == 1


def test_run_stop_lists_the_environments_of_the_stopped_runs(control, coconut):
    control.answer("run_stop", [summary() | {"stopped": True, "outcome": "its run is stopped"}])
    done = coconut("run stop --all --yes")
    assert "2oDvieFrVTi" in done.out
    assert done.code == 0


def test_a_run_that_could_not_be_stopped_is_reported_with_exit_code_1(control, coconut):
    rows = [
        summary() | {"stopped": True, "outcome": "its run is stopped"},
        summary(id="2oF") | {"stopped": False, "outcome": "readout did not answer"},
    ]
    control.answer("run_stop", rows)
    done = coconut("run stop 41 42")
    assert "2oF: readout did not answer" in done.out
    assert done.code == 1


@pytest.mark.parametrize("option", ["--all", "--json"])
def test_a_history_of_all_lines_or_for_a_program_leaves_out_nothing(control, coconut, option):
    control.answer("env_history", [LINE])
    coconut(f"env history 2oD {option}")
    assert control.asked("env_history")[0]["effects_only"] is False


def test_a_followed_history_begins_with_the_last_shown_lines(control, coconut, monkeypatch):
    told = [LINE, line("AnnounceState", "second"), line("TasksMoved", "flp1 reports")]
    answers = [told, [line("ReleaseResources", "over")]]
    monkeypatch.setattr("salt_o2.cli.environment.history_commands.FOLLOW_S", 0)
    control.answer("env_history", lambda _arguments: answers.pop(0))
    out = coconut("env history 2oD -f -n 1").out
    assert "second" in out
    assert "flp1 reports" not in out
