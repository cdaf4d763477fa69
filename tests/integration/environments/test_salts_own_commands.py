"""What a Salt administrator types."""

import pytest

pytestmark = pytest.mark.integration


def test_salt_run_creates_shows_and_destroys(workshop):
    made = workshop.cluster.json(
        "salt-run", "o2.env_create", "workflow=fairmq-ex-1-n-1", "vars={processors: 2}"
    )
    assert (made["state"], len(made["tasks"])) == ("CONFIGURED", 4)
    shown = workshop.cluster.run("salt-run", "o2.env_show", made["id"]).stdout
    assert "[CONFIGURED] diamond" in shown
    assert "└── [CONFIGURED] sink → task" in shown
    assert workshop.cluster.json("salt-run", "o2.env_list")[0]["id"] == made["id"]
    assert len(workshop.cluster.json("salt-run", "o2.task_list")) == 4
    assert workshop.cluster.json("salt-run", "o2.env_destroy", made["id"])["state"] == "DONE"


def test_salt_run_shows_progress_while_control_works(workshop):
    done = workshop.cluster.run("salt-run", "o2.env_create", "workflow=fairmq-ex-copypush")
    assert "of 5 tasks" in done.stdout


def test_salt_run_fails_with_a_plain_message_and_an_exit_code(workshop):
    done = workshop.cluster.run("salt-run", "o2.env_create", "workflow=no-such-workflow")
    assert done.returncode == 1
    assert "no workflow no-such-workflow" in done.stdout
    assert "Traceback" not in done.stdout


def test_the_examples_are_listed(workshop):
    names = {each["name"] for each in workshop.cluster.json("salt-run", "o2.workflow_list")}
    assert {"fairmq-ex-1-n-1", "fairmq-ex-copypush", "qc-advanced-root"} <= names


def test_every_minion_lists_its_tasks(workshop):
    environment = workshop.create("fairmq-ex-copypush")
    told = workshop.cluster.json("salt", "*", "o2.tasks", "--static")
    found = {task["task"]: task["state"] for tasks in told.values() for task in tasks.values()}
    alive = {task for task, state in found.items() if state != "DONE"}  # the last test's may still be listed
    assert alive == {task["id"] for task in environment["tasks"]}


def test_a_user_can_poll_and_move_one_process(workshop):
    environment = workshop.create("fairmq-ex-copypush")
    task = environment["tasks"][0]
    port = str(task["control_port"])
    (state,) = workshop.cluster.json("salt", task["host"], "occ.get_state", port, "--static").values()
    assert (state["state"], state["pid"]) == ("READY", task["pid"])
    moved = workshop.cluster.run("salt", task["host"], "occ.transition", port, "RESET")
    assert moved.returncode == 0, moved.stdout + moved.stderr
    (state,) = workshop.cluster.json("salt", task["host"], "occ.get_state", port, "--static").values()
    assert state["state"] == "IDLE"


def test_a_wrong_event_of_a_user_is_refused_before_it_reaches_the_device(workshop):
    environment = workshop.create("fairmq-ex-copypush")
    task = environment["tasks"][0]
    port = str(task["control_port"])
    done = workshop.cluster.run("salt", task["host"], "occ.transition", port, "CONFIGURE")
    assert done.returncode != 0
    (state,) = workshop.cluster.json("salt", task["host"], "occ.get_state", port, "--static").values()
    assert state["state"] == "READY"
