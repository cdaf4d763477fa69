"""The pool in the real control, with its request handlers and store."""

import asyncio
import json

import pytest

from salt_o2.core.errors import InvalidRequestError, PlanError, StorageError
from salt_o2.core.ids import POOL
from salt_o2.core.messages.announcements import AnnouncePoolExit
from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.pool.limits import PoolLimits
from salt_o2.core.states import TaskState
from salt_o2.presentation import plans, pool
from tests.support.builders.reports import dead, done
from tests.support.builders.repositories import repository
from tests.support.fakes.hosts import FakeHostsWithRecords
from tests.support.harness.control import control_harness, goals, until

ROOMY = {"cpus": 64, "memory_mb": 64_000}


def played(folder, scene, *hosts, bus=None, **written):
    bus = bus or FakeHostsWithRecords(*(hosts or ("flp1",)))

    async def whole():
        async with control_harness(repository(folder, **written), bus=bus) as room:
            return await scene(room)

    return asyncio.run(whole())


async def kept(room, **variables):
    """An environment that was created and has left its tasks to the pool."""
    env = await room.ask("env_create", workflow="farm", vars=variables)
    await room.ask("env_destroy", id=env["id"], keep_tasks=True)
    return env


def ids(env):
    return [task["id"] for task in env["tasks"]]


async def pooled(room):
    return [row["id"] for row in (await room.ask("pool_list"))["pooled"]]


# --- leaving ------------------------------------------------------------------------------------


def test_transferred_tasks_are_listed_with_their_origin_and_hold_their_resources(tmp_path):
    async def scene(room):
        env = await room.ask("env_create", workflow="farm")
        ended = await room.ask("env_destroy", id=env["id"], keep_tasks=True)
        assert (ended["state"], sorted(ended["kept"])) == ("DONE", sorted(ids(env)))
        found = await room.ask("pool_list")
        assert {row["origin"] for row in found["pooled"]} == {env["id"]}
        assert {(row["state"], row["user"], row["ending"]) for row in found["pooled"]} == {
            ("STANDBY", "teo", None)
        }
        assert sorted(room.control.inventory.tasks_of(POOL)) == sorted(ids(env))
        assert room.control.inventory.tasks_of(env["id"]) == []
        assert await room.ask("env_list") == []

    played(tmp_path, scene)


def test_agents_get_the_pool_as_the_new_owner(tmp_path):
    async def scene(room):
        env = await kept(room)
        assert {(POOL, TaskState.STANDBY, task) for task in ids(env)} <= goals(room)
        assert not {goal for _, goal, _ in goals(room) if goal is TaskState.DONE}

    played(tmp_path, scene)


def test_a_plan_of_a_destroy_has_transferred_and_refused_tasks(tmp_path):
    async def scene(room):
        env = await room.ask("env_create", workflow="farm")
        room.control.pool.pool.bounds = PoolLimits(per_host=1)
        plan = await room.ask("env_plan", id=env["id"], destroy=True, keep_tasks=True)
        assert plan["summary"] == {"pool": 1, "stop": 1}
        (host,) = plan["hosts"]
        assert (host["ended_tasks"], host["tasks"]) == (1, 1)
        assert "1 to stop, 1 to pool" in plans.plan(plan)
        assert await pooled(room) == []

    played(tmp_path, scene)


def test_keep_tasks_in_a_plan_of_a_new_environment_is_refused(tmp_path):
    async def scene(room):
        with pytest.raises(InvalidRequestError, match="needs the ID of an environment"):
            await room.ask("env_plan", workflow="farm", keep_tasks=True)

    played(tmp_path, scene)


# --- claiming -----------------------------------------------------------------------------------


def test_the_same_environment_again_has_the_same_tasks(tmp_path):
    async def scene(room):
        before = await kept(room)
        after = await room.ask("env_create", workflow="farm")
        assert sorted(ids(after)) == sorted(ids(before))
        assert after["state"] == "CONFIGURED"
        assert [task["control_port"] for task in after["tasks"]] == [
            task["control_port"] for task in before["tasks"]
        ]
        assert await pooled(room) == []
        assert room.control.inventory.tasks_of(POOL) == []

    played(tmp_path, scene, "flp1", "flp2")


