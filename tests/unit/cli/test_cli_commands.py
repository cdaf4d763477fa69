"""The other nouns of coconut, and what a wrong line comes to."""

import re
from io import StringIO

import pytest
import typer

from salt_o2.cli.app import app
from tests.support.builders.control_records import host, task

FLOW = {"name": "copypush", "description": "", "revision": "r", "source": "/srv/o2"}


@pytest.mark.parametrize("noun", ["workflow", "wf", "template"])
def test_workflows_are_listed(control, coconut, noun):
    control.answer("workflow_list", [FLOW])
    assert "copypush" in coconut(f"{noun} ls").out
    assert coconut(f"{noun} list --json").json == [FLOW]


@pytest.mark.parametrize("noun", ["task", "t"])
def test_tasks_are_listed_with_their_environments(control, coconut, noun):
    control.answer("task_list", [task("sink", environment="2oD")])
    assert "2oD" in coconut(f"{noun} list").out


def test_tasks_are_asked_for_with_the_filters_that_were_given(control, coconut):
    control.answer("task_list", [])
    coconut("task list")
    coconut("task list --env 2oD --host flp1 --state failed --role *.epn* --class qc* --detector ITS")
    assert control.asked("task_list") == [
        {},
        {
            "environment": "2oD",
            "host": "flp1",
            "state": "failed",
            "role": "*.epn*",
            "class_name": "qc*",
            "detector": "ITS",
        },
    ]


def test_task_log_prints_the_output_of_the_task(control, coconut):
    control.answer("task_log", {"task": "x", "host": "flp1", "stdout": ["a", "b"], "stderr": ["oh"]})
    assert coconut("task log x -n 3").out == "a\nb\nstderr: oh\n"
    assert control.asked("task_log") == [{"id": "x", "lines": 3}]


def test_task_log_of_a_task_without_output_says_so(control, coconut):
    control.answer("task_log", {"task": "x", "host": "flp1", "stdout": [], "stderr": []})
    assert coconut("task log x").out == "x has written no output\n"


def test_hosts_are_listed(control, coconut):
    control.answer("host_list", [host()])
    assert "127.0.0.11" in coconut("host list").out


def test_runs_are_stopped_with_a_reason(control, coconut):
    control.answer("run_stop", [])
    assert coconut(["run", "stop", "--all", "--yes", "-r", "beam dump"]).code == 0
    assert control.asked("run_stop") == [{"all": True, "reason": "beam dump"}]


def test_runs_are_stopped_by_their_numbers(control, coconut):
    control.answer("run_stop", [])
    assert coconut("run stop 41 42").code == 0
    assert control.asked("run_stop") == [{"numbers": [41, 42], "reason": "requested by a user"}]


@pytest.mark.parametrize(
    ("line", "verb"),
    [
        ("run stop", "run_stop"),
        ("run stop -r beam", "run_stop"),
        ("run stop 42 --all", "run_stop"),
        ("run stop --yes", "run_stop"),
        ("run stop --all", "run_stop"),
        ("run stop --all --json", "run_stop"),
        ("pool clean --all", "pool_clean"),
        ("pool clean --yes", "pool_clean"),
        ("pool clean", "pool_clean"),
        ("pool clean --json", "pool_clean"),
        ("pool clean --host flp1 --all", "pool_clean"),
    ],
)
def test_no_command_acts_on_all_objects_without_the_option_all(control, coconut, line, verb):
    control.answer(verb, [])
    done = coconut(line)
    assert (done.code, control.asked(verb)) == (2, [])
    assert "--all" in done.err + done.out or "--yes" in done.err + done.out


