"""A running environment is modified, and no other process is affected.

The proof: process ids and start times, the run's number, which tasks got any order, and the numbers of
messages at a sink that is not concerned, the witness.
"""

from pathlib import Path

import pytest

from salt_o2.core.errors import O2Error
from tests.support.clusters.environment_queries import (
    gaps,
    identities,
    numbers_at,
    paths,
    repeated,
    replaced,
    states,
    task_at,
    total_at,
    touched,
)
from tests.support.waiting import wait_until

pytestmark = pytest.mark.integration

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
SLOW = 8
"""Messages a second: few enough for a sink to print each of them."""


@pytest.fixture
def stage(workshop):
    """The diamond, and beside it a sampler and a sink that have nothing to do with it."""
    roles = [
        {"name": "data", "vars": {"detector": "TPC"}, "include": "diamond"},
        {"name": "witness", "roles": workshop.witness(SLOW)},
    ]
    workshop.write("workflows", "watched", roles=roles)
    borrow(workshop, "workflows/fairmq-ex-1-n-1.yaml", "workflows/diamond.yaml")
    for name in ("sampler", "processor", "sink"):
        borrow(workshop, f"tasks/fairmq-ex-1-n-1-{name}.yaml", f"tasks/fairmq-ex-1-n-1-{name}.yaml")
    return workshop


def borrow(workshop, example, name):
    """Copy an example into the workshop: only templates of the same repository can be included."""
    path = workshop.folder / name
    path.write_text((EXAMPLES / example).read_text())
    workshop.created.append(path)


@pytest.fixture
def running(stage):
    """The stage RUNNING, its witness counting."""
    environment = stage.control(stage.create("watched", processors=2, rate=SLOW), "START_ACTIVITY")
    wait_until(lambda: total_at(stage, task_at(environment, "memory"))[0] > 3, "the witness counts")
    return environment


def modify(workshop, environment, **changes):
    return workshop.cluster.ask("env_modify", id=environment["id"], **changes)


def check_witness(workshop, before, after):
    """The witness is the same pair of processes, and its numbers have come one by one until now."""
    concerned = replaced(before, after) | touched(workshop, before, after)
    assert concerned.isdisjoint({"witness.eye", "witness.memory"})
    memory = task_at(after, "memory")
    seen = total_at(workshop, memory)[0]
    wait_until(lambda: total_at(workshop, memory)[0] > seen + SLOW, "the witness goes on counting")
    (numbers,) = numbers_at(workshop, memory).values()
    assert (gaps(numbers), repeated(numbers)) == (set(), set())
    assert total_at(workshop, memory)[1] == 0


def test_an_excluded_role_waits_in_standby_and_comes_back_into_the_same_run(stage, running):
    role = "data.processors.processor0"
    out = modify(stage, running, exclude=[f"watched.{role}"], reason="too warm")
    assert (states(out)[role], out["state"]) == ("STANDBY", "RUNNING")
    assert out["run_number"] == running["run_number"]
    assert {state for path, state in states(out).items() if path != role} == {"RUNNING"}
    assert touched(stage, running, out) == {role}
    assert replaced(running, out) == set()
    assert task_at(out, role)["excluded"] == "too warm"
    back = modify(stage, running, include=[f"watched.{role}"])
    assert set(states(back).values()) == {"RUNNING"}
    assert (identities(back), back["run_number"]) == (identities(running), running["run_number"])
    assert touched(stage, running, back) == {role}
    check_witness(stage, running, back)


def test_an_excluded_role_forwards_no_data_and_an_included_one_does(stage, running):
    role = "data.processors.processor0"
    sink, mark = task_at(running, "data.sink"), f"modified by {task_at(running, role)['id']}"

    def marked():
        return stage.log(sink, 100_000).count(mark)

    wait_until(marked, "the processor has part in the data")
    modify(stage, running, exclude=[f"watched.{role}"])
    before, total = marked(), total_at(stage, sink)[0]
    wait_until(lambda: total_at(stage, sink)[0] > total + SLOW, "the other processor takes all")
    assert marked() == before
    modify(stage, running, include=[f"watched.{role}"])
    wait_until(lambda: marked() > before, "the processor has part again")


def test_the_tasks_of_a_detector_are_excluded_and_included_together(stage, running):
    out = modify(stage, running, exclude=["TPC"])
    inside = {path for path in paths(running) if path.startswith("data.")}
    assert {path for path, state in states(out).items() if state == "STANDBY"} == inside
    assert (out["state"], out["run_number"]) == ("RUNNING", running["run_number"])
    assert touched(stage, running, out) == inside
    back = modify(stage, running, include=["TPC"])
    assert set(states(back).values()) == {"RUNNING"}
    assert (identities(back), back["run_number"]) == (identities(running), running["run_number"])
    sink = task_at(back, "data.sink")
    total = total_at(stage, sink)[0]
    wait_until(lambda: total_at(stage, sink)[0] > total + SLOW, "data flow again")
    check_witness(stage, running, back)


