"""Hosts are taken out of service and put back: cordon, drain, uncordon."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from salt_o2.control.hosts.cordons import Cordons
from salt_o2.control.storage.store import Store
from salt_o2.core.errors import PlanError, UnknownNameError
from salt_o2.core.messages.reports import Failure
from salt_o2.core.placement.inventory import Inventory
from salt_o2.core.states import EnvironmentState, TaskState, TaskStatus
from tests.support.builders.repositories import repository
from tests.support.fakes.hosts import FakeHostsWithRecords
from tests.support.harness.control import control_harness, on_a_loop, until


@asynccontextmanager
async def room_of(folder, *hosts, copies=2, policy="", **more):
    """Yield control with hosts, and a workflow of ``copies`` equal tasks whose roles have ``policy``."""
    repository(folder, copies=copies, policy=policy)
    async with control_harness(folder, *(hosts or ("flp1", "flp2")), **more) as room:
        yield room


async def create(room, run=False, **wanted):
    made = await room.ask("env_create", workflow="farm", **wanted)
    if run:
        await room.ask("env_control", id=made["id"], event="START_ACTIVITY")
    return room.environment(made["id"])


async def row(room, host):
    return next(each for each in await room.ask("host_list") if each["id"] == host)


def used(environment):
    return {task.host for task in environment.model.plan.tasks}


FAIL = "vars: { recovery: fail }"


@on_a_loop
async def test_a_cordoned_host_gets_no_task_of_a_new_environment(tmp_path):
    async with room_of(tmp_path, copies=4) as room:
        (told,) = await room.ask("host_cordon", hosts=["flp1"], reason="fan", user="ana")
        assert (told["id"], told["cordon"]["user"], told["cordon"]["reason"]) == ("flp1", "ana", "fan")
        assert used(await create(room)) == {"flp2"}


@on_a_loop
async def test_a_new_environment_without_other_hosts_is_refused_with_the_reason(tmp_path):
    async with room_of(tmp_path, "flp1") as room:
        await room.ask("host_cordon", hosts=["flp1"], reason="fan", user="ana")
        with pytest.raises(PlanError, match=r"flp1 is cordoned by ana \(fan\)"):
            await create(room)
        await room.ask("host_uncordon", hosts=["flp1"])
        assert used(await create(room)) == {"flp1"}


@on_a_loop
async def test_a_role_cannot_be_moved_to_a_cordoned_host(tmp_path):
    async with room_of(tmp_path) as room:
        environment = await create(room)
        await room.ask("host_cordon", hosts=["flp1"], user="ana")
        path = next(task.path for task in environment.model.plan.tasks if task.host == "flp2")
        with pytest.raises(PlanError, match="flp1 is cordoned by ana"):
            await room.ask("env_modify", id=environment.model.id, move={path: "flp1"})
        assert environment.model.state is EnvironmentState.CONFIGURED


@on_a_loop
async def test_more_roles_are_not_placed_on_a_cordoned_host(tmp_path):
    async with room_of(tmp_path) as room:
        environment = await create(room)
        before = {task.id: task.host for task in environment.model.plan.tasks}
        await room.ask("host_cordon", hosts=["flp1"])
        await room.ask("env_modify", id=environment.model.id, vars={"copies": 6})
        after = {task.id: task.host for task in environment.model.plan.tasks}
        assert before.items() <= after.items()
        assert {host for task, host in after.items() if task not in before} == {"flp2"}


@on_a_loop
async def test_a_task_that_fails_on_a_cordoned_host_is_restarted_there(tmp_path):
    async with room_of(tmp_path) as room:
        environment = await create(room, run=True)
        await room.ask("host_cordon", hosts=["flp1"])
        task = next(task for task in environment.model.plan.tasks if task.host == "flp1")
        sent = len(room.hosts.commands)
        fail(room, environment, task)
        await until(lambda: any(task.id in orders(each) for each in room.hosts.commands[sent:]))
        assert environment.model.state is EnvironmentState.RUNNING
        assert environment.model.tasks.tasks[task.id].host == "flp1"


def fail(room, environment, task):
    """Let the agent of ``task`` report that the process died."""
    report = environment.model.tasks.reports[task.id]
    failure = Failure(asked="", state="-", reason="killed by SIGKILL", advice="")
    dead = replace(report, state=TaskState.ERROR, status=TaskStatus.INACTIVE, failure=failure, pid=None)
    room.hosts.report(task.host, dead)


def orders(command):
    return {order.task for order in command.orders if order.launch}


@on_a_loop
async def test_tasks_of_a_lost_host_are_not_rescheduled_to_a_cordoned_one(tmp_path):
    async with room_of(tmp_path, "flp1", "flp2", "flp3", copies=3) as room:
        environment = await create(room)
        await room.ask("host_cordon", hosts=["flp2"])
        room.control.monitor.declare_lost("flp1", "a test")
        await until(lambda: "flp1" not in used(environment))
        assert sorted(task.host for task in environment.model.plan.tasks) == ["flp2", "flp3", "flp3"]


@on_a_loop
async def test_tasks_of_the_pool_on_a_cordoned_host_are_not_claimed(tmp_path):
    async with room_of(tmp_path) as room:
        first = await create(room)
        await room.ask("env_destroy", id=first.model.id, keep_tasks=True)
        pooled = {row["id"]: row["host"] for row in (await room.ask("pool_list"))["pooled"]}
        assert set(pooled.values()) == {"flp1", "flp2"}
        await room.ask("host_cordon", hosts=["flp1"])
        second = await create(room)
        reused = {task.id for task in second.model.plan.tasks} & set(pooled)
        assert {pooled[task] for task in reused} == {"flp2"}
        assert used(second) == {"flp2"}


@on_a_loop
async def test_a_plan_that_was_made_before_the_cordon_is_not_applied(tmp_path):
    async with room_of(tmp_path) as room:
        plan = await room.ask("env_plan", workflow="farm")
        await room.ask("host_cordon", hosts=["flp1"])
        with pytest.raises(PlanError, match="make it again"):
            await room.ask("env_create", plan=plan["token"])
        assert room.control.active == {}


@on_a_loop
async def test_a_drain_moves_the_tasks_of_an_idle_environment(tmp_path):
    async with room_of(tmp_path) as room:
        environment = await create(room)
        (told,) = await room.ask("host_drain", hosts=["flp1"], reason="fan", user="ana")
        assert used(environment) == {"flp2"}
        assert environment.model.state is EnvironmentState.CONFIGURED
        assert (told["cordon"]["drained"], told["outcome"]) == (True, "no task is left there")


@on_a_loop
async def test_a_drain_moves_tasks_of_a_run_that_permit_a_restart(tmp_path):
    async with room_of(tmp_path) as room:
        environment = await create(room, run=True)
        await room.ask("host_drain", hosts=["flp1"])
        assert used(environment) == {"flp2"}
        assert environment.model.state is EnvironmentState.RUNNING


@pytest.mark.parametrize(("policy", "after_runs"), [(FAIL, False), ("", True)])
@on_a_loop
async def test_a_drain_waits_for_the_end_of_a_run_for_other_tasks(tmp_path, policy, after_runs):
    async with room_of(tmp_path, policy=policy) as room:
        environment = await create(room, run=True)
        (told,) = await room.ask("host_drain", hosts=["flp1"], after_runs=after_runs)
        assert used(environment) == {"flp1", "flp2"}
        (left,) = told["cordon"]["left"]
        assert (left["environment"], left["state"], left["tasks"]) == (environment.model.id, "RUNNING", 1)
        assert left["run_number"] == environment.model.run.number
        assert "after the run" in left["why"]
        await room.ask("env_control", id=environment.model.id, event="STOP_ACTIVITY")
        await until(lambda: not room.control.drainer.left_on("flp1"))
        assert used(environment) == {"flp2"}
        assert (await row(room, "flp1"))["cordon"]["drained"]


@on_a_loop
async def test_a_drain_with_a_wait_answers_when_the_run_has_ended(tmp_path):
    async with room_of(tmp_path, policy=FAIL) as room:
        environment = await create(room, run=True)
        waiting = asyncio.create_task(room.ask("host_drain", hosts=["flp1"], wait_s=50))
        await until(lambda: room.control.cordons.draining())
        await room.ask("env_control", id=environment.model.id, event="STOP_ACTIVITY")
        (told,) = await waiting
        assert told["cordon"]["drained"]


@on_a_loop
async def test_a_drain_names_the_tasks_that_no_other_host_may_run(tmp_path):
    async with room_of(tmp_path, "flp1") as room:
        environment = await create(room)
        (told,) = await room.ask("host_drain", hosts=["flp1"])
        (left,) = told["cordon"]["left"]
        assert (left["tasks"], left["why"]) == (2, "no other host meets the constraints of their roles")
        assert left["roles"] == ["root.leaf0", "root.leaf1"]
        assert environment.model.state is EnvironmentState.CONFIGURED
        assert used(environment) == {"flp1"}


@on_a_loop
async def test_a_task_that_a_user_has_placed_on_the_host_stays_there(tmp_path):
    async with room_of(tmp_path) as room:
        environment = await create(room, move={"root.leaf0": "flp1", "root.leaf1": "flp1"})
        (told,) = await room.ask("host_drain", hosts=["flp1"])
        (left,) = told["cordon"]["left"]
        assert "a user has placed them there" in left["why"]
        await room.ask(
            "env_modify", id=environment.model.id, move={"root.leaf0": "flp2", "root.leaf1": "flp2"}
        )
        assert used(environment) == {"flp2"}
        assert (await row(room, "flp1"))["cordon"]["drained"]


@on_a_loop
async def test_a_drain_stops_the_tasks_of_the_pool_on_the_host(tmp_path):
    async with room_of(tmp_path) as room:
        first = await create(room)
        await room.ask("env_destroy", id=first.model.id, keep_tasks=True)
        await room.ask("host_drain", hosts=["flp1"])
        assert {row["host"] for row in (await room.ask("pool_list"))["pooled"]} == {"flp2"}


@on_a_loop
async def test_the_end_of_a_cordon_ends_the_drain(tmp_path):
    async with room_of(tmp_path, policy=FAIL) as room:
        environment = await create(room, run=True)
        await room.ask("host_drain", hosts=["flp1"])
        (told,) = await room.ask("host_uncordon", hosts=["flp1"])
        assert told["outcome"] == "new tasks may be placed there"
        await room.ask("env_control", id=environment.model.id, event="STOP_ACTIVITY")
        await room.control.drainer.settled()
        assert used(environment) == {"flp1", "flp2"}
        assert (await row(room, "flp1"))["cordon"] is None


@on_a_loop
async def test_a_cordon_and_its_drain_outlive_a_restart_of_control(tmp_path):
    hosts = FakeHostsWithRecords("flp1", "flp2")
    async with room_of(tmp_path, policy=FAIL, bus=hosts) as room:
        environment = await create(room, run=True)
        await room.ask("host_drain", hosts=["flp1"], reason="fan", user="ana")
    async with control_harness(tmp_path, "flp1", "flp2", bus=hosts) as later:
        cordon = (await row(later, "flp1"))["cordon"]
        assert (cordon["user"], cordon["reason"], cordon["drain"]) == ("ana", "fan", True)
        await later.ask("env_control", id=environment.model.id, event="STOP_ACTIVITY")
        await until(lambda: used(later.environment(environment.model.id)) == {"flp2"})


@on_a_loop
async def test_the_journal_of_hosts_names_the_user_and_the_reason(tmp_path):
    async with room_of(tmp_path) as room:
        environment = await create(room)
        await room.ask("host_cordon", hosts=["flp2"], user="ben")
        await room.ask("host_uncordon", hosts=["flp2"], user="ben")
        await room.ask("host_drain", hosts=["flp1"], reason="fan", user="ana")
        lines = {line["text"]: line["cause"] for line in await room.ask("env_history", id="hosts")}
        assert lines["host flp2 is cordoned: no new task is placed there"] == "asked by ben"
        assert lines["host flp2 accepts new tasks again"] == "asked by ben"
        assert lines["host flp1 is drained: its tasks are moved to other hosts"] == "asked by ana (fan)"
        moved = await room.ask("env_history", id=environment.model.id)
        assert "asked by ana (drain of flp1)" in {line["cause"] for line in moved}


@on_a_loop
async def test_an_unknown_host_is_refused_and_no_other_host_is_cordoned(tmp_path):
    async with room_of(tmp_path, "flp1", "epn1") as room:
        for verb in ("host_cordon", "host_drain", "host_uncordon"):
            with pytest.raises(UnknownNameError, match=r"no host flp11 \(did you mean flp1\?\)"):
                await room.ask(verb, hosts=["epn1", "flp11"])
        assert room.control.cordons.hosts == set()


@on_a_loop
async def test_the_facts_of_control_name_the_cordoned_hosts(tmp_path):
    async with room_of(tmp_path) as room:
        assert (await room.ask("info"))["cordoned"] == []
        await room.ask("host_cordon", hosts=["flp1"], reason="fan", user="ana")
        assert (await room.ask("info"))["cordoned"] == ["flp1 is cordoned by ana (fan)"]
        plan = await room.ask("env_plan", workflow="farm")
        assert [(host["id"], host["cordoned"]) for host in plan["hosts"]] == [("flp2", False)]


@on_a_loop
async def test_a_forgotten_host_has_no_cordon(tmp_path):
    async with room_of(tmp_path) as room:
        await room.ask("host_cordon", hosts=["flp1"])
        room.control.monitor.declare_lost("flp1", "a test")
        await room.ask("host_forget", hosts=["flp1"])
        room.hosts.survey("flp1")
        assert (await row(room, "flp1"))["cordon"] is None
        assert used(await create(room)) == {"flp1", "flp2"}


def test_a_cordon_follows_a_machine_to_its_new_name(tmp_path):
    async def act():
        store, inventory = Store(f"sqlite:///{tmp_path / 'o2.sqlite'}"), Inventory()
        cordons = Cordons(inventory=inventory, store=store, clock=lambda: 1.0)
        cordons.begin(["flp1"], "ana", "fan", drain=False)
        cordons.rename("flp1", "readout1")
        store.flush()
        later = Cordons(inventory=Inventory(), store=store, clock=lambda: 2.0)
        assert (cordons.hosts, later.hosts) == ({"readout1"}, {"readout1"})
        assert later.of("readout1").user == "ana"
        store.close()

    asyncio.run(act())
