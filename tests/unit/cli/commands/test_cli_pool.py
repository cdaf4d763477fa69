"""coconut pool, and what environment plan and destroy say of it."""

import pytest

from salt_o2.core.errors import InvalidRequestError
from tests.support.builders.control_records import diamond, task

BOUNDS = {"per_host": 50, "total": 500, "idle_s": 3600.0}
EMPTY = {"pooled": [], "bounds": BOUNDS}


def waiting(name, **other):
    row = task(name, "STANDBY")
    more = {
        "revision": "abc",
        "origin": "2oDvieFrVTi",
        "user": "teo",
        "since": "2026-11-22T16:00:00+00:00",
        "idle_s": 12.3,
        "host_status": "ACTIVE",
        "ending": None,
    }
    return row | more | other


@pytest.mark.parametrize("verb", ["list", "ls", "l"])
def test_list_shows_each_task_and_the_bounds(control, coconut, verb):
    control.answer("pool_list", {"pooled": [waiting("sink")], "bounds": BOUNDS})
    done = coconut(f"pool {verb}")
    assert (
        "| id-sink     | fairmq-ex-1-n-1-sink | flp1     | STANDBY | 4711 | 12 s | 2oDvieFrVTi |" in done.out
    )
    assert done.out.endswith("at most 500 tasks in all and 50 on a host, for 3600 s at the longest\n")


def test_pool_list_names_each_ending_task_with_the_reason(control, coconut):
    row = waiting("sink", ending="not claimed by an environment within 3600 s")
    control.answer("pool_list", {"pooled": [row], "bounds": BOUNDS})
    assert "id-sink is ending: not claimed by an environment within 3600 s" in coconut("pool list").out


def test_a_host_that_is_not_there_shows_in_the_place_of_the_state(control, coconut):
    control.answer("pool_list", {"pooled": [waiting("sink", host_status="LOST")], "bounds": BOUNDS})
    assert "| LOST " in coconut("pool list").out


def test_an_empty_pool_says_so(control, coconut):
    control.answer("pool_list", EMPTY)
    assert coconut("pool list").out.startswith("the pool is empty")


def test_json_is_the_whole_answer(control, coconut):
    control.answer("pool_list", EMPTY)
    assert coconut("pool list --json").json == EMPTY


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ("--all --yes", {"all": True}),
        ("--class readout", {"class_name": "readout", "host": "", "idle_s": 0.0}),
        ("-h flp1 -i 600", {"class_name": "", "host": "flp1", "idle_s": 600.0}),
    ],
    ids=["all", "class", "host and age"],
)
def test_pool_clean_sends_its_options_and_prints_the_ended_tasks_by_host(control, coconut, options, asked):
    ended = [waiting("sink"), waiting("sampler", host="flp2")]
    control.answer("pool_clean", {"ended": ended, "ending": [], "waiting": 3})
    done = coconut(f"pool clean {options}")
    assert control.asked("pool_clean") == [asked]
    assert done.out == "ended:       2 tasks: 1 on flp1, 1 on flp2\nin the pool: 3\n"


def test_clean_names_what_does_not_end(control, coconut):
    control.answer("pool_clean", {"ended": [], "ending": [waiting("sink")], "waiting": 0})
    assert "still ending: 1 task: 1 on flp1" in coconut("pool clean --all -y").out


@pytest.mark.parametrize("flag", ["--keep-tasks", "-k"])
def test_destroy_with_keep_tasks_prints_the_number_of_pooled_tasks(control, coconut, flag):
    control.answer("env_destroy", diamond("DONE", kept=["a", "b"]))
    done = coconut(f"env destroy 2oD {flag}")
    (asked,) = control.asked("env_destroy")
    assert asked["keep_tasks"] is True
    assert done.out == "teardown complete for environment 2oDvieFrVTi; 2 tasks of it are in the pool\n"


def test_a_plan_of_a_destruction_accepts_keep_tasks(control, coconut):
    control.answer("env_plan", InvalidRequestError("no"))
    coconut("env plan 2oD --destroy --keep-tasks")
    assert control.asked("env_plan") == [{"id": "2oD", "destroy": True, "keep_tasks": True}]


@pytest.mark.parametrize("flag", ["--keep-tasks", "-k"])
def test_modify_with_keep_tasks_prints_the_number_of_transferred_tasks(control, coconut, flag):
    control.answer("env_plan", {"changes": [], "token": "KWf", "environment": "2oD"})
    control.answer("env_modify", diamond("RUNNING", kept=["a", "b"]))
    done = coconut(f"env modify 2oD --scale epn=1 {flag}")
    assert control.asked("env_modify") == [{"id": "2oD", "scale": {"epn": 1}, "keep_tasks": True}]
    assert "moved to the pool: 2" in done.out


def test_a_modification_without_a_transfer_does_not_mention_the_pool(control, coconut):
    control.answer("env_plan", {"changes": [], "token": "KWf", "environment": "2oD"})
    control.answer("env_modify", diamond("RUNNING", kept=[]))
    assert "pool" not in coconut("env modify 2oD --scale epn=1 --keep-tasks").out


def test_a_plan_of_a_modification_accepts_keep_tasks(control, coconut):
    control.answer("env_plan", InvalidRequestError("no"))
    coconut("env plan 2oD --scale epn=1 --keep-tasks")
    assert control.asked("env_plan") == [{"id": "2oD", "scale": {"epn": 1}, "keep_tasks": True}]


def test_keep_tasks_in_a_plan_of_a_new_environment_is_wrong_usage(control, coconut):
    done = coconut("env plan -w readout --keep-tasks")
    assert done.code == 2
    assert control.asked("env_plan") == []