@pytest.mark.parametrize(
    ("answer", "asked"), [("y\n", [{"all": True, "reason": "x"}]), ("n\n", []), ("", [])]
)
@pytest.mark.parametrize("every", ["", " --all"])
def test_a_user_at_a_terminal_is_asked_before_all_runs_stop(
    control, coconut, monkeypatch, answer, asked, every
):
    control.answer("run_stop", [])
    terminal = StringIO(answer)
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", terminal)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert (coconut(f"run stop -r x{every}").code == 0) == bool(asked)
    assert control.asked("run_stop") == asked


@pytest.mark.parametrize("noun", ["run", "device", "workflow", "env", "cluster"])
def test_a_noun_alone_does_nothing_but_explain_itself(control, coconut, noun):
    assert coconut(noun).code == 2
    assert control.requests == []


def test_info_shows_all_that_control_says(control, coconut):
    control.answer("info", {"version": "1", "uptime_s": 2.5, "hosts": ["a", "b"]})
    assert coconut("info").out == "version:  1\nuptime s: 2.5\nhosts:    a, b\n"


@pytest.mark.parametrize("name", ["about", "version"])
def test_about_needs_no_control(coconut, name):
    done = coconut(f"{name} --json")
    assert done.code == 0
    assert done.json["name"] == "Salt O²"


def test_a_missing_control_has_its_own_exit_code(coconut, nowhere):
    done = coconut(f"env list --control {nowhere}/absent.ipc")
    assert done.code == 3
    assert "absent.ipc" in done.err


def test_a_missing_control_gives_an_error_in_json(coconut, nowhere):
    done = coconut(f"env list --json --control {nowhere}/absent.ipc")
    assert done.code == 3
    assert done.json["error"]["kind"] == "UnreachableError"


@pytest.mark.parametrize("line", ["nonsense", "env nonsense", "env create", "env show", "env list --wrong"])
def test_a_wrong_line_is_wrong_usage(coconut, line):
    done = coconut(line)
    assert (done.code, done.out) == (2, "")
    assert done.err


def test_a_wrong_line_is_a_json_document_for_a_program(coconut):
    done = coconut("env create --json")
    assert done.code == 2
    assert "--workflow-template" in done.json["error"]["message"]


def test_help_names_every_noun_its_aliases_and_the_exit_codes(coconut):
    done = coconut("--help")
    assert done.code == 0
    assert all(word in done.out for word in ("environment", "(env, e)", "Exit codes", "demo"))


def test_help_of_a_noun_names_the_aliases_of_its_verbs(coconut):
    assert "(new, c, n)" in coconut("env --help").out


