"""coconut environment plan, create, modify, repeat: which question each line asks, and what is refused."""

from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.cli.ui.parsing import move, names, scale
from salt_o2.core.errors import InvalidRequestError, PlanError
from tests.support.builders.control_records import diamond

PLAN = {
    "token": "KWff3wNJq1o",
    "environment": "2oD",
    "workflow": "readout",
    "revision": "abc",
    "action": "create",
    "changes": [],
    "summary": {},
    "hosts": [],
    "calls": [],
}


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ("-w readout", {"workflow": "readout"}),
        ("-w readout -e rate=2 -e x=y", {"workflow": "readout", "vars": {"rate": "2", "x": "y"}}),
        ("-w readout --scale epn=4,flp=2", {"workflow": "readout", "scale": {"epn": 4, "flp": 2}}),
        ("2oD --scale epn=4", {"id": "2oD", "scale": {"epn": 4}}),
        ("2oD --move readout.sink=flp2", {"id": "2oD", "move": {"readout.sink": "flp2"}}),
        (
            "2oD --exclude TPC --exclude a.b,c --include ITS",
            {"id": "2oD", "exclude": ["TPC", "a.b", "c"], "include": ["ITS"]},
        ),
        ("2oD --destroy", {"id": "2oD", "destroy": True}),
    ],
)
def test_plan_asks_only_for_what_was_said(control, coconut, options, asked):
    control.answer("env_plan", PLAN)
    assert coconut(f"env plan {options}").code == 0
    assert control.asked("env_plan") == [asked]


@pytest.mark.parametrize(
    ("verb", "options", "named"),
    [
        ("plan 2oD", "--scale p=2 --scale p=3", "p twice"),
        ("plan 2oD", "--scale p=2,p=2", "p twice"),
        ("plan 2oD", "--move a.b=flp1 --move a.b=flp2", "a.b twice"),
        ("plan 2oD --destroy", "--scale p=2", "scale"),
        ("plan 2oD --destroy", "-e rate=1 --exclude TPC", "exclude, vars"),
        ("plan 2oD --destroy", "--allow-all-excluded", "allow_all_excluded"),
        ("modify 2oD", "--scale p=2 --scale p=3", "p twice"),
        ("modify 2oD", "--move a.b=flp1,a.b=flp2", "a.b twice"),
        ("create -w w", "--scale p=2 --scale p=3", "p twice"),
        ("create -w w", "--scale p=" + "9" * 5000, "ROLE=NUMBER"),
        ("create -w w", "--scale p=\u00b2", "ROLE=NUMBER"),
    ],
)
def test_options_that_contradict_are_refused_before_control_is_asked(control, coconut, verb, options, named):
    done = coconut(f"env {verb} {options}")
    assert done.code in (1, 2)
    assert named in done.err
    assert control.asked(f"env_{verb.split()[0]}") == []


@pytest.mark.parametrize(
    ("line", "verb", "asked"),
    [
        ("plan -w w", "env_plan", {"workflow": "w"}),
        ("create -w w", "env_create", {"workflow": "w", "vars": {}}),
        ("modify 2oD", "env_modify", {"id": "2oD"}),
    ],
)
def test_a_user_says_that_no_task_is_to_take_part(control, coconut, line, verb, asked):
    control.answer(verb, PLAN if verb == "env_plan" else diamond())
    assert coconut(f"env {line} --exclude root --allow-all-excluded").code == 0
    assert control.asked(verb) == [asked | {"exclude": ["root"], "allow_all_excluded": True}]


def test_a_plan_is_one_document_for_a_program(control, coconut):
    control.answer("env_plan", PLAN)
    assert coconut("env plan -w readout --json").json == PLAN


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ("--plan KWf", {"plan": "KWf"}),
        ("-w readout -a", {"workflow": "readout", "vars": {}, "auto": True}),
        ("-w readout --exclude TPC", {"workflow": "readout", "vars": {}, "exclude": ["TPC"]}),
        ("-w readout --scale epn=2", {"workflow": "readout", "vars": {}, "scale": {"epn": 2}}),
    ],
)
def test_create_accepts_a_token_or_the_options_of_a_plan(control, coconut, options, asked):
    control.answer("env_create", diamond())
    assert coconut(f"env create {options}").code == 0
    assert control.asked("env_create") == [asked]


@pytest.mark.parametrize("verb", ["modify", "mod", "m"])
def test_modify_sends_the_requested_changes_and_prints_the_result(control, coconut, verb):
    control.answer("env_modify", diamond("RUNNING", excluded={"TPC": "too warm"}))
    done = coconut(["env", verb, "2oD", "--exclude", "TPC", "-r", "too warm", "--drain", "2.5"])
    expected = {"id": "2oD", "exclude": ["TPC"], "reason": "too warm", "drain_s": 2.5}
    assert control.asked("env_modify") == [expected]
    assert done.out.startswith("modification complete\n")
    assert "excluded:          TPC: too warm" in done.out
    assert "4 RUNNING" in done.out


def test_modify_applies_a_plan(control, coconut):
    control.answer("env_modify", diamond("RUNNING"))
    assert coconut("env modify --plan KWf --drain 1").code == 0
    assert control.asked("env_modify") == [{"plan": "KWf", "drain_s": 1.0}]


def test_repeat_creates_the_same_again(control, coconut):
    control.answer("env_repeat", diamond())
    assert coconut("env repeat 2oD").out.startswith("new environment created")
    assert control.asked("env_repeat") == [{"id": "2oD"}]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("env plan", "--workflow-template"),
        ("env plan 2oD -w readout", "--workflow-template"),
        ("env plan -w readout --destroy", "ID"),
        ("env create", "--plan"),
        ("env create --plan KWf -e a=b", "vars"),
        ("env modify 2oD", "--exclude"),
        ("env modify --exclude TPC", "ID"),
        ("env modify --plan KWf --scale a=1", "scale"),
    ],
)
def test_a_line_that_makes_no_sense_is_wrong_usage_and_asks_nothing(control, coconut, line, said):
    done = coconut(f"{line} --json")
    assert (done.code, control.requests) == (2, [])
    assert said in done.json["error"]["message"]


