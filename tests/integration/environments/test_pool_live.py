"""Tasks that outlive their environment and serve the next one, on a real cluster.

The proof that nothing was started: process ids and start times, and which processes there are.
"""

import os
from pathlib import Path

import pytest
import yaml

from salt_o2.cluster.faults.components import agent_pid
from salt_o2.cluster.paths import layout
from tests.support.clusters.environment_queries import identities, replaced, states, task_at, total_at
from tests.support.clusters.killed_control import kill_control
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

FLOW, DIAMOND = "pooled", "fairmq-ex-1-n-1"
EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


@pytest.fixture
def workshop(workshop):
    """The same with the diamond as its own templates, and a pool that is empty at the end.

    The examples' own revision is the commit of this work tree, in which a user may be working.
    """
    borrowed = [f"tasks/{DIAMOND}-{name}.yaml" for name in ("sampler", "processor", "sink")]
    for example in (f"workflows/{DIAMOND}.yaml", *borrowed):
        copy = workshop.folder / example.replace(f"{DIAMOND}.yaml", f"{FLOW}.yaml")
        copy.write_text((EXAMPLES / example).read_text())
        workshop.created.append(copy)
    yield workshop
    workshop.cluster.ask("pool_clean", all=True)
    wait_until(lambda: workshop.cluster.ask("pool_list")["pooled"] == [], "the pool is empty")


def leave(workshop, environment, **how):
    """Destroy an environment whose tasks go to the pool."""
    return workshop.cluster.ask("env_destroy", id=environment["id"], keep_tasks=True, **how)


def pool(workshop):
    return {row["id"]: row for row in workshop.cluster.ask("pool_list")["pooled"]}


def pids(environment):
    return {task["pid"] for task in environment["tasks"]}


def audited(workshop):
    """Return whether no host reports an orphaned process."""
    result = workshop.cluster.json("salt", "*", "o2.audit", "--static")
    return all(host["clean"] for host in result.values())


def test_the_next_environment_runs_on_the_processes_of_the_previous_environment(workshop):
    first = workshop.control(workshop.create(FLOW, processors=2), "START_ACTIVITY")
    kept = leave(workshop, first, allow_in_running_state=True)
    assert len(kept["kept"]) == 4
    assert {row["pid"] for row in pool(workshop).values()} == pids(first)
    assert {row["state"] for row in pool(workshop).values()} == {"STANDBY"}
    before = workshop.processes()
    second = workshop.create(FLOW, processors=2)
    assert (workshop.processes(), pool(workshop)) == (before, {})
    assert not replaced(first, second)
    running = workshop.control(second, "START_ACTIVITY")
    assert set(states(running).values()) == {"RUNNING"}
    sink = task_at(running, "sink")
    total, _ = total_at(workshop, sink)
    wait_until(lambda: total_at(workshop, sink)[0] > total, "messages of the new run arrive at the sink")
    assert not replaced(first, workshop.show(running))


def test_missing_tasks_are_started_beside_claimed_ones(workshop):
    first = workshop.create(FLOW, processors=1)
    leave(workshop, first)
    plan = workshop.cluster.json("coconut", "env", "plan", "-w", FLOW, "-e", "processors=2")
    assert plan["summary"] == {"reuse": 3, "start": 1}
    second = workshop.cluster.ask("env_create", plan=plan["token"])
    assert pids(second) > pids(first)
    assert len(pids(second)) == 4
    running = workshop.control(second, "START_ACTIVITY")
    sink = task_at(running, "sink")
    total, _ = total_at(workshop, sink)
    wait_until(lambda: total_at(workshop, sink)[0] > total, "messages arrive at the sink")


@pytest.fixture
def device_workflow(workshop):
    """One device, whose command has a variable."""
    workshop.task("eye", "o2-device", "sampler", "--rate={{ rate }}", defaults={"rate": "5"})
    return workshop.workflow("looking", "eye")


def test_a_task_with_another_command_or_revision_is_started_and_not_claimed(workshop, device_workflow):
    first = workshop.create(device_workflow)
    leave(workshop, first)
    other = workshop.create(device_workflow, rate=7)
    assert not pids(other) & pids(first)
    workshop.write("tasks", "unused", command={"value": "true"}, control={"mode": "basic"})
    revised = workshop.create(device_workflow)
    assert not pids(revised) & pids(first)
    assert {row["pid"] for row in pool(workshop).values()} == pids(first)


