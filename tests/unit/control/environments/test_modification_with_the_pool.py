"""Modifications that claim tasks of the pool and leave tasks to it, in the real control with its store."""

import asyncio

import pytest

from salt_o2.core.errors import InvalidRequestError, PlanError, TaskError
from salt_o2.core.ids import POOL
from salt_o2.core.pool.limits import PoolLimits
from salt_o2.core.states import TaskState
from salt_o2.presentation import plans
from tests.support.builders.reports import dead
from tests.support.builders.repositories import repository
from tests.support.fakes.hosts import FakeHostsWithRecords
from tests.support.harness.control import control_harness, goals, until

RESTART = "vars: { recovery: restart }"


def played(folder, scene, *hosts, bus=None, **written):
    bus = bus or FakeHostsWithRecords(*(hosts or ("flp1",)))

    async def whole():
        async with control_harness(repository(folder, **written), bus=bus) as room:
            return await scene(room)

    return asyncio.run(whole())


async def running(room, copies, **variables):
    env = await room.ask("env_create", workflow="farm", scale={"leaf": copies}, vars=variables)
    return await room.ask("env_control", id=env["id"], event="START_ACTIVITY")


async def waiting(room, copies, **variables):
    """Leave so many tasks to the pool; return their ids."""
    env = await room.ask("env_create", workflow="farm", scale={"leaf": copies}, vars=variables)
    await room.ask("env_destroy", id=env["id"], keep_tasks=True)
    return ids(env)


async def scale(room, env, copies, **how):
    return await room.ask("env_modify", id=env["id"], scale={"leaf": copies}, **how)


def ids(env):
    return {task["id"] for task in env["tasks"]}


async def pooled(room):
    return {row["id"] for row in (await room.ask("pool_list"))["pooled"]}


def taken(room, owner):
    return set(room.control.inventory.tasks_of(owner))


# --- claiming -----------------------------------------------------------------------------------


def test_joining_tasks_are_claimed_from_the_pool_if_the_pool_has_a_match(tmp_path):
    async def scene(room):
        env = await running(room, 2)
        there = await waiting(room, 2)
        since = len(room.hosts.commands)
        grown = await scale(room, env, 5)
        assert ids(grown) > ids(env) | there
        assert len(ids(grown)) == 5
        assert (await pooled(room), taken(room, POOL)) == (set(), set())
        assert taken(room, env["id"]) == ids(grown)
        assert {task["state"] for task in grown["tasks"]} == {"RUNNING"}
        assert grown["run_number"] == env["run_number"]
        new = ids(grown) - ids(env)
        assert goals(room, since) == {(env["id"], TaskState.RUNNING, task) for task in new}

    played(tmp_path, scene, "flp1", "flp2")


def test_a_plan_of_a_modification_names_claimed_and_started_tasks_and_is_applied_so(tmp_path):
    async def scene(room):
        env = await running(room, 1)
        there = await waiting(room, 2)
        plan = await room.ask("env_plan", id=env["id"], scale={"leaf": 4})
        assert plan["summary"] == {"keep": 1, "reuse": 2, "start": 1}
        assert {row["id"] for row in plan["changes"] if row["change"] == "reuse"} == there
        (host,) = plan["hosts"]
        assert (host["reused_tasks"], host["new_tasks"], host["tasks"]) == (2, 1, 4)
        assert "1 to start, 2 to reuse, 1 not touched" in plans.plan(plan)
        assert await pooled(room) == there, "a plan touches nothing"
        grown = await room.ask("env_modify", plan=plan["token"])
        assert {row["id"] for row in plan["changes"]} == ids(grown) - ids(env)

    played(tmp_path, scene)


def test_a_plan_whose_tasks_have_left_the_pool_is_refused_and_nothing_happens(tmp_path):
    async def scene(room):
        env = await running(room, 1)
        await waiting(room, 1)
        plan = await room.ask("env_plan", id=env["id"], scale={"leaf": 2})
        await room.ask("pool_clean", all=True)
        with pytest.raises(PlanError, match="no longer in the pool"):
            await room.ask("env_modify", plan=plan["token"])
        assert taken(room, env["id"]) == ids(env)

    played(tmp_path, scene)


def test_a_modification_that_claims_orders_with_higher_revisions_than_the_pool(tmp_path):
    async def scene(room):
        env = await running(room, 1)
        (task,) = await waiting(room, 1)
        for _ in range(3):  # there and back: each owner has ordered it
            await scale(room, env, 2)
            await scale(room, env, 1, keep_tasks=True)
        revisions = [c.revision for c in room.hosts.commands if any(o.task == task for o in c.orders)]
        assert revisions == sorted(set(revisions)), "each is above the one before"
        assert await pooled(room) == {task}

    played(tmp_path, scene)