def test_the_history_names_claimed_and_transferred_tasks(tmp_path):
    async def scene(room):
        before = await kept(room)
        after = await room.ask("env_create", workflow="farm")
        lines = [line["text"] for line in await room.ask("env_history", id=after["id"])]
        assert "2 of them from the pool" in lines[0]
        left = [line["text"] for line in await room.ask("env_history", id=before["id"])]
        assert any(text.startswith("moved to the pool: root.leaf0, root.leaf1") for text in left)

    played(tmp_path, scene)


def test_a_plan_shows_what_would_be_reused_and_what_started(tmp_path):
    async def scene(room):
        await kept(room)
        plan = await room.ask("env_plan", workflow="farm", vars={"copies": 3})
        assert plan["summary"] == {"reuse": 2, "start": 1}
        (host,) = plan["hosts"]
        assert (host["reused_tasks"], host["new_tasks"], host["tasks"]) == (2, 1, 3)
        assert "1 to start, 2 to reuse" in plans.plan(plan)
        assert len(await pooled(room)) == 2
        made = await room.ask("env_create", plan=plan["token"])
        assert sum(row["change"] == "reuse" and row["id"] in ids(made) for row in plan["changes"]) == 2

    played(tmp_path, scene)


def test_a_surplus_task_stays_in_the_pool(tmp_path):
    async def scene(room):
        before = await kept(room)
        after = await room.ask("env_create", workflow="farm", vars={"copies": 1})
        assert set(await pooled(room)) == set(ids(before)) - set(ids(after))
        assert len(await pooled(room)) == 1

    played(tmp_path, scene)


def test_another_command_is_another_process(tmp_path):
    async def scene(room):
        before = await kept(room)
        after = await room.ask("env_create", workflow="farm", vars={"rate": 2})
        assert not set(ids(after)) & set(ids(before))
        assert sorted(await pooled(room)) == sorted(ids(before))
        ports = [task["control_port"] for task in (*before["tasks"], *after["tasks"])]
        assert len(set(ports)) == 4

    played(tmp_path, scene)


def test_another_revision_of_the_templates_claims_nothing(tmp_path):
    async def scene(room):
        before = await kept(room)
        (tmp_path / "workflows" / "other.yaml").write_text("name: other\nroles: []\n")
        after = await room.ask("env_create", workflow="farm")
        assert not set(ids(after)) & set(ids(before))

    played(tmp_path, scene)


def test_another_workflow_of_the_same_templates_may_claim(tmp_path):
    repository(tmp_path, "meadow", copies=2)

    async def scene(room):
        before = await kept(room)
        after = await room.ask("env_create", workflow="meadow")
        assert sorted(ids(after)) == sorted(ids(before))

    played(tmp_path, scene)


def test_a_role_that_must_be_on_another_host_does_not_claim(tmp_path):
    async def scene(room):
        before = await kept(room)
        hosts = {task["path"]: task["host"] for task in before["tasks"]}
        other = {"flp1": "flp2", "flp2": "flp1"}[hosts["root.leaf0"]]
        after = await room.ask("env_create", workflow="farm", vars={"copies": 1}, move={"root.leaf0": other})
        at_other = {task["id"] for task in before["tasks"] if task["host"] == other}
        assert set(ids(after)) <= at_other or not set(ids(after)) & set(ids(before))
        assert after["tasks"][0]["host"] == other

    played(tmp_path, scene, "flp1", "flp2")


def test_two_creations_at_the_same_time_never_claim_the_same_task(tmp_path):
    async def scene(room):
        before = await kept(room)
        one, two = await asyncio.gather(
            room.ask("env_create", workflow="farm"), room.ask("env_create", workflow="farm")
        )
        assert not set(ids(one)) & set(ids(two))
        assert set(ids(before)) <= set(ids(one)) | set(ids(two))

    played(tmp_path, scene)