def test_ctrl_c_ends_a_command_with_an_error_and_exit_code_130(control, coconut, monkeypatch):
    def interrupt(*_arguments, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr("salt_o2.client.control_client.ControlClient.request", interrupt)
    done = coconut("env list")
    assert (done.code, done.err) == (130, "error: interrupted\n")
    assert coconut("env list --json").json["error"]["kind"] == "Interrupted"


@pytest.mark.parametrize(
    ("line", "asked", "said"),
    [
        ("host lost flp1 flp2 --sure", {"hosts": ["flp1", "flp2"], "sure": True}, "flp1 is LOST: it is off"),
        ("host lost flp1", {"hosts": ["flp1"], "sure": False}, "flp1 is LOST: it is off"),
    ],
    ids=["sure", "a hint"],
)
def test_a_user_can_declare_hosts_lost(control, coconut, line, asked, said):
    control.answer("host_lost", [{"id": "flp1", "status": "LOST", "outcome": "it is off"}])
    assert coconut(line).out == f"{said}\n"
    assert control.asked("host_lost") == [asked]


def test_a_user_can_announce_returned_hosts(control, coconut):
    control.answer("host_returned", [{"id": "flp1", "status": None, "outcome": "asked"}])
    assert coconut("host returned flp1").out == "flp1 is unknown: asked\n"


def test_host_show_lists_the_faults_of_the_host(coconut, control):
    rows = [host("flp1") | {"faults": ["o2:cpus: 'many' does not do", "two agents"]}, host("flp2")]
    control.answer("host_list", rows)
    done = coconut("host show flp1")
    assert done.code == 0
    lines = [line.strip() for line in done.out.splitlines()]
    assert "host:       flp1" in lines
    assert "faults:     o2:cpus: 'many' does not do" in lines
    assert "two agents" in lines
    assert coconut("host show flp1 --json").json == rows[0]
    assert "faults" not in coconut("h s flp2").out


def test_an_unknown_host_is_refused_with_the_known_hosts(coconut, control):
    control.answer("host_list", [host("flp1")])
    done = coconut("host show flp7")
    assert done.code == 1
    assert "flp7" in done.err
    assert "flp1" in done.err


def commands(command, path=("coconut",)):
    """Yield the path and click's object of each visible command below ``command``."""
    yield " ".join(path), command
    for name in command.list_commands(None) if hasattr(command, "list_commands") else ():
        below = command.get_command(None, name)
        if below is not None and not below.hidden:
            yield from commands(below, (*path, name))


PRONOUN = re.compile(r"\b(?:I|they|them|who|whose|whom|those|one's|everything|nothing)\b", re.IGNORECASE)


@pytest.mark.parametrize(("path", "command"), list(commands(typer.main.get_command(app))))
def test_each_line_of_help_is_short_and_names_its_subject(path, command):
    first = (command.help or "").splitlines()[0]
    shown = {path: re.sub(r" \([^()]*\)$", "", first)} | {
        f"{path} {parameter.name}": parameter.help
        for parameter in command.params
        if getattr(parameter, "help", "") and parameter.name != "show_completion"  # typer's own
    }
    too_long = {name: text for name, text in shown.items() if len(text) > 75}
    assert too_long == {}
    assert {name: text for name, text in shown.items() if PRONOUN.search(text)} == {}


def interrupted_after(progress):
    """Return a request that reports ``progress`` and is then interrupted by the user."""

    def request(_client, _verb, _arguments, on_progress, _timeout_s):
        for each in progress:
            on_progress(each)
        raise KeyboardInterrupt

    return request


def test_ctrl_c_in_a_creation_says_that_it_goes_on_and_names_the_environment(control, coconut, monkeypatch):
    progress = [{"environment": "2oDvieFrVTi", "transition": "CONFIGURE", "state": "DEPLOYED"}]
    monkeypatch.setattr("salt_o2.client.control_client.ControlClient.request", interrupted_after(progress))
    done = coconut("env create -w readout")
    assert done.code == 130
    assert "control continues CONFIGURE of environment 2oDvieFrVTi" in done.err
    assert "coconut env show 2oDvieFrVTi" in done.err
    error = coconut("env create -w readout --json").json["error"]
    assert (error["kind"], "2oDvieFrVTi" in error["message"]) == ("Interrupted", True)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("env create -w readout", "control continues env_create, as far as it has begun"),
        ("host drain flp1", "control continues host_drain"),
        ("env show 2oD", "error: interrupted\n"),
        ("task log 2oD", "error: interrupted\n"),
    ],
)
def test_ctrl_c_before_the_first_progress_says_what_may_go_on(control, coconut, monkeypatch, command, said):
    monkeypatch.setattr("salt_o2.client.control_client.ControlClient.request", interrupted_after([]))
    done = coconut(command)
    assert done.code == 130
    assert said in done.err


WIDE = {"faults": [], "attributes": {"note": "a long text that does not fit into a narrow terminal at all"}}


def test_a_table_fits_into_a_terminal_and_is_not_limited_in_a_pipe(control, coconut, monkeypatch):
    control.answer("host_list", [host() | WIDE])
    wide = coconut("host list").out
    assert max(map(len, wide.splitlines())) > 120
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr("salt_o2.cli.ui.terminal.is_terminal", lambda: True)
    narrow = coconut("host list").out
    assert max(map(len, narrow.splitlines())) <= 120
    assert "terminal" in narrow