def test_a_refused_modification_does_not_change_the_pool(tmp_path):
    async def scene(room):
        env = await running(room, 1)
        there = await waiting(room, 1)
        room.hosts.deaf = {"flp1"}
        stop = asyncio.create_task(room.ask("env_control", id=env["id"], event="STOP_ACTIVITY"))
        await until(lambda: room.environment(env["id"]).model.active)
        with pytest.raises(InvalidRequestError, match="in transition STOP_ACTIVITY"):
            await scale(room, env, 2)
        assert (await pooled(room), taken(room, POOL), taken(room, env["id"])) == (there, there, ids(env))
        stop.cancel()

    played(tmp_path, scene)


def test_a_task_that_dies_while_it_is_claimed_is_restarted(tmp_path):
    async def scene(room):
        env = await running(room, 1)
        (task,) = await waiting(room, 1)
        since = len(room.hosts.commands)
        room.hosts.deaf = {"flp1"}
        change = asyncio.create_task(scale(room, env, 2))
        await until(lambda: len(room.hosts.commands) > since)
        room.hosts.report("flp1", dead(task, POOL, 1))  # before its agent has the order
        command = room.hosts.commands[since]
        assert [(order.task, bool(order.launch)) for order in command.orders] == [(task, True)]
        room.hosts.deaf = set()
        await room.hosts.send([command])
        grown = await change
        assert {task["state"] for task in grown["tasks"]} == {"RUNNING"}

    played(tmp_path, scene)


def test_a_moved_task_claims_a_pooled_task_on_its_new_host(tmp_path):
    async def scene(room):
        env = await running(room, 1)
        (here,) = env["tasks"]
        there = await waiting(room, 3)
        other = {"flp1": "flp2", "flp2": "flp1"}[here["host"]]
        plan = await room.ask("env_plan", id=env["id"], move={"root.leaf0": other})
        assert plan["summary"] == {"reuse": 1, "stop": 1}
        assert [row["reason"] for row in plan["changes"]] == [
            f"moves to {other}",
            f"its process waits in the pool; moves from {here['host']}",
        ]
        (moved,) = (await room.ask("env_modify", id=env["id"], move={"root.leaf0": other}))["tasks"]
        assert moved["id"] in there
        assert moved["host"] == other

    played(tmp_path, scene, "flp1", "flp2")


def test_a_task_that_must_restart_claims_a_pooled_task_on_its_host(tmp_path):
    async def scene(room):
        env = await running(room, 1)
        there = await waiting(room, 1, rate=2)
        plan = await room.ask("env_plan", id=env["id"], vars={"rate": 2})
        assert {row["change"]: row["reason"] for row in plan["changes"]} == {
            "stop": "a task of the pool takes its place",
            "reuse": "its process waits in the pool",
        }
        changed = await room.ask("env_modify", id=env["id"], vars={"rate": 2}, keep_tasks=True)
        assert (ids(changed), await pooled(room)) == (there, ids(env))
        again = await room.ask("env_modify", id=env["id"], vars={"rate": 1}, keep_tasks=True)
        assert (ids(again), await pooled(room)) == (ids(env), there)

    played(tmp_path, scene)


def test_a_task_that_must_restart_claims_no_pooled_task_on_another_host(tmp_path):
    async def scene(room):
        env = await running(room, 1)
        (task,) = env["tasks"]
        await waiting(room, 3, rate=2)
        elsewhere = {"flp1": "flp2", "flp2": "flp1"}[task["host"]]
        await room.ask("pool_clean", host=task["host"])
        there = await pooled(room)
        changed = await room.ask("env_modify", id=env["id"], vars={"rate": 2})
        assert ids(changed) == ids(env), "it has started again in its place"
        assert await pooled(room) == there
        assert {row["host"] for row in (await room.ask("pool_list"))["pooled"]} == {elsewhere}

    played(tmp_path, scene, "flp1", "flp2")


def test_a_change_that_needs_no_new_process_claims_no_task(tmp_path):
    async def scene(room):
        env = await running(room, 2)
        there = await waiting(room, 2)
        changed = await room.ask("env_modify", id=env["id"], vars={"unused": "x"})
        assert (ids(changed), await pooled(room)) == (ids(env), there)

    played(tmp_path, scene)


def test_tasks_of_a_lost_host_are_claimed_from_the_pool_of_another(tmp_path):
    async def scene(room):
        env = await running(room, 2)
        there = await waiting(room, 4)
        of = {row["id"]: row["host"] for row in (await room.ask("pool_list"))["pooled"]}
        room.control.monitor.declare_lost("flp1", "silent")
        gone = {task["id"] for task in env["tasks"] if task["host"] == "flp1"}
        await until(lambda: not gone & set(room.environment(env["id"]).model.tasks.tasks))
        await until(lambda: room.environment(env["id"]).model.active is None)
        now = await room.ask("env_show", id=env["id"])
        new = ids(now) - ids(env)
        assert new <= there
        assert {of[task] for task in new} == {"flp2"}
        assert len(new) == len(gone)

    played(tmp_path, scene, "flp1", "flp2", policy=RESTART)