def test_a_plan_whose_tasks_have_left_the_pool_is_refused(tmp_path):
    async def scene(room):
        before = await kept(room)
        plan = await room.ask("env_plan", workflow="farm")
        await room.ask("pool_clean", all=True)
        with pytest.raises(PlanError, match=f"task {ids(before)[0]} is no longer in the pool"):
            await room.ask("env_create", plan=plan["token"])

    played(tmp_path, scene)


def test_a_plan_that_would_now_find_tasks_in_the_pool_is_refused(tmp_path):
    async def scene(room):
        env = await room.ask("env_create", workflow="farm")
        plan = await room.ask("env_plan", workflow="farm")
        await room.ask("env_destroy", id=env["id"], keep_tasks=True)
        with pytest.raises(PlanError, match="of the pool would be used"):
            await room.ask("env_create", plan=plan["token"])

    played(tmp_path, scene)


def test_a_creation_that_finds_no_room_says_what_the_pool_takes(tmp_path):
    async def scene(room):
        await kept(room)
        with pytest.raises(PlanError, match="2 tasks in the pool use resources"):
            await room.ask("env_create", workflow="farm", vars={"copies": 4000, "rate": 2})

    played(tmp_path, scene)


def test_a_task_that_dies_while_it_is_claimed_is_started_again(tmp_path):
    async def scene(room):
        before = await kept(room)
        since = len(room.hosts.commands)
        room.hosts.deaf = {"flp1"}
        creation = asyncio.create_task(room.ask("env_create", workflow="farm"))
        await until(lambda: len(room.hosts.commands) > since)
        room.hosts.report("flp1", dead(ids(before)[0], POOL, 8))  # before its agent has the order
        deploy = room.hosts.commands[since]
        assert all(order.launch for order in deploy.orders)
        room.hosts.deaf = set()
        await room.hosts.send([deploy])
        assert (await creation)["state"] == "CONFIGURED"

    played(tmp_path, scene)


# --- bounds, cleaning, death --------------------------------------------------------------------


def test_a_task_beyond_a_limit_is_stopped_and_announced(tmp_path):
    async def scene(room):
        room.control.pool.pool.bounds = PoolLimits(total=1)
        await kept(room)
        await until(lambda: len(room.control.pool.pool.entries) == 1)
        await until(lambda: [type(news) for news in room.hosts.announced].count(AnnouncePoolExit) == 1)

    played(tmp_path, scene)


@pytest.mark.parametrize(
    ("what", "ended"),
    [
        ({"all": True}, 2),
        ({"class_name": "leaf"}, 2),
        ({"class_name": "other"}, 0),
        ({"host": "flp1"}, 1),
        ({"host": "flp3"}, 0),
        ({"idle_s": 3600}, 0),
        ({"class_name": "leaf", "host": "flp2"}, 1),
    ],
    ids=["all", "class", "another class", "host", "another host", "age", "class and host"],
)
def test_cleaning_ends_what_is_meant_and_nothing_else(tmp_path, what, ended):
    async def scene(room):
        await kept(room)
        told = await room.ask("pool_clean", **what)
        assert (len(told["ended"]), told["ending"], told["waiting"]) == (ended, [], 2 - ended)
        assert len(await pooled(room)) == 2 - ended
        assert len(room.control.inventory.tasks_of(POOL)) == 2 - ended
        assert f"ended:       {ended} task" in pool.cleaned(told)

    played(tmp_path, scene, "flp1", "flp2")


def test_a_task_that_dies_is_removed_from_the_pool(tmp_path):
    async def scene(room):
        env = await kept(room)
        room.hosts.report("flp1", dead(ids(env)[0], POOL, 8))
        await until(lambda: ids(env)[0] not in room.control.pool.pool.entries)
        assert await pooled(room) == ids(env)[1:]
        told = [line["text"] for line in await room.ask("env_history", id="pool")]
        assert "leaf on flp1 departs: killed by signal 9" in told

    played(tmp_path, scene)


def test_the_list_reads_as_a_table_with_the_bounds_below(tmp_path):
    async def scene(room):
        empty = pool.pool(await room.ask("pool_list"))
        assert empty.startswith("the pool is empty: at most 500 tasks")
        env = await kept(room)
        found = await room.ask("pool_list")
        json.dumps(found)
        text = pool.pool(found)
        assert all(id in text for id in ids(env))
        assert text.endswith("at most 500 tasks in all and 50 on a host, for 3600 s at the longest")

    played(tmp_path, scene)


