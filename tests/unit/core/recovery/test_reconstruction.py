"""Environments made anew from what agents still have."""

import pytest

from salt_o2.core.ids import EnvironmentId
from salt_o2.core.plan.launch import Launch
from salt_o2.core.recovery import snapshot
from salt_o2.core.recovery.reconstruction import AgentTaskRecord, last_run, reconstruct
from salt_o2.core.states import ControlMode, TaskState


def task(path, state=TaskState.RUNNING, host="flp1", run="42", **launch):
    return AgentTaskRecord(
        task=f"id-of-{path}",
        environment="E1",
        host=host,
        revision=len(path),
        state=state,
        launch=Launch(mode=ControlMode.FAIRMQ, value="device", control_port=30000, path=path, **launch),
        arguments={"run_number": run} if run else {},
        properties={"chans.data.0.address": "tcp://*:9000"},
    )


RUNNING = [task("d.sink", ports=(9000,)), task("d.p.p0", host="flp2"), task("d.p.p1"), task("d.sampler")]


def test_the_tree_follows_from_the_paths():
    plan, _ = reconstruct(RUNNING)
    assert (plan.workflow, plan.root.path) == ("d", "d")
    assert [role.path for role in plan.root.roles] == ["d.p", "d.sampler", "d.sink"]
    assert [role.path for role in plan.root.roles[0].roles] == ["d.p.p0", "d.p.p1"]
    assert plan.root.roles[0].roles[0].task == "id-of-d.p.p0"


def test_reconstructed_tasks_have_the_launch_of_their_records():
    plan, _ = reconstruct(RUNNING)
    sink = next(each for each in plan.tasks if each.path == "d.sink")
    assert (sink.host, sink.ports, sink.launch, sink.critical) == (
        "flp1",
        (30000, 9000),
        RUNNING[0].launch,
        True,
    )
    assert sink.properties == RUNNING[0].properties


def test_a_reconstructed_run_has_its_number():
    _, known = reconstruct(RUNNING)
    assert (known.state, known.run_number, known.revision, known.error) == ("RUNNING", 42, 9, "")


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ((TaskState.STANDBY, TaskState.STANDBY), "DEPLOYED"),
        ((TaskState.CONFIGURED, TaskState.CONFIGURED), "CONFIGURED"),
        ((TaskState.RUNNING, TaskState.CONFIGURED), "ERROR"),
        ((TaskState.ERROR, TaskState.ERROR), "ERROR"),
        ((TaskState.RUNNING, TaskState.DONE), "RUNNING"),
    ],
    ids=["deployed", "configured", "mixed", "broken", "one-is-done"],
)
def test_the_state_is_that_of_all_tasks_or_error(states, state):
    _, known = reconstruct([task(f"d.t{n}", each) for n, each in enumerate(states)])
    assert known.state == state
    assert (known.run_number is not None) == (state == "RUNNING")
    assert bool(known.error) == (state == "ERROR")


def test_a_task_that_is_not_critical_does_not_decide():
    found = [task("d.a"), task("d.b", TaskState.ERROR, critical=False)]
    assert reconstruct(found)[1].state == "RUNNING"


def test_tasks_of_records_without_a_path_are_placed_below_the_root():
    plan, _ = reconstruct([task("")])
    assert plan.tasks[0].path == "E1.id-of-"
    assert plan.root.name == "E1"


def test_a_reconstructed_environment_can_be_restored():
    plan, known = reconstruct(RUNNING)
    environment = snapshot.restore(EnvironmentId("E1"), plan, known)
    assert (environment.model.state, environment.model.run.number) == ("RUNNING", 42)
    assert set(environment.model.tasks.hosts) == {"flp1", "flp2"}


@pytest.mark.parametrize(
    ("runs", "last"), [(("7", "9"), 9), (("", ""), 0), (("x", "3"), 3)], ids=["two", "none", "odd"]
)
def test_the_last_run_is_the_highest_run_of_any_task(runs, last):
    assert last_run([task("d.a", run=run) for run in runs]) == last


def test_role_and_class_of_a_task_do_not_change_its_reconstructed_launch():
    assert task("d.a").launch == task("d.b", class_name="x", critical=False).launch
