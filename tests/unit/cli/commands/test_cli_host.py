"""coconut host cordon, drain, uncordon: what control is asked, and how cordons are shown."""

import pytest

from salt_o2.output import o2
from tests.support.builders.control_records import host

LEFT = {
    "environment": "2oDvieFrVTi",
    "state": "RUNNING",
    "run_number": 17,
    "tasks": 2,
    "roles": ["readout.reader", "readout.stfb"],
    "why": "they leave after the run",
}
POOLED = {
    "environment": "pool",
    "state": None,
    "run_number": None,
    "tasks": 1,
    "roles": ["epn.worker"],
    "why": "they are being stopped",
}


def cordon(drain=False, left=(), **more):
    known = {"user": "ana", "reason": "replace a fan", "since": "2026-12-01T12:00:00+00:00"}
    drained = drain and not left
    return known | {"drain": drain, "after_runs": False, "drained": drained, "left": [*left]} | more


def answer(outcome, **how):
    return [{"id": "flp1", "status": "ACTIVE", "cordon": cordon(**how), "outcome": outcome}]


def test_a_cordon_is_requested_with_its_reason(control, coconut):
    control.answer("host_cordon", answer("no new task is placed there; its tasks stay"))
    done = coconut(["host", "cordon", "flp1", "--reason", "replace a fan"])
    assert control.asked("host_cordon") == [{"hosts": ["flp1"], "reason": "replace a fan"}]
    assert done.out == "flp1 is ACTIVE, cordoned: no new task is placed there; its tasks stay\n"


def test_a_drain_names_the_tasks_that_are_left_and_why(control, coconut):
    outcome = "3 tasks are left there; the drain continues"
    control.answer("host_drain", answer(outcome, drain=True, left=[LEFT, POOLED]))
    done = coconut(["host", "drain", "flp1", "-r", "replace a fan", "--after-runs"])
    assert control.asked("host_drain") == [
        {"hosts": ["flp1"], "reason": "replace a fan", "after_runs": True, "wait_s": 0.0}
    ]
    assert done.out.splitlines() == [
        "flp1 is ACTIVE, draining (3 left): 3 tasks are left there; the drain continues",
        "  2 tasks of environment 2oDvieFrVTi (RUNNING, run 17) (readout.reader, readout.stfb): "
        "they leave after the run",
        "  1 task of the pool (epn.worker): they are being stopped",
    ]
    assert done.code == 0


@pytest.mark.parametrize(("left", "code"), [([LEFT], 1), ([], 0)])
def test_the_exit_code_of_a_drain_with_a_wait_says_whether_tasks_are_left(control, coconut, left, code):
    control.answer("host_drain", answer("x", drain=True, left=left))
    assert coconut("host drain flp1 --wait 5").code == code
    assert control.asked("host_drain")[0]["wait_s"] == 5.0


def test_an_uncordon_shows_the_plain_status(control, coconut):
    told = {"id": "flp1", "status": "ACTIVE", "cordon": None, "outcome": "new tasks may be placed there"}
    control.answer("host_uncordon", [told])
    assert coconut("host uncordon flp1").out == "flp1 is ACTIVE: new tasks may be placed there\n"
    assert control.asked("host_uncordon") == [{"hosts": ["flp1"]}]


@pytest.mark.parametrize(
    ("how", "shown"),
    [
        ({}, "| ACTIVE, cordoned |"),
        ({"drain": True}, "| ACTIVE, drained |"),
        ({"drain": True, "left": [LEFT, POOLED]}, "| ACTIVE, draining (3 left) |"),
    ],
)
def test_the_list_shows_whether_a_host_accepts_tasks(control, coconut, how, shown):
    control.answer("host_list", [host() | {"cordon": cordon(**how)}, host("flp2") | {"cordon": None}])
    done = coconut("host list")
    assert shown in done.out
    assert "| ACTIVE " in done.out.splitlines()[-2]


def test_a_host_is_shown_with_user_reason_and_tasks_that_are_left(control, coconut):
    control.answer("host_list", [host() | {"cordon": cordon(drain=True, left=[LEFT])}])
    out = coconut("host show flp1").out
    assert "status:     ACTIVE, draining (2 left)\n" in out
    assert "by ana: replace a fan" in out
    assert "they leave after the run" in out


def test_a_misspelt_host_gets_a_suggestion(control, coconut):
    control.answer("host_list", [host("flp1"), host("epn1")])
    done = coconut("host show flp11")
    assert done.code == 1
    assert "(did you mean flp1?)" in done.err


def test_the_runner_shows_the_same_text():
    assert o2.output(answer("x")) == "flp1 is ACTIVE, cordoned: x"