# --- restarts, losses ---------------------------------------------------------------------------


def test_after_a_restart_of_control_the_pool_is_there_and_can_be_claimed(tmp_path):
    bus = FakeHostsWithRecords("flp1")
    before = played(tmp_path, kept, bus=bus)

    async def later(room):
        assert sorted(await pooled(room)) == sorted(ids(before))
        assert sorted(room.control.inventory.tasks_of(POOL)) == sorted(ids(before))
        return await room.ask("env_create", workflow="farm")

    assert sorted(ids(played(tmp_path, later, bus=bus))) == sorted(ids(before))


def test_a_task_whose_agent_lacks_the_order_of_the_pool_is_not_orphaned(tmp_path):
    """The order of the transfer was lost, and control was killed: the survey has the former owner."""
    bus = FakeHostsWithRecords("flp1")
    before = played(tmp_path, kept, bus=bus)
    for about in tuple(bus.tasks["flp1"].values()):
        bus.tasks["flp1"][about.task] = done_in(before["id"], about.task)

    async def later(room):
        assert sorted(await pooled(room)) == sorted(ids(before))
        assert not {goal for _, goal, _ in goals(room) if goal is TaskState.DONE}
        return await room.ask("env_create", workflow="farm")

    bus.commands.clear()
    assert sorted(ids(played(tmp_path, later, bus=bus))) == sorted(ids(before))


def done_in(environment, task, revision=4):
    from salt_o2.core.messages.commands import Command

    command = Command(
        host="flp1", environment=environment, revision=revision, goal=TaskState.STANDBY, orders=()
    )
    return done(command, task)


def test_a_claimed_task_whose_agent_still_names_the_pool_is_not_orphaned(tmp_path):
    async def scene(room):
        before = await kept(room)
        after = await room.ask("env_create", workflow="farm")
        for task in ids(before):
            room.hosts.tasks["flp1"][task] = done_in(POOL, task)
        since = len(room.hosts.commands)
        room.hosts.survey("flp1")
        assert not goals(room, since)
        assert after["state"] == "CONFIGURED"

    played(tmp_path, scene)


def test_a_removed_task_that_is_reported_again_is_stopped(tmp_path):
    """Its host was away while it was to end, and comes back with it."""

    async def scene(room):
        before = await kept(room)
        await room.ask("pool_clean", all=True)
        room.hosts.report("flp1", done_in(POOL, ids(before)[0]))
        since = len(room.hosts.commands)
        room.hosts.survey("flp1")
        await until(lambda: goals(room, since) == {(POOL, TaskState.DONE, ids(before)[0])})

    played(tmp_path, scene)


def test_tasks_of_the_pool_of_another_store_are_not_stopped(tmp_path):
    bus = FakeHostsWithRecords("flp1")
    before = played(tmp_path, kept, bus=bus)
    (tmp_path / "o2.sqlite").unlink()
    bus.commands.clear()

    async def later(room):
        assert await pooled(room) == []
        assert not goals(room)
        told = await room.ask("rebuild", id="pool", end=True)
        assert told["ended"] == ["pool"]
        await until(
            lambda: {task for _, goal, task in goals(room) if goal is TaskState.DONE} == set(ids(before))
        )

    played(tmp_path, later, bus=bus)


def test_a_pool_that_this_store_has_lost_is_rebuilt_from_the_agents_and_can_be_claimed(tmp_path):
    bus = FakeHostsWithRecords("flp1", "flp2")
    before = played(tmp_path, kept, bus=bus)
    (tmp_path / "o2.sqlite").unlink()

    async def later(room):
        told = await room.ask("rebuild")
        assert told["rebuilt"] == [{"id": "pool", "tasks_total": 2}]
        assert told["unknown"] == []
        for host in bus.names:
            bus.survey(host)
        assert sorted(await pooled(room)) == sorted(ids(before))
        after = await room.ask("env_create", workflow="farm")
        assert sorted(ids(after)) == sorted(ids(before))
        assert after["state"] == "CONFIGURED"

    played(tmp_path, later, bus=bus)


