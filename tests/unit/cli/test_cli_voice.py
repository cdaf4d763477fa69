"""Where coconut gets a task's output from."""

import pytest
from samples import task

SAID = {"task": "id-sink", "host": "flp1", "stdout": ["rate"], "stderr": []}


@pytest.fixture
def salt(nowhere, monkeypatch):
    """A program in the place of Salt's ``salt`` that prints what a test wants and notes its arguments."""
    program = nowhere / "salt"

    def says(text, status=0):
        program.write_text(
            f"#!/bin/sh\necho \"$@\" > {nowhere}/asked\ncat <<'END'\n{text}\nEND\nexit {status}\n"
        )
        program.chmod(0o755)

    monkeypatch.setattr("salt_o2.cli.voice._salt", lambda: str(program))
    return says


def test_control_is_asked_first(control, coconut, salt):
    salt("never called")
    control.answer("task_log", SAID)
    assert coconut("task log id-sink --json").json == SAID


def test_a_control_without_the_verb_leaves_it_to_a_salt_job(control, coconut, salt, nowhere, monkeypatch):
    monkeypatch.setenv("SALT_CONFIG_DIR", "/conf")
    without_the_verb(control)
    salt('{"flp1": {"stdout": ["rate"], "stderr": []}}')
    assert coconut("task log id-sink -n 7 --json").json == SAID
    words = (nowhere / "asked").read_text().split()
    assert words == ["-c", "/conf", "--out=json", "--static", "flp1", "o2.log", "id-sink", "lines=7"]


def test_a_task_that_nobody_has_is_refused(control, coconut, salt):
    salt("never called")
    without_the_verb(control)
    done = coconut("task log nothing --json")
    assert done.json["error"]["kind"] == "UnknownName"


@pytest.mark.parametrize("text", ["", "{}", "No minions matched"], ids=["nothing", "nobody", "prose"])
def test_a_host_that_does_not_answer_is_unreachable(control, coconut, salt, text):
    without_the_verb(control)
    salt(text, status=1)
    done = coconut("task log id-sink")
    assert done.code == 3
    assert "flp1 has not answered o2.log id-sink" in done.err


def test_what_the_host_says_instead_of_lines_is_passed_on(control, coconut, salt):
    without_the_verb(control)
    salt('{"flp1": "ERROR: no such task"}')
    done = coconut("task log id-sink")
    assert (done.code, done.err) == (1, "error: flp1 has no output of task id-sink: ERROR: no such task\n")


def without_the_verb(control):
    from salt_o2.core.errors import InvalidRequest

    control.answer("task_log", InvalidRequest("control has no verb 'task_log'"))
    control.answer("task_list", [task("sink", environment="2oD")])
