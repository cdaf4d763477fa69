"""Tables and trees: what coconut's users know."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.presentation import environments, hosts, layout, progress, tasks, workflows
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


def test_the_task_table_has_the_columns_of_the_talk():
    lines = tasks.task_table([task("sampler"), task("sink")]).splitlines()
    assert lines[1].split("|")[1].strip() == "TASK ID (2 TASKS)"
    assert [cell.strip() for cell in lines[1].split("|")[2:6]] == [
        "CLASS NAME",
        "HOSTNAME",
        "STATUS",
        "STATE",
    ]
    assert "| id-sampler" in lines[3]


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
