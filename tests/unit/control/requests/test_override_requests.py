"""Requests that leave no task, contradict themselves or name roles that are gone, in the real control."""

import asyncio

import pytest

from salt_o2.core.errors import InvalidRequestError, O2Error, TaskError, TemplateError, UnknownNameError
from salt_o2.presentation import environments
from salt_o2.workflow.limits import ITERATIONS
from tests.support.builders.reports import dead
from tests.support.builders.repositories import repository
from tests.support.fakes.hosts import FakeHosts
from tests.support.harness.control import control_harness

CRITICAL_AND_NOT = """
name: root
defaults: {rate: "1"}
roles:
  - name: needed
    roles:
      - {name: a, task: {load: leaf}}
      - {name: b, task: {load: leaf}}
  - {name: helper, task: {load: leaf, critical: false}}
"""


def played(folder, scene):
    async def whole():
        async with control_harness(repository(folder), bus=FakeHosts("flp1", "flp2")) as room:
            return await scene(room)

    (folder / "workflows").mkdir()
    (folder / "workflows" / "mixed.yaml").write_text(CRITICAL_AND_NOT)
    return asyncio.run(whole())


async def refused(kind, asked):
    with pytest.raises(kind) as error:
        await asked
    return str(error.value)


def state_of(env):
    return {task["path"]: task["excluded"] for task in env["tasks"]}


# --- no task is left ----------------------------------------------------------------------------

EVERY = [
    ("farm", ["root"], "task"),
    ("farm", ["root.leaf0", "root.leaf1"], "task"),
    ("mixed", ["root.needed"], "critical task"),
    ("mixed", ["root"], "critical task"),
]


@pytest.mark.parametrize(("workflow", "exclude", "which"), EVERY)
@pytest.mark.parametrize("verb", ["env_plan", "env_create"])
def test_a_new_environment_without_a_critical_task_is_refused(tmp_path, workflow, exclude, which, verb):
    async def scene(room):
        told = await refused(InvalidRequestError, room.ask(verb, workflow=workflow, exclude=exclude))
        assert which in told
        assert "allow_all_excluded" in told
        assert await room.ask("env_list") == []
        made = await room.ask(verb, workflow=workflow, exclude=exclude, allow_all_excluded=True)
        if verb == "env_plan":
            made = await room.ask("env_create", plan=made["token"])
        assert made["state"] == "CONFIGURED"
        started = await room.ask("env_control", id=made["id"], event="START_ACTIVITY")
        assert started["state"] == "RUNNING", "the user has said that this is meant"

    played(tmp_path, scene)


@pytest.mark.parametrize(("workflow", "exclude", "which"), EVERY)
@pytest.mark.parametrize("verb", ["env_plan", "env_modify"])
def test_a_modification_that_would_exclude_the_last_critical_task_is_refused(
    tmp_path, workflow, exclude, which, verb
):
    async def scene(room):
        env = await room.ask("env_create", workflow=workflow)
        await room.ask("env_control", id=env["id"], event="START_ACTIVITY")
        assert which in await refused(InvalidRequestError, room.ask(verb, id=env["id"], exclude=exclude))
        now = await room.ask("env_show", id=env["id"])
        assert (now["state"], set(state_of(now).values())) == ("RUNNING", {None})
        await room.ask(verb, id=env["id"], exclude=exclude, allow_all_excluded=True)

    played(tmp_path, scene)


def test_the_last_critical_task_cannot_be_excluded_step_by_step(tmp_path):
    async def scene(room):
        env = await room.ask("env_create", workflow="farm")
        await room.ask("env_modify", id=env["id"], exclude=["root.leaf0"])
        await refused(InvalidRequestError, room.ask("env_modify", id=env["id"], exclude=["root.leaf1"]))

    played(tmp_path, scene)


def test_a_list_of_environments_says_how_many_tasks_are_excluded(tmp_path):
    async def scene(room):
        env = await room.ask("env_create", workflow="mixed", exclude=["root.needed.a"])
        assert "CONFIGURED (1 of 3 excluded)" in environments.environment_table(await room.ask("env_list"))
        await room.ask("env_modify", id=env["id"], exclude=["root"], allow_all_excluded=True)
        assert "CONFIGURED (3 of 3 excluded)" in environments.environment_table(await room.ask("env_list"))
        await room.ask("env_modify", id=env["id"], include=["root"])
        assert "excluded" not in environments.environment_table(await room.ask("env_list"))

    played(tmp_path, scene)