def test_an_iterator_grows_and_shrinks_while_running(stage, running):
    new = {"data.processors.processor2", "data.processors.processor3"}
    grown = modify(stage, running, scale={"processor": 4})
    assert paths(grown) == paths(running) | new
    assert (set(states(grown).values()), grown["run_number"]) == ({"RUNNING"}, running["run_number"])
    assert (touched(stage, running, grown), replaced(running, grown)) == (new, set())
    sink = task_at(grown, "data.sink")
    for path in new:
        mark = f"modified by {task_at(grown, path)['id']}"
        wait_until(lambda mark=mark: mark in stage.log(sink, 100_000), f"{path} takes part")
    shrunk = modify(stage, running, scale={"processor": 2}, drain_s=1)
    assert (identities(shrunk), shrunk["state"]) == (identities(running), "RUNNING")
    assert touched(stage, grown, shrunk) == new
    check_witness(stage, running, shrunk)
    total = total_at(stage, sink)[0]
    wait_until(lambda: total_at(stage, sink)[0] > total + 2 * SLOW, "the two that stay take all")
    (numbers,) = numbers_at(stage, sink).values()
    assert repeated(numbers) == set(), "a message came twice"


def test_a_departing_task_with_drain_time_forwards_its_buffered_data(stage, running):
    grown = modify(stage, running, scale={"processor": 4})
    sink = task_at(grown, "data.sink")
    mark = f"modified by {task_at(grown, 'processor3')['id']}"
    wait_until(lambda: mark in stage.log(sink, 100_000), "the new ones take part")
    modify(stage, running, scale={"processor": 2}, drain_s=2)
    total = total_at(stage, sink)[0]
    wait_until(lambda: total_at(stage, sink)[0] > total + 2 * SLOW, "data go on")
    (numbers,) = numbers_at(stage, sink).values()
    assert (gaps(numbers), repeated(numbers)) == (set(), set())


def test_scaling_works_in_deployed_and_configured_as_well(stage):
    environment = stage.create("watched", processors=1)
    for state in ("CONFIGURED", "DEPLOYED"):
        if state == "DEPLOYED":
            stage.control(environment, "RESET")
        grown = modify(stage, environment, scale={"processor": 2})
        expected = "STANDBY" if state == "DEPLOYED" else "CONFIGURED"
        assert (grown["state"], set(states(grown).values())) == (state, {expected})
        assert replaced(environment, grown) == set()
        assert "data.processors.processor1" in paths(grown)
        modify(stage, environment, scale={"processor": 1})
    stage.control(environment, "CONFIGURE")
    assert stage.control(environment, "START_ACTIVITY")["state"] == "RUNNING"


def test_a_role_excluded_from_the_beginning_joins_a_run_later(stage):
    role = "data.processors.processor1"
    made = stage.cluster.ask(
        "env_create", workflow="watched", vars={"processors": 2}, exclude=[f"watched.{role}"]
    )
    running = stage.control(made, "START_ACTIVITY")
    assert running["state"] == "RUNNING"
    assert task_at(running, role)["pid"] is None
    joined = modify(stage, running, include=[f"watched.{role}"])
    assert states(joined)[role] == "RUNNING"
    assert replaced(running, joined) == {role}
    assert joined["run_number"] == running["run_number"]


@pytest.fixture
def tunable(workshop):
    """One task with a property, one with an argument and one with neither, all RUNNING."""
    bind = [{"name": "data", "type": "push"}]
    workshop.task("spoken", "o2-device", "sampler", bind=bind, properties={"note": "{{ word }}"})
    workshop.task("argued", "o2-device", "sampler", "--rate={{ speed }}", bind=bind)
    workshop.task("aloof", "o2-device", "sampler", bind=bind)
    workshop.workflow("tunes", "spoken", "argued", "aloof", defaults={"word": "one", "speed": "1"})
    return workshop.control(workshop.create("tunes"), "START_ACTIVITY")


