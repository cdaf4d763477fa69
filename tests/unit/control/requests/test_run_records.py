"""Records of runs as users ask for them: why each ended, which tasks were missing, and which runs fit."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import delete

from salt_o2.control.storage.schema import RUN_ENDS
from salt_o2.core.errors import InvalidRequestError
from salt_o2.core.messages.reports import Exit, Failure
from salt_o2.core.states import TaskState, TaskStatus
from tests.support.builders.repositories import repository
from tests.support.fakes.hosts import FakeHostsWithRecords
from tests.support.harness.control import control_harness, until

POLICY = "vars: {recovery: restart, recovery_grace_s: '0'}"


FAIL = "vars: {recovery: fail}"


def played(folder, scene, *, policy=POLICY, clock=None):
    async def whole():
        repository(folder, policy=policy)
        async with control_harness(folder, bus=FakeHostsWithRecords("flp1", "flp2"), clock=clock) as room:
            return await scene(room)

    return asyncio.run(whole())


async def running(room, workflow="farm"):
    made = await room.ask("env_create", workflow=workflow)
    return await room.ask("env_control", id=made["id"], event="START_ACTIVITY")


async def stop(room, env):
    await room.ask("run_stop", numbers=(env["run_number"],), reason="noisy")


def kill(room, env, leaf="leaf0"):
    """Let the agent of a task report that its process was killed; return the task."""
    task = next(each for each in env["tasks"] if each["path"].endswith(leaf))
    about = room.hosts.tasks[task["host"]][task["id"]]
    dead = replace(
        about,
        state=TaskState.ERROR,
        status=TaskStatus.INACTIVE,
        pid=None,
        exit=Exit(signal=9),
        failure=Failure(asked="RUN", state="RUNNING", reason="killed by signal 9"),
    )
    room.hosts.report(task["host"], dead)
    return task


def test_a_stopped_run_names_the_user_and_the_reason(tmp_path):
    async def scene(room):
        env = await running(room)
        await stop(room, env)
        (listed,) = await room.ask("run_list")
        shown = await room.ask("run_show", number=env["run_number"])
        wanted = {
            "end_state": "CONFIGURED",
            "end_cause": "requested",
            "ended_by": "teo",
            "end_reason": "noisy",
            "failed_roles": [],
            "interrupted": 0,
            "not_back": 0,
        }
        assert wanted.items() <= listed.items()
        assert listed.items() <= shown.items()
        assert shown["interruptions"] == []

    played(tmp_path, scene)


def test_a_run_that_goes_on_has_no_end(tmp_path):
    async def scene(room):
        await running(room)
        (listed,) = await room.ask("run_list")
        assert (listed["ended"], listed["end_cause"], listed["end_state"]) == (None, None, None)

    played(tmp_path, scene)


def test_a_run_in_which_a_task_was_restarted_says_what_was_missing(tmp_path):
    async def scene(room):
        env = await running(room)
        task = kill(room, env)
        await until(lambda: not room.environment(env["id"]).model.restarts.pending)
        shown = await room.ask("run_show", number=env["run_number"])
        (missing,) = shown["interruptions"]
        assert (missing["path"], missing["host"], missing["how"]) == (task["path"], task["host"], "restarted")
        assert missing["reason"] == "killed by signal 9"
        assert missing["since"] <= missing["until"]
        assert (shown["interrupted"], shown["not_back"]) == (1, 0)

    played(tmp_path, scene)


def test_a_run_that_a_task_ends_names_its_role(tmp_path):
    async def scene(room):
        env = await running(room)
        task = kill(room, env)
        (listed,) = await room.ask("run_list")
        assert (listed["end_cause"], listed["end_state"]) == ("ERROR", "ERROR")
        assert listed["failed_roles"] == [task["path"]]
        assert (listed["interrupted"], listed["not_back"]) == (1, 1)

    played(tmp_path, scene, policy=FAIL)


def test_environments_and_tasks_show_restarts_and_the_last_failure(tmp_path):
    async def scene(room):
        env = await running(room)
        task = kill(room, env)
        await until(lambda: not room.environment(env["id"]).model.restarts.pending)
        (row,) = await room.ask("env_list")
        assert row["restarts"] == 1
        assert (row["last_failure"]["path"], row["last_failure"]["reason"]) == (
            task["path"],
            "killed by signal 9",
        )
        for tasks in ((await room.ask("env_show", id=env["id"]))["tasks"], await room.ask("task_list")):
            by_path = {each["path"]: each for each in tasks}
            assert by_path[task["path"]]["restarts"] == 1
            assert by_path[task["path"]]["last_failure"]["reason"] == "killed by signal 9"
            assert sorted(each["restarts"] for each in tasks) == [0, 1]

    played(tmp_path, scene)


def test_a_crash_an_exclusion_and_an_inclusion_are_two_interruptions_that_meet(tmp_path):
    async def scene(room):
        env = await running(room)
        task = kill(room, env)
        await room.ask("env_modify", id=env["id"], exclude=[task["path"]], reason="high voltage trip")
        await room.ask("env_modify", id=env["id"], include=[task["path"]])
        await stop(room, env)
        shown = await room.ask("run_show", number=env["run_number"])
        crash, exclusion = shown["interruptions"]
        assert (crash["reason"], crash["how"]) == ("killed by signal 9", "excluded")
        assert crash["until"] == exclusion["since"]
        assert exclusion["reason"] == "excluded by teo: high voltage trip"
        assert (exclusion["excluded"], exclusion["how"]) == (True, "included")
        assert (shown["interrupted"], shown["not_back"], shown["ended_by"]) == (2, 0, "teo")

    played(tmp_path, scene, policy="vars: {recovery: ignore}")


def test_interruptions_continue_in_the_record_when_control_restarts(tmp_path):
    bus = FakeHostsWithRecords("flp1", "flp2")

    async def before():
        async with control_harness(repository(tmp_path, policy="vars: {recovery: ignore}"), bus=bus) as room:
            env = await running(room)
            kill(room, env)
            return env

    async def after(env):
        async with control_harness(tmp_path, bus=bus) as room:
            shown = await room.ask("run_show", number=env["run_number"])
            assert (shown["ended"], shown["interrupted"], shown["not_back"]) == (None, 1, 1)
            await room.ask("task_recover", task=next(t["id"] for t in env["tasks"] if "leaf0" in t["path"]))
            await until(lambda: not room.environment(env["id"]).model.incidents.interrupted)
            shown = await room.ask("run_show", number=env["run_number"])
            (missing,) = shown["interruptions"]
            assert (missing["how"], shown["not_back"]) == ("restarted", 0)

    env = asyncio.run(before())
    asyncio.run(after(env))


def test_a_run_of_an_older_version_shows_what_the_journal_says_of_its_end(tmp_path):
    async def scene(room):
        env = await running(room)
        await stop(room, env)
        room.control.store.flush()
        room.control.store.commit(delete(RUN_ENDS))
        (listed,) = await room.ask("run_list")
        shown = await room.ask("run_show", number=env["run_number"])
        assert (listed["end_cause"], listed["end_state"]) == (None, None)
        assert (shown["end_state"], shown["end_reason"], shown["end_cause"]) == ("CONFIGURED", "noisy", None)

    played(tmp_path, scene)


@pytest.fixture
def listed(tmp_path):
    """Return the numbers of the runs that fit some filters.

    Run 1 of farm was stopped from 100 to 200 s, run 2 of other failed from 300 to 400 s, run 3 of farm goes
    on since 500 s.
    """

    def ask(*filters):
        now = [0.0]

        async def scene(room):
            repository(tmp_path, name="other", policy=FAIL)
            now[0] = 100.0
            first = await running(room)
            now[0] = 200.0
            await stop(room, first)
            now[0] = 300.0
            second = await running(room, "other")
            now[0] = 400.0
            kill(room, second)
            now[0] = 500.0
            await room.ask("env_control", id=first["id"], event="START_ACTIVITY")
            return [[run["run_number"] for run in await room.ask("run_list", **each)] for each in filters]

        return played(tmp_path, scene, policy=FAIL, clock=lambda: 1_000_000.0 + now[0])

    return ask


def test_runs_are_filtered(listed):
    begin = 1_000_000.0
    filters = [
        ({}, [3, 2, 1]),
        ({"limit": 2}, [3, 2]),
        ({"workflow": "farm"}, [3, 1]),
        ({"workflow": "f*"}, [3, 1]),
        ({"workflow": "f?rm"}, [3, 1]),
        ({"workflow": "far_"}, []),
        ({"workflow": "%"}, []),
        ({"state": "RUNNING"}, [3]),
        ({"state": "error"}, [2]),
        ({"end": "requested"}, [1]),
        ({"end": "ERROR"}, [2]),
        ({"since": str(begin + 250)}, [3, 2]),
        ({"until": str(begin + 250)}, [1]),
        ({"since": str(begin + 250), "until": str(begin + 450)}, [2]),
        ({"workflow": "farm", "state": "CONFIGURED"}, [1]),
    ]
    assert listed(*(wanted for wanted, _ in filters)) == [numbers for _, numbers in filters]


@pytest.mark.parametrize(
    "wanted",
    [{"since": "soon"}, {"end": "bad luck"}, {"limit": 0}, {"limit": -1}],
    ids=["no time", "no cause", "no run", "less than none"],
)
def test_a_filter_that_means_nothing_is_refused(tmp_path, wanted):
    async def scene(room):
        with pytest.raises(InvalidRequestError):
            await room.ask("run_list", **wanted)

    played(tmp_path, scene)