# --- contradictions -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how",
    [
        {"exclude": ["root.leaf0"], "include": ["root.leaf0"]},
        {"exclude": ["root"], "include": ["root.leaf0"]},
        {"exclude": ["root.leaf0"], "include": ["root"]},
        {"exclude": ["root.leaf0", "root.leaf0"]},
        {"include": ["root.leaf0", "root.leaf0"]},
        {"include": ["root.leaf7"]},
        {"exclude": ["root.leaf7"]},
        {"move": {"root.leaf7": "flp1"}},
    ],
)
@pytest.mark.parametrize("verb", ["env_plan", "env_modify"])
def test_contradictory_overrides_change_nothing(tmp_path, how, verb):
    async def scene(room):
        env = await room.ask("env_create", workflow="farm")
        await refused(InvalidRequestError, room.ask(verb, id=env["id"], **how))
        assert set(state_of(await room.ask("env_show", id=env["id"])).values()) == {None}

    played(tmp_path, scene)


def test_a_part_of_a_role_that_is_excluded_as_a_whole_cannot_be_included(tmp_path):
    async def scene(room):
        env = await room.ask("env_create", workflow="mixed", exclude=["root.needed"], allow_all_excluded=True)
        told = await refused(
            InvalidRequestError, room.ask("env_modify", id=env["id"], include=["root.needed.a"])
        )
        assert "include root.needed" in told

    played(tmp_path, scene)


def test_all_tasks_below_a_role_are_included_with_the_role(tmp_path):
    async def scene(room):
        out = ["root.needed.a", "root.helper"]
        env = await room.ask("env_create", workflow="mixed", exclude=out)
        back = await room.ask("env_modify", id=env["id"], include=["root"])
        assert set(state_of(back).values()) == {None}

    played(tmp_path, scene)


@pytest.mark.parametrize(
    "beside", [{"scale": {"leaf": 1}}, {"exclude": ["root.leaf0"]}, {"vars": {"a": "b"}}]
)
def test_a_plan_of_a_destruction_accepts_no_other_argument(tmp_path, beside):
    async def scene(room):
        env = await room.ask("env_create", workflow="farm")
        told = await refused(InvalidRequestError, room.ask("env_plan", id=env["id"], destroy=True, **beside))
        assert next(iter(beside)) in told

    played(tmp_path, scene)


def rate(task):
    return task["command"].split()[1]


# --- roles that scaling takes away --------------------------------------------------------------


@pytest.mark.parametrize(
    "how",
    [
        {"exclude": ["root.leaf2"]},
        {"move": {"root.leaf2": "flp2"}},
        {"vars": {"root.leaf2:rate": "5"}},
    ],
    ids=["excluded", "moved", "with a variable"],
)
def test_overrides_of_a_role_that_scaling_removes_apply_again_when_it_returns(tmp_path, how):
    async def scene(room):
        env = await room.ask("env_create", workflow="farm", scale={"leaf": 3}, **how)
        first = {task["path"]: task for task in env["tasks"]}["root.leaf2"]
        await room.ask("env_control", id=env["id"], event="START_ACTIVITY")
        less = await room.ask("env_modify", id=env["id"], scale={"leaf": 2})
        assert (less["state"], len(less["tasks"])) == ("RUNNING", 2)
        again = await room.ask("env_modify", id=env["id"], vars={"copies": "7"})
        assert again["state"] == "RUNNING", "another change does not stumble over it either"
        more = await room.ask("env_modify", id=env["id"], scale={"leaf": 3})
        back = {task["path"]: task for task in more["tasks"]}["root.leaf2"]
        assert (back["excluded"], rate(back)) == (first["excluded"], rate(first))
        assert "move" not in how or back["host"] == "flp2"
        copy = await room.ask("env_repeat", id=env["id"])
        assert len(copy["tasks"]) == 3

    played(tmp_path, scene)


def test_a_role_that_a_request_names_must_exist(tmp_path):
    async def scene(room):
        env = await room.ask("env_create", workflow="farm", scale={"leaf": 3})
        how = {"scale": {"leaf": 2}, "exclude": ["root.leaf2"]}
        await refused(InvalidRequestError, room.ask("env_modify", id=env["id"], **how))
        await refused(UnknownNameError, room.ask("env_modify", id=env["id"], scale={"lief": 2}))
        await refused(UnknownNameError, room.ask("env_modify", id=env["id"], vars={"root.leaf7:rate": "2"}))

    played(tmp_path, scene)