def test_a_property_is_set_without_a_restart_and_reaches_one_task_only(workshop, tunable):
    plan = workshop.cluster.ask("env_plan", id=tunable["id"], vars={"word": "two"})
    assert [(row["path"], row["change"]) for row in plan["changes"]] == [("tunes.role0", "reconfigure")]
    after = modify(workshop, tunable, vars={"word": "two"})
    assert touched(workshop, tunable, after) == {"role0"}
    assert identities(after) == identities(tunable)
    assert (set(states(after).values()), after["run_number"]) == ({"RUNNING"}, tunable["run_number"])
    task = task_at(after, "role0")
    port = str(task["control_port"])
    orders = [
        line["what"]["command"]["orders"]
        for line in workshop.cluster.ask("env_history", id=after["id"])
        if line["kind"] == "SendCommand"
    ]
    assert orders[-1][0]["properties"]["note"] == "two"
    (told,) = workshop.cluster.json("salt", task["host"], "occ.get_state", port, "--static").values()
    assert (told["state"], told["pid"]) == ("RUNNING", task["pid"])


def test_an_argument_restarts_the_one_task_that_has_it(workshop, tunable):
    plan = workshop.cluster.ask("env_plan", id=tunable["id"], vars={"speed": "2"})
    assert [(row["path"], row["change"]) for row in plan["changes"]] == [("tunes.role1", "restart")]
    after = modify(workshop, tunable, vars={"speed": "2"})
    assert replaced(tunable, after) == touched(workshop, tunable, after) == {"role1"}
    assert task_at(after, "role1")["pid"] not in (None, task_at(tunable, "role1")["pid"])
    assert "--rate=2" in task_at(after, "role1")["command"]
    assert (set(states(after).values()), after["run_number"]) == ({"RUNNING"}, tunable["run_number"])


def test_a_modification_without_a_change_affects_no_task(workshop, tunable):
    assert workshop.cluster.ask("env_plan", id=tunable["id"], vars={"word": "one"})["changes"] == []
    after = modify(workshop, tunable, vars={"word": "one"})
    assert touched(workshop, tunable, after) == set()
    assert identities(after) == identities(tunable)


def test_only_the_peers_of_a_moved_task_are_reconfigured(stage, running):
    here = task_at(running, "data.sink")["host"]
    there = next(host for host in stage.cluster.minions if host != here)
    processors = {"data.processors.processor0", "data.processors.processor1"}
    plan = stage.cluster.ask("env_plan", id=running["id"], move={"watched.data.sink": there})
    told = {(row["path"], row["change"]): row["reason"] for row in plan["changes"]}
    assert told["watched.data.sink", "start"] == f"moves from {here}"
    assert told["watched.data.sink", "stop"] == f"moves to {there}"
    moved = modify(stage, running, move={"watched.data.sink": there})
    assert task_at(moved, "data.sink")["host"] == there
    assert replaced(running, moved) == {"data.sink"}
    assert touched(stage, running, moved) == processors | {"data.sink"}
    assert (set(states(moved).values()), moved["run_number"]) == ({"RUNNING"}, running["run_number"])
    sink = task_at(moved, "data.sink")
    wait_until(lambda: total_at(stage, sink)[0] > SLOW, "data reach the sink on its new host")
    check_witness(stage, running, moved)
    old = task_at(running, "data.sink")
    told = stage.cluster.json("salt", here, "o2.tasks", "--static")
    assert old["id"] not in str(told)


def test_a_task_that_fails_to_join_is_excluded_and_the_run_continues(workshop):
    workshop.task("worker", "{{ program }}", "sampler", bind=[{"name": "data", "type": "push"}])
    worker = {
        "name": "worker{{ it }}",
        "for": {"begin": 0, "end": "{{ Atoi(workers) - 1 }}", "var": "it"},
        "vars": {"program": "{{ it == '2' ? 'no-such-program' : 'o2-device' }}"},
        "task": {"load": "worker"},
    }
    workshop.write("workflows", "farm", roles=[worker], defaults={"workers": "2"})
    running = workshop.control(workshop.create("farm"), "START_ACTIVITY")
    with pytest.raises(O2Error) as refused:
        modify(workshop, running, scale={"worker": 4})
    for fact in ("farm.worker2", "no-such-program", "flp"):
        assert fact in str(refused.value)
    assert "worker3" not in str(refused.value)
    after = workshop.show(running)
    assert (after["state"], after["run_number"]) == ("RUNNING", running["run_number"])
    assert replaced(running, after) == set()
    assert states(after)["worker3"] == "RUNNING"
    assert "no-such-program" in after["excluded"]["farm.worker2"]
    assert "no-such-program" in task_at(after, "worker2")["excluded"]
    assert workshop.control(running, "STOP_ACTIVITY")["state"] == "CONFIGURED"
    again = workshop.control(running, "START_ACTIVITY")
    assert states(again)["worker3"] == "RUNNING"


def test_an_unknown_role_is_refused_before_anything_happens(stage, running):
    with pytest.raises(O2Error, match="nobody"):
        modify(stage, running, exclude=["nobody"])
    after = stage.show(running)
    assert identities(after) == identities(running)
    assert after["excluded"] == {}