def test_tasks_of_a_lost_host_are_not_claimed_until_the_host_returns(tmp_path):
    async def scene(room):
        before = await kept(room)
        away = {task["id"] for task in before["tasks"] if task["host"] == "flp2"}
        room.control.monitor.declare_lost("flp2", "silent")
        env = await room.ask("env_create", workflow="farm")
        assert not set(ids(env)) & away
        assert set(await pooled(room)) == away
        await room.ask("env_destroy", id=env["id"])
        facts = HostFacts(address="10.0.0.2", network="n2", **ROOMY)
        room.hosts.report("flp2", facts=facts)
        assert away <= set(ids(await room.ask("env_create", workflow="farm")))

    played(tmp_path, scene, "flp1", "flp2")


def test_control_killed_right_after_a_claim_restores_one_owner_of_each_task(tmp_path):
    """The new environment is on disk: its tasks are its own, and the next control resumes its creation."""
    bus = FakeHostsWithRecords("flp1")

    async def dying(room):
        before = await kept(room)

        async def die(*_):
            raise RuntimeError("killed")

        room.control.environments.request = die
        with pytest.raises(RuntimeError):
            await room.ask("env_create", workflow="farm")
        return before

    before = played(tmp_path, dying, bus=bus)
    bus.commands.clear()

    async def later(room):
        (env,) = await room.ask("env_list")
        await until(lambda: room.environment(env["id"]).model.active is None)
        assert room.environment(env["id"]).model.state == "CONFIGURED"
        assert await pooled(room) == []
        assert {owner for owner, _, _ in goals(room)} == {env["id"]}, "a task of the pool is no orphan"
        assert {task for _, _, task in goals(room)} == set(ids(before))
        await room.ask("env_destroy", id=env["id"])
        assert bus.tasks["flp1"] == {}

    played(tmp_path, later, bus=bus)


def test_a_transfer_continues_when_control_dies_while_tasks_become_idle(tmp_path):
    bus = FakeHostsWithRecords("flp1")

    async def dying(room):
        env = await room.ask("env_create", workflow="farm")
        bus.deaf = {"flp1"}
        end = asyncio.create_task(room.ask("env_destroy", id=env["id"], keep_tasks=True))
        since = len(bus.commands)
        await until(lambda: len(bus.commands) > since)
        end.cancel()
        return env

    before = played(tmp_path, dying, bus=bus)
    bus.deaf = set()

    async def later(room):
        await until(lambda: not room.control.active)
        assert sorted(await pooled(room)) == sorted(ids(before))

    played(tmp_path, later, bus=bus)


def test_no_task_is_claimed_while_the_store_cannot_be_written(tmp_path):
    async def scene(room):
        before = await kept(room)
        engine = room.control.store._engine
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only = ON")
        try:
            with pytest.raises(StorageError):
                await room.ask("env_create", workflow="farm")
        finally:
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA query_only = OFF")
        assert sorted(await pooled(room)) == sorted(ids(before))
        assert sorted(room.control.inventory.tasks_of(POOL)) == sorted(ids(before))
        assert not room.control.active

    played(tmp_path, scene)


def test_a_transfer_does_not_wait_for_a_lost_host_and_its_returning_tasks_are_stopped(tmp_path):
    async def scene(room):
        before = await kept(room)
        away = {task["id"] for task in before["tasks"] if task["host"] == "flp2"}
        room.control.monitor.declare_lost("flp2", "silent")
        told = await room.ask("pool_clean", all=True)
        assert (len(told["ended"]), told["ending"], told["waiting"]) == (2, [], 0)
        assert await pooled(room) == []
        for task in away:
            room.hosts.tasks["flp2"][task] = done_in(POOL, task)
        since = len(room.hosts.commands)
        room.hosts.report("flp2", facts=HostFacts(address="10.0.0.2", network="n2", **ROOMY))
        await until(lambda: {task for _, goal, task in goals(room, since)} == away)
        assert {goal for _, goal, _ in goals(room, since)} == {TaskState.DONE}

    played(tmp_path, scene, "flp1", "flp2")