@pytest.mark.parametrize("verb", ["env_plan", "env_create", "env_modify"])
@pytest.mark.parametrize("count", [ITERATIONS + 1, 1_000_000, 10**12, -1])
def test_more_roles_than_there_may_be_are_refused_before_any_is_made(tmp_path, monkeypatch, verb, count):
    async def scene(room):
        env = await room.ask("env_create", workflow="farm")
        where = {"id": env["id"]} if verb == "env_modify" else {"workflow": "farm"}
        made = []
        monkeypatch.setattr("salt_o2.workflow.expansion.leaves.Leaves.task", lambda *_args: made.append(1))
        await refused((InvalidRequestError, TemplateError), room.ask(verb, scale={"leaf": count}, **where))
        assert len(made) <= 2

    played(tmp_path, scene)


# --- verbs that act on everything ---------------------------------------------------------------


async def two_runs(room):
    numbers = []
    for _ in range(2):
        env = await room.ask("env_create", workflow="farm")
        started = await room.ask("env_control", id=env["id"], event="START_ACTIVITY")
        numbers.append(started["run_number"])
    return numbers


def running(rows):
    return sorted(row["run_number"] for row in rows if row["state"] == "RUNNING")


@pytest.mark.parametrize("how", [{}, {"reason": "beam dump"}, {"numbers": [1], "all": True}])
def test_run_stop_without_a_choice_stops_no_run(tmp_path, how):
    async def scene(room):
        numbers = await two_runs(room)
        await refused(InvalidRequestError, room.ask("run_stop", **how))
        assert running(await room.ask("env_list")) == numbers

    played(tmp_path, scene)


def test_run_stop_stops_the_runs_that_are_named_or_all(tmp_path):
    async def scene(room):
        first, second = await two_runs(room)
        await refused(UnknownNameError, room.ask("run_stop", numbers=[first, 99]))
        assert running(await room.ask("env_list")) == [first, second]
        await room.ask("run_stop", numbers=[first])
        assert running(await room.ask("env_list")) == [second]
        await room.ask("run_stop", all=True)
        assert running(await room.ask("env_list")) == []
        assert await room.ask("run_stop", all=True) == []

    played(tmp_path, scene)


async def with_a_stop_that_fails(room, numbers):
    """Let the tasks of some runs die when they are to stop."""
    send, victims = (
        room.hosts.send,
        {id for id, h in room.control.active.items() if h.environment.model.run.number in numbers},
    )

    async def failing(messages):
        for message in messages:
            orders = getattr(message, "orders", ())
            if getattr(message, "environment", "") in victims and orders and message.goal == "CONFIGURED":
                failed = (dead(each.task, message.environment, message.revision) for each in orders)
                room.hosts.report(message.host, *failed)
            else:
                await send([message])

    room.hosts.send = failing


def test_run_stop_reports_each_run_when_some_cannot_be_stopped(tmp_path):
    async def scene(room):
        first, _ = await two_runs(room)
        await with_a_stop_that_fails(room, {first})
        rows = await room.ask("run_stop", all=True)
        assert [row["stopped"] for row in rows] == [False, True]
        assert "STOP_ACTIVITY" in rows[0]["outcome"]
        assert [row["state"] for row in rows] == ["ERROR", "CONFIGURED"]

    played(tmp_path, scene)


def test_run_stop_is_an_error_when_no_run_can_be_stopped(tmp_path):
    async def scene(room):
        numbers = await two_runs(room)
        await with_a_stop_that_fails(room, set(numbers))
        with pytest.raises(O2Error, match=r"(?s)STOP_ACTIVITY.*STOP_ACTIVITY"):
            await room.ask("run_stop", all=True)

    played(tmp_path, scene)


def test_run_stop_of_one_run_fails_with_the_error_of_its_environment(tmp_path):
    async def scene(room):
        first, _ = await two_runs(room)
        await with_a_stop_that_fails(room, {first})
        with pytest.raises(TaskError, match="STOP_ACTIVITY"):
            await room.ask("run_stop", numbers=[first])

    played(tmp_path, scene)


def test_pool_clean_and_the_end_of_unrecognised_environments_require_a_choice(tmp_path):
    async def scene(room):
        env = await room.ask("env_create", workflow="farm")
        await room.ask("env_destroy", id=env["id"], keep_tasks=True)
        await refused(InvalidRequestError, room.ask("pool_clean"))
        await refused(InvalidRequestError, room.ask("pool_clean", host="flp1", all=True))
        assert len((await room.ask("pool_list"))["pooled"]) == 2
        await refused(InvalidRequestError, room.ask("rebuild", end=True))
        await refused(InvalidRequestError, room.ask("rebuild", id="x", all=True))

    played(tmp_path, scene)
