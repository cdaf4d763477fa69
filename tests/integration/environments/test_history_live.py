"""The history of real environments: shown, rebuilt at any time, compared, repeated; output of tasks."""

from datetime import datetime

import pytest

from salt_o2.core.errors import O2Error, TaskError
from tests.support.clusters.environment_queries import identities, paths, states, task_at
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration


def lines_of(cluster, environment):
    return cluster.ask("env_history", id=environment["id"], limit=100_000)


@pytest.fixture(scope="module")
def eventful(cluster):
    """An environment that has been through a good deal and ended, and what it was after each step."""
    seen, ask = [], cluster.ask

    def note(record):
        line = lines_of(cluster, record)[-1]
        seen.append((line["at"], record))
        return record

    made = note(ask("env_create", workflow="fairmq-ex-1-n-1", vars={"processors": 2}))
    note(ask("env_control", id=made["id"], event="START_ACTIVITY"))
    note(ask("env_modify", id=made["id"], exclude=["diamond.processors.processor0"]))
    note(ask("env_modify", id=made["id"], scale={"processor": 3}))
    note(ask("env_modify", id=made["id"], include=["diamond.processors.processor0"], scale={"processor": 2}))
    note(ask("env_control", id=made["id"], event="STOP_ACTIVITY"))
    note(ask("env_destroy", id=made["id"]))
    return seen


def test_a_replay_until_any_time_gives_the_state_of_that_time(workshop, eventful):
    for at, record in eventful[:-1]:
        until = datetime.fromisoformat(at).timestamp() + 0.002  # iso() tells milliseconds only
        again = workshop.cluster.ask("env_replay", id=record["id"], until=str(until))
        assert (again["state"], again["run_number"]) == (record["state"], record["run_number"])
        assert identities(again) == identities(record)
        assert states(again) == states(record)
        assert again["roles"] == record["roles"]
        assert again["excluded"] == record["excluded"]


def test_a_replay_of_the_whole_journal_ends_where_the_environment_ended(workshop, eventful):
    again = workshop.cluster.ask("env_replay", id=eventful[-1][1]["id"])
    assert (again["state"], again["tasks_total"]) == ("DONE", 4)


def test_an_ended_environment_is_found_by_the_beginning_of_its_id(workshop, eventful):
    id = eventful[0][1]["id"]
    assert workshop.cluster.ask("env_replay", id=id[:8])["id"] == id
    assert workshop.cluster.ask("env_show", id=id[:8])["state"] == "DONE"


def test_a_replay_before_the_beginning_is_refused(workshop, eventful):
    with pytest.raises(O2Error, match="has no environment"):
        workshop.cluster.ask("env_replay", id=eventful[0][1]["id"], until="2001-01-01T00:00:00")


def test_the_history_of_an_ended_environment_has_events_and_causes(workshop, eventful):
    told = [(line["text"], line["cause"]) for line in lines_of(workshop.cluster, eventful[0][1])]
    texts = [text for text, _ in told]
    assert texts[0].startswith("created from fairmq-ex-1-n-1: 4 tasks")
    assert any(text.startswith("another plan: exclude diamond.processors.processor0") for text in texts)
    assert "another plan: start diamond.processors.processor2" in texts
    assert any(text.startswith("another plan: include diamond.processors.processor0; stop") for text in texts)
    states_told = [text.split()[3].rstrip(",") for text in texts if text.startswith("the environment is")]
    assert states_told == ["DEPLOYED", "CONFIGURED", "RUNNING", "CONFIGURED", "DONE"]
    assert all(cause for text, cause in told if "gets the order" in text)
    assert texts[-2:] == ["hosts and ports are released", "answered: done"]


