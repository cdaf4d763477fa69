"""Tables and trees: what coconut's users know."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.presentation import environments, hosts, layout, progress, runs, tasks, workflows
from salt_o2.presentation import progress as progress_text
from tests.support.builders.control_records import diamond, host, role, summary, task


def test_the_tree_of_an_environment_is_drawn_as_in_the_talk():
    assert environments.tree(diamond()["roles"]).splitlines() == [
        "[CONFIGURED] diamond",
        "├── [CONFIGURED] processors",
        "│   ├── [CONFIGURED] processor0 → task id-processor0",
        "│   └── [CONFIGURED] processor1 → task id-processor1",
        "├── [CONFIGURED] sampler → task id-sampler",
        "└── [CONFIGURED] sink → task id-sink",
    ]


def test_the_tree_of_an_environment_counts_the_restarts_of_its_tasks():
    env = diamond()
    env["tasks"][3]["restarts"] = 2
    lines = environments.environment(env, workflow=True).splitlines()
    assert lines[-1] == "└── [CONFIGURED] sink → task id-sink (restarts: 2)"
    assert sum("restarts" in line for line in lines) == 1


def test_a_last_role_draws_no_line_below_itself():
    inner = role("inner", "RUNNING", roles=[role("leaf", "RUNNING", task="x")])
    lines = environments.tree(role("root", "RUNNING", roles=[inner])).splitlines()
    assert lines[2] == "    └── [RUNNING] leaf → task x"


roles = st.recursive(
    st.builds(lambda name: role(name, "RUNNING", task="t"), st.text("abc", min_size=1)),
    lambda children: st.builds(
        lambda name, inner: role(name, "RUNNING", roles=inner),
        st.text("abc", min_size=1),
        st.lists(children, min_size=1),
    ),
    max_leaves=20,
)


def count(node):
    return 1 + sum(count(child) for child in node["roles"])


@given(roles)
def test_a_tree_has_one_line_for_each_role(root):
    assert len(environments.tree(root).splitlines()) == count(root)


def test_the_task_table_joins_role_class_host_state_pid_restarts_and_age():
    rows = [task("sampler", restarts=2, uptime_s=187.0), task("sink")]
    header, _, first, second, _ = tasks.task_table(rows).splitlines()[1:]
    assert [cell.strip() for cell in header.split("|")[1:-1]] == [
        "TASK ID (2 TASKS)",
        "ROLE",
        "CLASS NAME",
        "HOSTNAME",
        "STATE",
        "PID",
        "RESTARTS",
        "AGE",
    ]
    assert [cell.strip() for cell in first.split("|")[1:-1]] == [
        "id-sampler",
        "diamond.sampler",
        "fairmq-ex-1-n-1-sampler",
        "flp1",
        "CONFIGURED",
        "4711",
        "2",
        "3:07 min",
    ]
    assert [cell.strip() for cell in second.split("|")[-3:-1]] == ["", ""]


def test_excluded_and_lost_tasks_are_marked_in_their_row_and_explained_below():
    rows = [task("a", excluded="high voltage trip"), task("b", lost="exit code 2"), task("c")]
    text = tasks.task_table(rows)
    marks = {line.split("|")[1].strip(): line.split("|")[5].strip() for line in text.splitlines()[3:6]}
    assert marks == {
        "id-a": "CONFIGURED, excluded",
        "id-b": "CONFIGURED, lost",
        "id-c": "CONFIGURED",
    }
    assert text.splitlines()[-2:] == [
        "diamond.b is lost: exit code 2",
        "diamond.a is excluded: high voltage trip",
    ]


def test_an_old_state_of_a_task_says_how_old_it_is():
    row = tasks.task_table([task("a", "UNKNOWN", last_state="RUNNING", age_s=14.2)]).splitlines()[3]
    assert row.split("|")[5].strip() == "UNKNOWN (was RUNNING), seen 14.2 s ago"


FAILURE = {
    "at": "2026-08-13T12:02:00+00:00",
    "path": "diamond.sink",
    "host": "flp1",
    "task": "id-sink",
    "reason": "killed by signal 9",
}


def test_the_last_failure_of_a_restarted_task_is_shown_below_the_table():
    text = tasks.all_tasks_table([task("sink", restarts=1, last_failure=FAILURE, environment="2oD")])
    assert re.fullmatch(
        r"last failure 2026-08-1\d \d\d:02:00: diamond.sink on flp1: killed by signal 9",
        text.splitlines()[-1],
    )


def test_the_list_of_environments_is_a_dashboard():
    env = summary(
        state="RUNNING",
        since="2026-08-13T12:02:00+00:00",
        requested_by="ada",
        tasks_ready=2,
        tasks_planned=4,
        tasks_excluded=1,
        tasks_total=4,
        detectors=["ITS", "TPC"],
        detectors_excluded=["MCH"],
        lost=1,
        restarts=3,
        transition="STOP_ACTIVITY",
        transition_done=1,
        transition_total=3,
        last_failure=FAILURE,
        last_error={"at": "2026-08-13T12:01:00+00:00", "text": "CONFIGURE failed\nmore"},
    )
    lines = environments.environment_table([env]).splitlines()
    cells = dict(
        zip(
            (cell.strip() for cell in lines[1].split("|")[2:-1]),
            (cell.strip() for cell in lines[3].split("|")[2:-1]),
            strict=True,
        )
    )
    assert cells | {"SINCE": ""} == {
        "WORKFLOW TEMPLATE": "fairmq-ex-1-n-1",
        "STATE": "RUNNING (1 of 4 excluded), STOP_ACTIVITY 1/3",
        "RUN": "7",
        "SINCE": "",
        "READY": "2/3",
        "DETECTORS": "ITS TPC -MCH",
        "LOST": "1",
        "RESTARTS": "3",
        "BY": "ada",
    }
    assert cells["SINCE"].startswith("2026-08-1")
    assert [line.partition(": ")[2].partition(" 2026")[0] for line in lines[5:]] == [
        "last error",
        "last failure",
    ]
    assert lines[5].endswith("CONFIGURE failed ...")


def test_an_ended_environment_shows_no_old_failure():
    env = summary(state="DONE", last_failure=FAILURE)
    assert "failure" not in environments.environment_table([env])


RUN = {
    "run_number": 42,
    "environment": "2oD",
    "workflow": "readout",
    "revision": "r",
    "user": "teo",
    "started": "2026-08-13T12:00:00+00:00",
    "ended": "2026-08-13T12:02:00+00:00",
    "duration_s": 120.0,
    "end_state": "CONFIGURED",
    "end_cause": "requested",
    "ended_by": "ada",
    "end_reason": None,
    "failed_roles": [],
    "interrupted": 0,
    "not_back": 0,
}
MANY = ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("run", "text"),
    [
        ({"ended": None}, "goes on"),
        ({}, "STOP by ada"),
        ({"end_reason": "beam dump"}, "STOP by ada: beam dump"),
        ({"ended_by": None, "end_reason": "beam dump"}, "STOP by a rule: beam dump"),
        ({"end_state": "ERROR", "end_reason": "smoke"}, "ERROR by ada: smoke"),
        ({"end_cause": "time limit", "end_reason": "auto-stop", "ended_by": None}, "time limit"),
        ({"end_cause": "end of data", "end_reason": "end of data", "ended_by": None}, "end of data"),
        ({"end_cause": "recovery policy", "failed_roles": ["root.a"]}, "STOP, failure of root.a"),
        ({"end_cause": "ERROR", "end_state": "ERROR", "failed_roles": ["root.a"]}, "ERROR of root.a"),
        ({"end_cause": "ERROR", "end_state": "ERROR", "failed_roles": MANY}, "ERROR of a, b and 2 more"),
        ({"end_cause": "ERROR", "end_state": "ERROR", "end_reason": "call x failed"}, "ERROR: call x failed"),
        ({"end_cause": "never started", "failed_roles": ["root.a"]}, "never started, ERROR of root.a"),
        ({"end_cause": "never started", "end_reason": "cancelled"}, "never started: cancelled"),
        ({"end_cause": None, "end_reason": "noisy"}, "noisy"),
        ({"end_cause": None}, "not recorded"),
    ],
)
def test_the_end_of_a_run_names_its_cause(run, text):
    assert runs.end({**RUN, **run}) == text
    assert text in runs.run_table([{**RUN, **run}])


def test_a_run_shows_which_tasks_were_missing_from_when_until_when():
    lost = {
        "path": "readout.sink",
        "task": "t",
        "class": "sink",
        "host": "flp1",
        "reason": "killed by signal 9",
        "excluded": False,
        "since": "2026-08-13T12:00:10+00:00",
        "until": None,
        "seconds": None,
        "how": None,
    }
    back = {**lost, "until": "2026-08-13T12:00:12+00:00", "seconds": 2.5, "how": "restarted"}
    text = runs.run({**RUN, "interrupted": 2, "not_back": 1, "interruptions": [back, lost]})
    first, second = text.splitlines()[-3:-1]
    assert "interrupted:" in text
    assert "2 (1 not back)" in text
    assert [cell.strip() for cell in first.split("|")[5:-1]] == ["2.5 s", "restarted", "killed by signal 9"]
    assert [cell.strip() for cell in second.split("|")[4:-1]] == ["", "", "not back", "killed by signal 9"]


def test_a_run_without_an_interruption_says_so():
    assert "interrupted:       no" in runs.run({**RUN, "interruptions": []})


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (0.04, "0.0 s"), (59.9, "59.9 s"), (187, "3:07 min"), (7380, "2:03 h"), (400_000, "4 d")],
)
def test_durations_have_the_unit_that_users_read(seconds, text):
    assert layout.duration(seconds) == text


def test_the_title_of_a_table_with_one_task_is_singular():
    assert "TASK ID (1 TASK)" in tasks.task_table([task("sink")])


def test_the_error_of_a_task_is_shown_below_the_table():
    text = tasks.task_table([task("sink", "ERROR", error="killed by signal 9")])
    assert text.splitlines()[-1] == "diamond.sink on flp1: killed by signal 9"


@given(st.lists(st.tuples(st.text("abc │é"), st.integers()), max_size=5))
def test_all_lines_of_a_table_are_equally_wide(rows):
    assert len({len(line) for line in layout.table(("A", "B"), rows).splitlines()}) == 1


def test_values_of_a_block_stand_under_each_other():
    assert layout.block([("id", 1), ("run number", 2)]) == "id:         1\nrun number: 2"


def test_a_value_of_several_lines_stands_under_itself():
    assert layout.block([("error", "one\ntwo"), ("state", "x")]) == "error: one\n       two\nstate: x"


def test_a_block_leaves_out_what_is_not_known():
    assert layout.block([("id", 1), ("error", None)]) == "id: 1"


def test_an_environment_shows_its_run_number_only_while_it_has_one():
    assert "run number:        7" in environments.environment(diamond("RUNNING"))
    assert "run number" not in environments.environment(diamond("CONFIGURED"))


def test_tasks_and_workflow_are_shown_on_request():
    plain = environments.environment(diamond())
    assert "TASK ID" not in plain
    assert "workflow:" not in plain
    both = environments.environment(diamond(), tasks=True, workflow=True)
    assert both.index("TASK ID") < both.index("workflow:\n[CONFIGURED] diamond")


def test_the_result_of_a_creation_counts_active_tasks():
    env = diamond()
    env["tasks"][0]["status"] = "INACTIVE"
    text = environments.created(env)
    assert text.startswith("new environment created with 4 tasks\n")
    assert "tasks active:      3\ntasks inactive:    1\ntasks total:       4" in text


def test_a_transition_is_shown_with_its_result_and_its_duration():
    text = environments.moved(diamond("RUNNING"), 1.333)
    assert text.splitlines()[0] == "transition complete"
    assert "transition duration: 1.333 s" in text


def test_a_transition_that_ended_in_error_is_not_called_complete():
    text = environments.moved(diamond("ERROR", error="sink died"), 1)
    assert text.splitlines()[0] == "transition failed"
    assert "sink died" in text


@pytest.mark.parametrize(
    ("renderer", "sentence"),
    [
        (environments.environment_table, "no environments"),
        (tasks.all_tasks_table, "no tasks"),
        (tasks.task_table, "no tasks"),
        (hosts.host_table, "no hosts known"),
        (workflows.workflow_table, "no workflow templates found"),
    ],
    ids=["environments", "tasks", "tasks of one", "hosts", "workflows"],
)
def test_an_empty_list_is_rendered_as_a_sentence(renderer, sentence):
    assert renderer([]) == sentence


def test_the_list_of_environments_has_one_row_for_each():
    text = environments.environment_table([summary(), summary(id="other")])
    assert "2oDvieFrVTi" in text
    assert "other" in text


def test_the_table_of_hosts_shows_the_resources_of_a_host():
    row = hosts.host_table([host()]).splitlines()[3]
    assert all(word in row for word in ("flp1", "127.0.0.11", "2.0 GB", "detector=ITS", "0.4 s ago"))


def test_the_table_of_workflows_shows_the_source():
    flow = {"name": "copypush", "description": "d", "revision": "abc", "source": "/srv/o2"}
    assert "/srv/o2" in workflows.workflow_table([flow])


def test_progress_names_the_awaited_state_and_counts_tasks_by_state():
    progress = {
        "environment": "2oD",
        "transition": "CONFIGURE",
        "waiting_for": "flp2",
        "done": 4,
        "total": 6,
        "states": {"CONFIGURED": 4, "STANDBY": 2},
        "elapsed_s": 1.25,
    }
    assert progress_text.progress_line(progress) == (
        "CONFIGURE 2oD 4 of 6 tasks (4 CONFIGURED, 2 STANDBY) waiting for flp2 1.2 s"
    )


def test_progress_with_nothing_known_is_an_empty_line():
    assert progress.progress_line({"total": 0}) == ""


def test_times_are_shown_in_the_zone_of_the_reader(monkeypatch):
    monkeypatch.setenv("TZ", "CET-1")
    time.tzset()
    try:
        assert layout.local_time("2018-11-12T15:07:58+00:00") == "2018-11-12 16:07:58 CET"
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()


def test_an_invalid_time_is_shown_unchanged():
    assert layout.local_time("soon") == "soon"