# --- leaving ------------------------------------------------------------------------------------


def test_a_departing_task_ends_unless_a_transfer_is_requested(tmp_path):
    async def scene(room):
        env = await running(room, 3)
        shrunk = await scale(room, env, 1)
        assert "kept" not in shrunk
        assert (await pooled(room), taken(room, POOL)) == (set(), set())
        assert {goal for _, goal, task in goals(room) if task not in ids(shrunk)} >= {TaskState.DONE}

    played(tmp_path, scene)


def test_a_departing_task_becomes_idle_for_the_pool_and_no_other_task_gets_an_order(tmp_path):
    async def scene(room):
        env = await running(room, 3)
        since = len(room.hosts.commands)
        shrunk = await scale(room, env, 1, keep_tasks=True)
        left = ids(env) - ids(shrunk)
        assert set(shrunk["kept"]) == left
        assert (await pooled(room), taken(room, POOL), taken(room, env["id"])) == (left, left, ids(shrunk))
        assert (shrunk["state"], shrunk["run_number"]) == ("RUNNING", env["run_number"])
        assert goals(room, since) == {
            (owner, TaskState.STANDBY, task) for owner in (env["id"], POOL) for task in left
        }
        assert {row["state"] for row in (await room.ask("pool_list"))["pooled"]} == {"STANDBY"}

    played(tmp_path, scene)


def test_a_run_that_grows_again_claims_the_tasks_that_it_transferred(tmp_path):
    async def scene(room):
        env = await running(room, 4)
        await scale(room, env, 1, keep_tasks=True)
        assert ids(await scale(room, env, 4)) == ids(env)
        assert await pooled(room) == set()

    played(tmp_path, scene, "flp1", "flp2")


def test_a_plan_names_tasks_for_the_pool_and_its_token_transfers_them(tmp_path):
    async def scene(room):
        env = await running(room, 4)
        room.control.pool.pool.bounds = PoolLimits(per_host=2)
        plan = await room.ask("env_plan", id=env["id"], scale={"leaf": 1}, keep_tasks=True)
        assert plan["summary"] == {"keep": 1, "pool": 2, "stop": 1}
        assert "1 to stop, 2 to pool, 1 not touched" in plans.plan(plan)
        (host,) = plan["hosts"]
        assert (host["tasks"], host["ended_tasks"]) == (3, 1)
        shrunk = await room.ask("env_modify", plan=plan["token"])
        await until(lambda: len(room.control.pool.pool.entries) == 2)
        assert len(shrunk["kept"]) == 2
        assert taken(room, env["id"]) == ids(shrunk)

    played(tmp_path, scene)


def test_a_dead_task_is_stopped_and_not_transferred(tmp_path):
    async def scene(room):
        env = await running(room, 3)
        victim = env["tasks"][2]["id"]
        last = room.control.active[env["id"]].environment.model.revision
        room.hosts.report("flp1", dead(victim, env["id"], last))
        shrunk = await scale(room, env, 1, keep_tasks=True)
        assert set(shrunk["kept"]) == ids(env) - ids(shrunk) - {victim}
        assert victim not in taken(room, env["id"])

    played(tmp_path, scene, policy="vars: { recovery: ignore }")


def test_a_task_excluded_from_the_beginning_is_not_transferred(tmp_path):
    async def scene(room):
        wanted = {"workflow": "farm", "scale": {"leaf": 2}, "exclude": ["root.leaf1"]}
        env = await room.ask("env_create", **wanted)
        out = {task["id"] for task in env["tasks"] if task["path"] == "root.leaf1"}
        changed = await room.ask(
            "env_modify", id=env["id"], scale={"leaf": 1}, include=["root.leaf1"], keep_tasks=True
        )
        assert (changed["kept"], await pooled(room)) == ([], set())
        assert (str(env["id"]), TaskState.DONE, *out) in goals(room)

    played(tmp_path, scene)


# --- history, restarts --------------------------------------------------------------------------