@pytest.mark.parametrize(
    "option", ["--scale epn", "--scale epn=x", "--scale =3", "--move a=", "--scale a=-1"]
)
def test_a_value_that_cannot_be_read_is_refused_with_the_form(control, coconut, option):
    done = coconut(f"env plan 2oD {option}")
    assert (done.code, control.requests) == (1, [])
    assert "expected ROLE=" in done.err


def test_an_outdated_plan_fails_the_command(control, coconut):
    control.answer("env_create", PlanError("the world has moved since the plan was made"))
    done = coconut("env create --plan KWf")
    assert (done.code, done.err) == (1, "error: the world has moved since the plan was made\n")


WORD = st.text("abcXYZ.019", min_size=1)


@given(st.dictionaries(WORD, st.integers(0, 10**6)))
def test_every_scale_is_read_back_from_one_option_or_from_many(wanted):
    pairs = [f"{name}={number}" for name, number in wanted.items()]
    assert scale(pairs) == scale([",".join(pairs)]) == wanted


@given(st.dictionaries(WORD, WORD))
def test_every_move_is_read_back(wanted):
    assert move([f"{role}={host}" for role, host in wanted.items()]) == wanted


@given(st.lists(WORD))
def test_names_may_be_repeated_or_separated_by_commas(wanted):
    assert names(wanted) == names([",".join(wanted)]) == wanted


@pytest.mark.parametrize("text", ["epn", "=1", "epn=", "epn=1.5"])
def test_a_scale_without_a_whole_number_is_refused(text):
    with pytest.raises(InvalidRequestError, match="expected ROLE=NUMBER"):
        scale([text])


SCALED_BACK = PLAN | {
    "changes": [
        {"path": "readout.epn1", "change": "stop"},
        {"path": "readout.epn2", "change": "pool"},
        {"path": "readout.sink", "change": "stop"},
        {"path": "readout.sink", "change": "start"},
        {"path": "readout.eye", "change": "reconfigure"},
    ],
}
"""The plan of a change that stops one role, transfers one to the pool, moves one and reconfigures one."""


@pytest.fixture
def at_a_terminal(monkeypatch):
    """Let a user at a terminal answer the questions of coconut."""

    def answering(answer):
        terminal = StringIO(answer)
        terminal.isatty = lambda: True
        monkeypatch.setattr("sys.stdin", terminal)
        monkeypatch.setattr("salt_o2.cli.ui.confirmation.is_terminal", lambda: True)

    return answering


@pytest.mark.parametrize("options", ["--scale epn=1", "-e epns=1"])
def test_a_script_that_scales_back_needs_the_option_yes(control, coconut, options):
    control.answer("env_plan", SCALED_BACK)
    control.answer("env_modify", diamond())
    done = coconut(f"env modify 2oD {options}")
    assert (done.code, control.asked("env_modify")) == (2, [])
    said = " ".join(done.err.replace("│", " ").split())
    assert "stop 2 roles of environment 2oD (readout.epn1, readout.epn2)" in said
    assert "--yes" in said
    assert coconut(f"env modify 2oD {options} --json").json["error"]["kind"] == "UsageError"
    assert coconut(f"env modify 2oD {options} --yes").code == 0
    assert len(control.asked("env_modify")) == 1


def test_a_user_who_agrees_gets_exactly_the_plan_that_was_asked_about(control, coconut, at_a_terminal):
    control.answer("env_plan", SCALED_BACK)
    control.answer("env_modify", diamond())
    at_a_terminal("y\n")
    done = coconut(["env", "modify", "2oD", "--scale", "epn=1", "--drain", "2", "-k", "-r", "less beam"])
    assert done.code == 0
    assert "Stop 2 roles" in done.out
    assert control.asked("env_plan") == [
        {"id": "2oD", "scale": {"epn": 1}, "reason": "less beam", "keep_tasks": True}
    ]
    assert control.asked("env_modify") == [
        {"plan": "KWff3wNJq1o", "reason": "less beam", "drain_s": 2.0, "keep_tasks": True}
    ]


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_a_user_who_does_not_agree_changes_nothing(control, coconut, at_a_terminal, answer):
    control.answer("env_plan", SCALED_BACK)
    at_a_terminal(answer)
    assert coconut("env modify 2oD --scale epn=1").code != 0
    assert control.asked("env_modify") == []


def test_a_change_that_stops_no_role_is_carried_out_without_a_question(control, coconut):
    control.answer("env_plan", PLAN | {"changes": [{"path": "readout.epn3", "change": "start"}]})
    control.answer("env_modify", diamond())
    assert coconut("env modify 2oD --scale epn=3").code == 0
    assert control.asked("env_modify") == [{"id": "2oD", "scale": {"epn": 3}}]


@pytest.mark.parametrize("options", ["--exclude TPC", "--include TPC", "--move a.b=flp2", "--plan KWf"])
def test_a_change_that_stops_no_role_by_its_kind_costs_no_plan(control, coconut, options):
    control.answer("env_modify", diamond())
    assert coconut(f"env modify {'' if 'plan' in options else '2oD'} {options}").code == 0
    assert control.asked("env_plan") == []


def test_a_plan_that_control_refuses_is_reported(control, coconut):
    control.answer("env_plan", PlanError("no host has room"))
    assert coconut("env modify 2oD --scale epn=3").code == 1
    assert control.asked("env_modify") == []