def test_control_that_is_killed_between_leaving_and_claiming_has_the_pool_afterwards(workshop):
    first = workshop.create(FLOW, processors=2)
    leave(workshop, first)
    kill_control(workshop)
    wait_until(
        lambda: {row["state"] for row in pool(workshop).values()} == {"STANDBY"},
        "all of them are heard again",
    )
    second = workshop.create(FLOW, processors=2)
    assert identities(second) == identities(first)
    assert pool(workshop) == {}


def test_the_pool_is_listed_and_cleaned_by_salts_command_and_by_coconut(workshop):
    first = workshop.cluster.json("salt-run", "o2.env_create", f"workflow={FLOW}", "vars={processors: 2}")
    workshop.cluster.json("salt-run", "o2.env_destroy", first["id"], "keep_tasks=True")
    listed = workshop.cluster.json("salt-run", "o2.pool_list")
    assert listed == workshop.cluster.json("coconut", "pool", "list") | {"pooled": listed["pooled"]}
    assert {row["origin"] for row in listed["pooled"]} == {first["id"]}
    assert audited(workshop)
    host = task_at(first, "sink")["host"]
    here = {task["id"] for task in first["tasks"] if task["host"] == host}
    ended = workshop.cluster.json("coconut", "pool", "clean", "--host", host)
    assert {row["id"] for row in ended["ended"]} == here
    assert len(workshop.processes()) >= 4 - len(here)
    result = workshop.cluster.json("salt-run", "o2.pool_clean", f"class_name={DIAMOND}-processor", "idle=0")
    assert result["waiting"] == len(pool(workshop))
    workshop.cluster.ask("pool_clean", all=True)
    wait_until(lambda: workshop.processes() == set(), "all processes are gone")
    assert audited(workshop)


def test_a_task_that_dies_in_the_pool_is_removed_and_not_claimed(workshop, device_workflow):
    first = workshop.create(device_workflow)
    leave(workshop, first)
    (row,) = pool(workshop).values()
    os.kill(row["pid"], 9)
    wait_until(lambda: pool(workshop) == {}, "it has left the pool")
    result = [line["text"] for line in workshop.cluster.ask("env_history", id="pool")]
    assert any(f"eye on {row['host']} departs: the process ended unexpectedly" in text for text in result)
    second = workshop.create(device_workflow)
    assert not pids(second) & pids(first)


def test_killed_agents_have_the_tasks_of_the_pool_afterwards_except_a_dead_one(workshop):
    first = workshop.create(FLOW, processors=2)
    leave(workshop, first)
    victim = task_at(first, "sink")
    for host in {task["host"] for task in first["tasks"]}:
        os.kill(agent_pid(workshop.cluster.directory, host), 9)
    os.kill(victim["pid"], 9)
    wait_until(lambda: victim["id"] not in pool(workshop), "the next agent has reported the dead task", 60)
    wait_until(
        lambda: {row["state"] for row in pool(workshop).values()} == {"STANDBY"},
        "all others are heard again",
        60,
    )
    second = workshop.create(FLOW, processors=2)
    assert pids(first) - pids(second) == {victim["pid"]}
    assert second["state"] == "CONFIGURED"


@pytest.fixture
def strict(workshop):
    """A site whose pillar lets one task wait on a host."""
    folder = layout(workshop.cluster.directory).pillar
    files = {"top.sls": {"base": {"*_master": ["strict"]}}, "strict.sls": {"o2": {"pool": {"per_host": 1}}}}
    for name, content in files.items():
        (folder / name).write_text(yaml.safe_dump(content))
    kill_control(workshop)
    yield workshop
    for name in files:
        (folder / name).unlink()
    kill_control(workshop)


def test_tasks_beyond_the_limit_of_the_pool_are_stopped(strict):
    first = strict.create(FLOW, processors=6)
    by_host = {task["host"] for task in first["tasks"]}
    assert strict.cluster.ask("pool_list")["bounds"]["per_host"] == 1
    leave(strict, first)
    wait_until(lambda: len(pool(strict)) == len(by_host), "only one of each host is left")
    assert {row["host"] for row in pool(strict).values()} == by_host
    assert pids(first) & strict.processes() == {row["pid"] for row in pool(strict).values()}