def test_the_history_names_departed_and_joined_tasks_and_replays_to_the_same_state(tmp_path):
    async def scene(room):
        env = await running(room, 2)
        await scale(room, env, 1, keep_tasks=True)
        now = await scale(room, env, 2)
        lines = [line["text"] for line in await room.ask("env_history", id=env["id"])]
        assert "moved to the pool: root.leaf1" in lines
        assert "another plan: start root.leaf1; of these from the pool root.leaf1" in lines
        again = await room.ask("env_replay", id=env["id"])
        assert [task["id"] for task in again["tasks"]] == [task["id"] for task in now["tasks"]]
        assert [task["state"] for task in again["tasks"]] == ["RUNNING", "RUNNING"]
        told = [line["text"] for line in await room.ask("env_history", id="pool")]
        assert any(text.startswith("moved to the pool: ") for text in told)

    played(tmp_path, scene)


def test_after_a_restart_of_control_the_pool_has_what_a_run_has_left(tmp_path):
    bus = FakeHostsWithRecords("flp1")

    async def before(room):
        env = await running(room, 3)
        return env, await scale(room, env, 1, keep_tasks=True)

    env, shrunk = played(tmp_path, before, bus=bus)

    async def later(room):
        assert await pooled(room) == ids(env) - ids(shrunk)
        assert (taken(room, env["id"]), taken(room, POOL)) == (ids(shrunk), ids(env) - ids(shrunk))
        assert ids(await scale(room, env, 3)) == ids(env)

    played(tmp_path, later, bus=bus)


@pytest.mark.parametrize("keep", [True, False], ids=["for the pool", "for good"])
def test_tasks_that_depart_when_control_is_killed_depart_after_its_restart(tmp_path, keep):
    bus = FakeHostsWithRecords("flp1")

    async def dying(room):
        env = await running(room, 3)
        bus.deaf = {"flp1"}
        since = len(bus.commands)
        change = asyncio.create_task(scale(room, env, 1, keep_tasks=keep))
        await until(lambda: len(bus.commands) > since)
        change.cancel()
        return env

    env = played(tmp_path, dying, bus=bus)
    bus.deaf = set()

    async def later(room):
        await until(lambda: room.environment(env["id"]).model.active is None)
        now = await room.ask("env_show", id=env["id"])
        left = ids(env) - ids(now)
        assert len(left) == 2
        assert (await pooled(room), taken(room, POOL)) == ((left, left) if keep else (set(), set()))
        assert taken(room, env["id"]) == ids(now)
        assert set(bus.tasks["flp1"]) == ids(now) | (left if keep else set()), "nothing else is left"

    played(tmp_path, later, bus=bus)


def test_control_killed_right_after_a_claim_restores_one_owner_of_each_task(tmp_path):
    bus = FakeHostsWithRecords("flp1")

    async def dying(room):
        env = await running(room, 1)
        there = await waiting(room, 1)
        bus.deaf = {"flp1"}
        since = len(bus.commands)
        change = asyncio.create_task(scale(room, env, 2))
        await until(lambda: len(bus.commands) > since)
        change.cancel()
        return env, there

    env, there = played(tmp_path, dying, bus=bus)
    bus.deaf = set()

    async def later(room):
        await until(lambda: room.environment(env["id"]).model.active is None)
        now = await room.ask("env_show", id=env["id"])
        assert ids(now) == ids(env) | there
        assert {task["state"] for task in now["tasks"]} == {"RUNNING"}
        assert (await pooled(room), taken(room, env["id"])) == (set(), ids(now))

    played(tmp_path, later, bus=bus)


# --- resources ----------------------------------------------------------------------------------


def test_departing_tasks_keep_their_resources_until_they_have_ended(tmp_path):
    """GO_ERROR overtakes the modification: the hosts have not stopped the departing tasks yet."""

    async def scene(room):
        env = await running(room, 3)
        room.hosts.deaf.update(("flp1", "flp2"))
        changing = asyncio.create_task(scale(room, env, 1))
        await until(lambda: room.environment(env["id"]).model.active is not None)
        await room.ask("env_control", id=env["id"], event="GO_ERROR")
        with pytest.raises(TaskError, match="cancelled"):
            await changing
        assert taken(room, env["id"]) == ids(env)
        room.hosts.deaf.clear()
        await room.ask("env_destroy", id=env["id"])
        assert taken(room, env["id"]) == set()

    played(tmp_path, scene, "flp1", "flp2")


def test_the_history_shows_what_a_modification_allocates_releases_and_claims(tmp_path):
    async def scene(room):
        env = await running(room, 2)
        await waiting(room, 1)
        await scale(room, env, 3)
        await scale(room, env, 2)
        told = {line["kind"]: line["text"] for line in await room.ask("env_history", id=env["id"])}
        assert told["ClaimFromPool"].startswith("claimed from the pool: root.")
        assert told["AllocateTaskResources"].startswith("hosts, ports and memory are allocated: root.")
        assert told["ReleaseTaskResources"].startswith("hosts, ports and memory are released: root.")

    played(tmp_path, scene, "flp1", "flp2")