def test_a_history_can_be_read_at_the_terminal(workshop, eventful):
    id = eventful[0][1]["id"]
    text = workshop.cluster.run("coconut", "env", "history", id).stdout
    assert "> START_ACTIVITY asked for   <- asked by" in text
    assert "reports" not in text
    assert "reports" in workshop.cluster.run("coconut", "env", "history", id, "--all").stdout
    assert "START_ACTIVITY asked for" in workshop.cluster.run("salt-run", "o2.env_history", id).stdout
    shown = workshop.cluster.run("coconut", "env", "replay", id, "--until", eventful[1][0], "-w").stdout
    assert "[RUNNING] diamond" in shown or "START_ACTIVITY" in shown


def test_following_a_history_ends_with_the_environment(workshop, eventful):
    done = workshop.cluster.run("coconut", "env", "history", eventful[0][1]["id"], "--follow")
    assert done.returncode == 0
    assert "the environment is DONE" in done.stdout


def test_env_repeat_creates_the_same_environment_again_after_its_end(workshop):
    ask = workshop.cluster.ask
    role = "diamond.processors.processor1"
    made = ask(
        "env_create", workflow="fairmq-ex-1-n-1", vars={"rate": 7}, scale={"processor": 3}, exclude=[role]
    )
    ask("env_destroy", id=made["id"])
    again = ask("env_repeat", id=made["id"])
    assert again["id"] != made["id"]
    assert (again["state"], paths(again), again["vars"]) == ("CONFIGURED", paths(made), made["vars"])
    assert again["excluded"] == made["excluded"]
    assert "--rate=7" in task_at(again, "sampler")["command"]
    assert ask("env_diff", left=made["id"], right=again["id"])["variables"] == {}


def test_a_difference_names_variables_roles_and_commands(workshop):
    left = workshop.create("fairmq-ex-1-n-1", processors=1, rate=5)
    right = workshop.create("fairmq-ex-1-n-1", processors=2, rate=9)
    found = workshop.cluster.ask("env_diff", left=left["id"], right=right["id"])
    assert found["variables"]["rate"] == ["5", "9"]
    assert (found["only_left"], found["only_right"]) == ([], ["diamond.processors.processor1"])
    command = found["different"]["diamond.sampler"]["command"]
    assert ("--rate=5" in command[0], "--rate=9" in command[1]) == (True, True)
    assert "command" not in found["different"].get("diamond.sink", {})
    text = workshop.cluster.run("coconut", "env", "diff", left["id"], right["id"]).stdout
    assert "+ role diamond.processors.processor1" in text


def test_two_runs_of_one_environment_can_be_compared(workshop):
    environment = workshop.create("fairmq-ex-1-n-1", processors=1)
    first = workshop.control(environment, "START_ACTIVITY")["run_number"]
    workshop.control(environment, "STOP_ACTIVITY")
    workshop.cluster.ask("env_modify", id=environment["id"], scale={"processor": 2})
    second = workshop.control(environment, "START_ACTIVITY")["run_number"]
    found = workshop.cluster.ask("env_diff", left=str(first), right=str(second))
    assert found["only_right"] == ["diamond.processors.processor1"]


def test_the_output_of_a_task_is_shown_and_followed(workshop):
    environment = workshop.control(workshop.create("fairmq-ex-1-n-1", processors=1), "START_ACTIVITY")
    sink = task_at(environment, "sink")

    def said():
        return workshop.cluster.run("coconut", "task", "log", sink["id"], "-n", "5").stdout

    wait_until(lambda: "Hello #" in said(), "the sink has said something")
    assert len(said().splitlines()) == 5
    assert "Hello #" in workshop.cluster.run("salt-run", "o2.task_log", sink["id"], "lines=5").stdout
    with pytest.raises(TaskError, match="lines must be"):  # the host is reachable, and refuses
        workshop.cluster.ask("task_log", id=sink["id"], lines=0)
    assert workshop.cluster.json("coconut", "task", "log", sink["id"][:6])["host"] == sink["host"]


def test_an_unknown_environment_is_refused_by_all_history_requests(workshop):
    for verb in ("env_history", "env_replay", "env_repeat"):
        with pytest.raises(O2Error, match="never"):
            workshop.cluster.ask(verb, id="never")
    with pytest.raises(O2Error, match="424242"):
        workshop.cluster.ask("run_show", number=424242)
