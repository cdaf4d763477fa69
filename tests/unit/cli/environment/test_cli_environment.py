"""coconut environment: which question each command line asks, and how the answer is shown."""

import pytest

from salt_o2.core.errors import UnknownNameError
from tests.support.builders.control_records import diamond, summary


@pytest.mark.parametrize("noun", ["environment", "env", "e"])
@pytest.mark.parametrize("verb", ["create", "new", "c", "n"])
def test_create_has_its_aliases(control, coconut, noun, verb):
    control.answer("env_create", diamond())
    assert coconut(f"{noun} {verb} -w fairmq-ex-1-n-1").code == 0
    assert control.asked("env_create") == [{"workflow": "fairmq-ex-1-n-1", "vars": {}}]


def test_create_sends_variables_and_prints_the_new_environment(control, coconut):
    control.answer("env_create", diamond())
    done = coconut("env create -w x -e processors=2 -e y=z")
    assert control.asked("env_create")[0]["vars"] == {"processors": "2", "y": "z"}
    assert done.out.startswith("new environment created with 4 tasks\nenvironment id:")


def test_an_environment_that_ends_in_error_fails_the_command(control, coconut):
    control.answer("env_create", diamond("ERROR", error="sink: exit code 1"))
    done = coconut("env create -w x")
    assert done.code == 1
    assert "sink: exit code 1" in done.out


@pytest.mark.parametrize("verb", ["show", "get", "s", "g"])
def test_show_has_its_aliases(control, coconut, verb):
    control.answer("env_show", diamond())
    done = coconut(f"e {verb} 2oD")
    assert control.asked("env_show") == [{"id": "2oD"}]
    assert "workflow template: fairmq-ex-1-n-1" in done.out


def test_flags_of_show_can_be_joined(control, coconut):
    control.answer("env_show", diamond())
    out = coconut("e s 2oD -tw").out
    assert "TASK ID (4 TASKS)" in out
    assert "└── [CONFIGURED] sink → task id-sink" in out
    assert coconut("e s 2oD -t").out in out


@pytest.mark.parametrize("verb", ["list", "ls", "l"])
def test_list_has_its_aliases(control, coconut, verb):
    control.answer("env_list", [summary()])
    assert "2oDvieFrVTi" in coconut(f"env {verb}").out
    assert control.asked("env_list") == [{"all": False}]


@pytest.mark.parametrize("flag", ["-s", "--show-all", "--all"])
def test_list_shows_ended_ones_too_on_request(control, coconut, flag):
    control.answer("env_list", [])
    assert coconut(f"env list {flag}").out == "no environments\n"
    assert control.asked("env_list") == [{"all": True}]


@pytest.mark.parametrize(
    ("typed", "event"),
    [("START", "START_ACTIVITY"), ("stop", "STOP_ACTIVITY"), ("CONFIGURE", "CONFIGURE"), ("reset", "RESET")],
)
@pytest.mark.parametrize("verb", ["control", "ctl", "ct", "t"])
def test_control_has_its_aliases_and_shortcuts(control, coconut, verb, typed, event):
    control.answer("env_control", diamond("RUNNING"))
    done = coconut(f"env {verb} 2oD -e {typed}")
    assert control.asked("env_control") == [{"id": "2oD", "event": event}]
    assert done.out.startswith("transition complete\n")


@pytest.mark.parametrize("verb", ["destroy", "des", "d"])
@pytest.mark.parametrize(
    ("flags", "running", "force"),
    [("", False, False), ("-a", True, False), ("-f", False, True), ("-af", True, True)],
)
def test_destroy_has_its_aliases_and_flags(control, coconut, verb, flags, running, force):
    control.answer("env_destroy", diamond("DONE"))
    done = coconut(f"env {verb} 2oD {flags}")
    assert done.out == "teardown complete for environment 2oDvieFrVTi\n"
    expected = {"id": "2oD", "allow_in_running_state": running, "force": force}
    assert control.asked("env_destroy") == [expected]


@pytest.mark.parametrize(
    "line", ["--json env show 2oD", "env --json show 2oD", "env show 2oD --json", "env show 2oD -tw --json"]
)
def test_json_is_the_whole_record_wherever_the_option_stands(control, coconut, line):
    control.answer("env_show", diamond())
    assert coconut(line).json == diamond()


def test_progress_goes_to_stderr_one_line_for_each_change(control, coconut):
    step = {"transition": "DEPLOY", "done": 1, "total": 4, "states": {}, "elapsed_s": 0.1}
    same = {**step, "elapsed_s": 0.2}
    control.answer("env_create", diamond(), progress=[step, same, {**step, "done": 4}])
    done = coconut("env create -w x")
    assert done.err.splitlines() == ["DEPLOY 1 of 4 tasks 0.1 s", "DEPLOY 4 of 4 tasks 0.1 s"]


def test_progress_does_not_disturb_a_program(control, coconut):
    control.answer("env_create", diamond(), progress=[{"done": 1, "total": 4}])
    done = coconut("env create -w x --json")
    assert done.err == ""
    assert done.json["id"] == "2oDvieFrVTi"


def test_a_refusal_is_one_line_on_stderr(control, coconut):
    control.answer("env_show", UnknownNameError("no environment 'x' is alive"))
    done = coconut("env show x")
    assert (done.code, done.out, done.err) == (1, "", "error: no environment 'x' is alive\n")


def test_a_refusal_is_a_json_document_for_a_program(control, coconut):
    control.answer("env_show", UnknownNameError("no environment 'x' is alive"))
    done = coconut("env show x --json")
    assert done.code == 1
    assert done.json == {"error": {"kind": "UnknownNameError", "message": "no environment 'x' is alive"}}
