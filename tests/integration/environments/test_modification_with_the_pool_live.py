"""A run that grows from the pool and shrinks into it, on a real cluster.

The proof that nothing was started: process ids and start times, and which processes there are. The proof that
no other task was affected: the same of all others, the run's number, and an unbroken sequence of messages at
the sink of another environment, the witness.
"""

from pathlib import Path

import pytest

from tests.support.clusters.environment_queries import (
    gaps,
    identities,
    numbers_at,
    repeated,
    replaced,
    states,
    task_at,
    total_at,
    touched,
)
from tests.support.clusters.killed_control import kill_control
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

FLOW, DIAMOND = "growing", "fairmq-ex-1-n-1"
EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
SLOW = 8
"""Messages a second: few enough for a sink to print each of them."""


@pytest.fixture
def stage(workshop):
    """The diamond as its own templates, and a sampler with a sink; the pool is empty at the end."""
    borrowed = [f"tasks/{DIAMOND}-{name}.yaml" for name in ("sampler", "processor", "sink")]
    for example in (f"workflows/{DIAMOND}.yaml", *borrowed):
        copy = workshop.folder / example.replace(f"{DIAMOND}.yaml", f"{FLOW}.yaml")
        copy.write_text((EXAMPLES / example).read_text())
        workshop.created.append(copy)
    workshop.write("workflows", "witness", roles=workshop.witness(SLOW))
    yield workshop
    workshop.cluster.ask("pool_clean", all=True)
    wait_until(lambda: pool(workshop) == {}, "the pool is empty")


@pytest.fixture
def witness(stage):
    """Another environment, which runs and counts."""
    environment = stage.control(stage.create("witness"), "START_ACTIVITY")
    wait_until(lambda: total_at(stage, task_at(environment, "memory"))[0] > 3, "the witness counts")
    return environment


@pytest.fixture
def running(stage):
    """The diamond with two processors, RUNNING."""
    return stage.control(stage.create(FLOW, processors=2), "START_ACTIVITY")


def pool(workshop):
    return {row["id"]: row for row in workshop.cluster.ask("pool_list")["pooled"]}


def waiting_pids(workshop):
    return {row["pid"] for row in pool(workshop).values()}


def pids(environment):
    return {task["pid"] for task in environment["tasks"]}


def scale(workshop, environment, processors, **how):
    return workshop.cluster.ask("env_modify", id=environment["id"], scale={"processor": processors}, **how)


def fill(workshop, processors):
    """Let another environment leave its tasks to the pool; return their process ids."""
    other = workshop.create(FLOW, processors=processors)
    workshop.cluster.ask("env_destroy", id=other["id"], keep_tasks=True)
    return {task["pid"] for task in other["tasks"] if "processor" in task["path"]}


def check_witness(workshop, before):
    """The witness is the same pair of processes, and its numbers have come one by one until now."""
    memory = task_at(before, "memory")
    seen = total_at(workshop, memory)[0]
    wait_until(lambda: total_at(workshop, memory)[0] > seen + SLOW, "the witness goes on counting")
    assert replaced(before, workshop.show(before)) == set()
    (numbers,) = numbers_at(workshop, memory).values()
    assert (gaps(numbers), repeated(numbers)) == (set(), set())
    assert total_at(workshop, memory)[1] == 0


def test_a_run_grows_by_the_processes_of_an_environment_that_has_ended(stage, witness, running):
    there = fill(stage, 3)
    before = stage.processes()
    plan = stage.cluster.json("coconut", "env", "plan", running["id"], "--scale", "processor=5")
    assert plan["summary"] == {"keep": 4, "reuse": 3}
    grown = stage.cluster.ask("env_modify", plan=plan["token"])
    assert (stage.processes(), pids(grown) - pids(running)) == (before, there)
    assert not replaced(running, grown)
    assert len(touched(stage, running, grown)) == 3
    assert set(states(grown).values()) == {"RUNNING"}
    assert grown["run_number"] == running["run_number"]
    mark = f"modified by {task_at(grown, 'processor4')['id']}"
    sink = task_at(grown, "sink")
    wait_until(lambda: mark in stage.log(sink, 100_000), "who has joined has part in the data")
    check_witness(stage, witness)


def test_a_task_that_departs_from_a_run_waits_in_standby_and_returns_with_its_process(
    stage, witness, running
):
    grown = scale(stage, running, 4)
    assert not replaced(running, grown)
    plan = stage.cluster.json("coconut", "env", "plan", running["id"], "--scale", "processor=1", "-k")
    assert plan["summary"] == {"keep": 3, "pool": 3}
    before = stage.processes()
    shrunk = stage.cluster.ask("env_modify", plan=plan["token"])
    assert (stage.processes(), waiting_pids(stage)) == (before, pids(grown) - pids(shrunk))
    assert {row["state"] for row in pool(stage).values()} == {"STANDBY"}
    assert {row["origin"] for row in pool(stage).values()} == {running["id"]}
    assert (shrunk["state"], shrunk["run_number"]) == ("RUNNING", running["run_number"])
    assert touched(stage, grown, shrunk) == set(identities(grown)) - set(identities(shrunk))
    again = scale(stage, running, 4)
    assert sorted(identities(again).values()) == sorted(identities(grown).values())
    assert (stage.processes(), pool(stage)) == (before, {})
    assert set(states(again).values()) == {"RUNNING"}
    check_witness(stage, witness)


def test_a_departing_task_without_a_transfer_ends(stage, running):
    shrunk = scale(stage, running, 1)
    (gone,) = pids(running) - pids(shrunk)
    assert pool(stage) == {}
    wait_until(lambda: gone not in stage.processes(), "the other process is gone")
    assert pids(shrunk) <= stage.processes()


def test_salts_command_and_coconut_leave_tasks_and_find_them_again(stage, running):
    id = running["id"]
    kept = stage.cluster.json("salt-run", "o2.env_modify", id, "scale={processor: 1}", "keep_tasks=True")
    (left,) = pids(running) - pids(kept)
    assert (len(kept["kept"]), waiting_pids(stage)) == (1, {left})
    grown = stage.cluster.json("coconut", "env", "modify", id, "--scale", "processor=2")
    assert pids(grown) == pids(running)
    told = stage.cluster.json(
        "coconut", "env", "modify", id, "--scale", "processor=1", "--keep-tasks", "--yes"
    )
    assert told["kept"] == kept["kept"]
    lines = [line["text"] for line in stage.cluster.ask("env_history", id=id)]
    assert sum(text.startswith("moved to the pool: ") for text in lines) == 2
    assert any("of these from the pool " in text for text in lines)


def test_control_killed_after_each_modification_knows_the_owner_of_each_task(stage, witness, running):
    scale(stage, running, 1, keep_tasks=True)
    kill_control(stage)
    wait_until(
        lambda: {row["state"] for row in pool(stage).values()} == {"STANDBY"}, "the pool is heard again", 60
    )
    grown = scale(stage, running, 2)
    assert pids(grown) == pids(running)
    kill_control(stage)
    wait_until(lambda: set(states(stage.show(running)).values()) == {"RUNNING"}, "all are heard again", 60)
    assert (pids(stage.show(running)), pool(stage)) == (pids(running), {})
    check_witness(stage, witness)
