"""A plan as text, and as the wire has it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.control.planning.drafts import PlanDraft
from salt_o2.control.views.plan_view import plan_record
from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.plan.launch import Launch
from salt_o2.core.plan.moments import Moment
from salt_o2.core.plan.overrides import Overrides
from salt_o2.core.plan.plan import Plan, PlannedCall, PlannedRole, PlannedTask
from salt_o2.core.states import ControlMode
from salt_o2.presentation import plans


def task(name, host="flp1", id="", arguments=("sink",), **other):
    launch = Launch(mode=ControlMode.FAIRMQ, value="o2-device", arguments=arguments)
    facts = {"critical": True, "launch": launch, "properties": {}, "cpu": 0.5, "memory_mb": 100.0}
    return PlannedTask(
        id=id or f"id-{name}", path=f"root.{name}", class_name="k", host=host, **{**facts, **other}
    )


def plan(*tasks, calls=()):
    roles = tuple(PlannedRole(name=t.path, path=t.path, task=t.id) for t in tasks)
    root = PlannedRole(name="root", path="root", roles=roles)
    return Plan(workflow="w", revision="r" * 40, root=root, tasks=tasks, calls=tuple(calls))


@pytest.fixture
def inventory():
    """Two hosts with two cores each."""
    inventory = Inventory()
    for name in ("flp1", "flp2"):
        inventory.add_host(name, HostFacts(address="10.0.0.1", network=name, cpus=2.0, memory_mb=1000.0))
    return inventory


def record(inventory, new, old=None, excluded=None, token="TOKEN"):
    draft = PlanDraft(
        environment="E", workflow="w", overrides=Overrides(), plan=new, excluded=excluded or {}, previous=old
    )
    return plan_record(draft, inventory, token)


def changes(found):
    return {row["path"]: (row["change"], row["reason"]) for row in found["changes"]}


def test_a_new_environment_starts_everything(inventory):
    found = record(inventory, plan(task("a"), task("b", "flp2")))
    assert found["action"] == "create"
    assert found["summary"] == {"start": 2}
    assert changes(found)["root.a"] == ("start", "new in the plan")


def test_a_role_that_is_excluded_from_the_beginning_has_its_reason(inventory):
    found = record(inventory, plan(task("a"), task("b")), excluded={"id-b": "broken"})
    assert changes(found)["root.b"] == ("exclude", "broken")


def test_a_moved_task_is_listed_at_its_old_and_its_new_host(inventory):
    found = record(inventory, plan(task("a", "flp2", id="new")), old=plan(task("a", "flp1", id="old")))
    told = {(row["id"], row["change"]): row["reason"] for row in found["changes"]}
    assert told == {("new", "start"): "moves from flp1", ("old", "stop"): "moves to flp2"}


def test_hooks_and_calls_are_listed_with_their_moments(inventory):
    at = Moment("after_CONFIGURE", 10)
    call = PlannedCall(path="root.c", func="trg.Run()", trigger=at, until=Moment("after_START_ACTIVITY"))
    found = record(inventory, plan(task("h", trigger=at), calls=[call]))
    assert changes(found) == {"root.h": ("hook", "runs at after_CONFIGURE+10")}
    text = plans.plan(found)
    assert "trg.Run()" in text
    assert "awaited at after_START_ACTIVITY" in text


def test_the_end_of_an_environment_stops_everything_and_has_no_token(inventory):
    found = record(inventory, plan(), old=plan(task("a")), token="")
    assert (found["action"], changes(found)) == ("destroy", {"root.a": ("stop", "the environment ends")})
    assert "--plan" not in plans.plan(found)


def test_hosts_are_listed_with_allocated_and_released_resources(inventory):
    inventory.allocate("E", plan(task("a"), task("b")))
    found = record(inventory, plan(task("a"), task("c", "flp2")), old=plan(task("a"), task("b")))
    hosts = {host["id"]: host for host in found["hosts"]}
    assert (hosts["flp1"]["cpu_taken"], hosts["flp1"]["cpu_freed"]) == (1.0, 0.5)
    assert (hosts["flp2"]["new_tasks"], hosts["flp2"]["cpu_wanted"]) == (1, 0.5)
    text = plans.plan(found)
    assert "flp1   1 task -1   cpu [##........] 0.5 of 2 cores" in text
    assert "flp2   1 task +1" in text


@pytest.mark.parametrize(
    ("new", "sign"),
    [
        (task("a", arguments=("other",)), "-/+ restart      root.a"),
        (task("a", properties={"x": "1"}), "  ~ reconfigure  root.a"),
    ],
    ids=["restart", "reconfigure"],
)
def test_every_change_has_its_sign(inventory, new, sign):
    text = plans.plan(record(inventory, plan(new), old=plan(task("a"))))
    assert sign in text
    assert "coconut env modify --plan TOKEN" in text


def test_details_can_be_left_out(inventory):
    found = record(inventory, plan(task("a", ports=(9000,), properties={"chans.d.0.address": "tcp://*:9"})))
    full, brief = plans.plan(found), plans.plan(found, brief=True)
    assert "$ o2-device sink" in full
    assert "port 9000; d tcp://*:9" in full
    assert "o2-device" not in brief
    assert "+ start" in brief


def test_a_plan_without_changes_is_shown_as_such(inventory):
    text = plans.plan(record(inventory, plan(task("a")), old=plan(task("a"))))
    assert "in all: 1 not touched" in text
    assert "--plan" not in text


def test_a_silent_host_is_marked_in_the_plan():
    found = record(Inventory(), plan(task("a")), old=plan(task("a")))
    assert "silent" in plans.plan(found)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_bar_is_always_as_wide_and_never_empty_when_something_is_taken(taken, there_is):
    bar = plans.bar(taken, there_is).partition("]")[0]
    assert len(bar) == plans.BAR + 1
    assert ("#" in bar) or taken == 0
