"""Output of tasks as control passes it on: its end, new lines, and the limit of followers."""

import asyncio

import pytest

from salt_o2.control.requests import task_requests
from salt_o2.core.errors import InvalidRequestError, O2Error, UnknownNameError, UnreachableError
from tests.support.builders.reports import dead
from tests.support.builders.repositories import repository
from tests.support.harness.control import control_harness, until

PLACES = {"stdout": 5, "stderr": 0}


class Mouth:
    """Answers for all hosts; a wait lasts until the gate opens."""

    def __init__(self):
        self.asked, self.gate = [], asyncio.Event()

    async def ask(self, host, function, arguments, wait_s=0.0):
        self.asked.append((host, function, arguments, wait_s))
        if wait_s:
            await self.gate.wait()
        return {"stdout": ["hello"], "stderr": [], "at": PLACES, "over": False}


def played(folder, scene):
    async def whole():
        async with control_harness(repository(folder), "flp1") as room:
            env = await room.ask("env_create", workflow="farm")
            mouth = Mouth()
            room.hosts.ask = mouth.ask
            return await scene(room, env["tasks"][0]["id"], mouth)

    return asyncio.run(whole())


def test_the_last_lines_are_asked_of_the_task_s_host(tmp_path):
    async def scene(room, task, mouth):
        said = await room.ask("task_log", id=task, lines=7)
        assert mouth.asked == [("flp1", "log", [task, 7], 0.0)]
        assert (said["task"], said["host"], said["stdout"], said["at"]) == (task, "flp1", ["hello"], PLACES)

    played(tmp_path, scene)


def test_a_follower_waits_at_the_host(tmp_path):
    async def scene(room, task, mouth):
        mouth.gate.set()
        await room.ask("task_log", id=task, after=PLACES, wait_s=20)
        assert mouth.asked == [("flp1", "log", [task, 50, PLACES, 20.0], 20.0)]

    played(tmp_path, scene)


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({"wait_s": 1e6, "after": PLACES}, InvalidRequestError),
        ({"wait_s": -1, "after": PLACES}, InvalidRequestError),
        ({"after": {"stdout": "here"}}, InvalidRequestError),
        ({"id": "nobody"}, UnknownNameError),
    ],
    ids=["too long", "negative", "no place", "no task"],
)
def test_nonsensical_arguments_are_refused_before_a_host_is_asked(tmp_path, arguments, kind):
    async def scene(room, task, mouth):
        with pytest.raises(kind):
            await room.ask("task_log", **{"id": task, **arguments})
        assert mouth.asked == []

    played(tmp_path, scene)


def test_followers_beyond_the_limit_are_refused_until_one_has_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(task_requests, "MOST_WAITING", 3)

    async def scene(room, task, mouth):
        def follow():
            return asyncio.create_task(room.ask("task_log", id=task, after=PLACES, wait_s=20))

        waiting = [follow() for _ in range(3)]
        while len(mouth.asked) < 3:
            await asyncio.sleep(0)
        with pytest.raises(UnreachableError, match="3 requests follow"):
            await follow()
        assert (await room.ask("task_log", id=task))["stdout"] == ["hello"], "a look is not a wait"
        assert len(await room.ask("env_list")) == 1
        mouth.gate.set()
        await asyncio.gather(*waiting)
        await follow()

    played(tmp_path, scene)


def test_a_follower_that_disconnects_makes_room_for_others(tmp_path, monkeypatch):
    monkeypatch.setattr(task_requests, "MOST_WAITING", 1)

    async def scene(room, task, mouth):
        gone = asyncio.create_task(room.ask("task_log", id=task, after=PLACES, wait_s=20))
        while not mouth.asked:
            await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        mouth.gate.set()
        await room.ask("task_log", id=task, after=PLACES, wait_s=20)

    played(tmp_path, scene)


def test_a_host_that_does_not_answer_is_reported_and_makes_room_for_others(tmp_path, monkeypatch):
    monkeypatch.setattr(task_requests, "MOST_WAITING", 1)

    async def silence(*_arguments):
        raise UnreachableError("minion flp1 has not answered")

    async def scene(room, task, _mouth):
        room.hosts.ask = silence
        for _ in range(2):
            with pytest.raises(O2Error, match="has not answered"):
                await room.ask("task_log", id=task, after=PLACES, wait_s=20)

    played(tmp_path, scene)


def with_a_task(folder, scene, *, policy="vars: {recovery: fail}"):
    """Run ``scene`` with a control of one environment of two tasks, and hosts that record questions."""

    async def whole():
        async with control_harness(repository(folder, policy=policy), "flp1") as room:
            env = await room.ask("env_create", workflow="farm")
            asked = []

            async def answer(host, verb, arguments, wait_s=0.0):
                asked.append((host, verb, arguments))
                if verb == "kill":
                    return dict.fromkeys(arguments[0], True)
                return {"stdout": ["hello"], "stderr": [], "at": PLACES, "over": True}

            room.hosts.ask = answer
            return await scene(room, env, asked)

    return asyncio.run(whole())


def test_a_task_is_described_by_id_prefix_or_path_of_its_role(tmp_path):
    async def scene(room, env, asked):
        task = env["tasks"][0]
        by = [await room.ask("task_info", task=name) for name in (task["id"], task["id"][:8], task["path"])]
        assert {each["id"] for each in by} == {task["id"]}
        assert by[0]["environment"] == env["id"]
        assert (by[0]["environment_state"], by[0]["ended"], by[0]["recovery"]) == ("CONFIGURED", None, "fail")
        assert by[0]["restarts"] == 0

    with_a_task(tmp_path, scene)


def test_a_role_of_two_environments_needs_the_environment(tmp_path):
    async def scene(room, env, asked):
        other = await room.ask("env_create", workflow="farm")
        with pytest.raises(UnknownNameError, match="--env") as refused:
            await room.ask("task_info", task="root.leaf0")
        assert all(each["id"] in str(refused.value) for each in (env, other))
        found = await room.ask("task_info", task="root.leaf0", environment=other["id"])
        assert found["environment"] == other["id"]

    with_a_task(tmp_path, scene)


def test_a_task_of_an_ended_environment_is_described_and_its_output_is_read(tmp_path):
    async def scene(room, env, asked):
        task = env["tasks"][0]
        await room.ask("env_destroy", id=env["id"])
        found = await room.ask("task_info", task=task["path"])
        assert (found["id"], found["environment"], found["state"]) == (task["id"], env["id"], "DONE")
        assert found["ended"] is not None
        said = await room.ask("task_log", id=task["id"][:9])
        assert (said["task"], said["environment"], said["stdout"]) == (task["id"], env["id"], ["hello"])
        assert asked == [(task["host"], "log", [task["id"], 50])]

    with_a_task(tmp_path, scene)


def test_a_task_of_a_creation_that_was_undone_is_described_with_its_failure(tmp_path):
    async def whole():
        async with control_harness(repository(tmp_path), "flp1") as room:
            room.hosts.deaf.add("flp1")
            creating = asyncio.create_task(room.ask("env_create", workflow="farm"))
            await until(lambda: room.hosts.commands)
            command = room.hosts.commands[0]
            order = command.orders[0].task
            room.hosts.deaf.clear()
            room.hosts.report("flp1", dead(order, command.environment, command.revision, "no such program"))
            with pytest.raises(O2Error):
                await creating
            found = await room.ask("task_info", task=order)
            assert (found["environment"], found["ended"] is None) == (command.environment, False)

    asyncio.run(whole())


def test_a_task_that_a_modification_has_removed_is_found(tmp_path):
    async def scene(room, env, asked):
        gone = env["tasks"][1]
        await room.ask("env_modify", id=env["id"], vars={"copies": "1"})
        found = await room.ask("task_info", task=gone["id"])
        assert (found["path"], found["environment"], found["ended"]) == (gone["path"], env["id"], None)

    with_a_task(tmp_path, scene)


def test_an_unknown_task_is_refused_with_the_command_that_lists_tasks(tmp_path):
    async def scene(room, env, asked):
        for verb, arguments in (
            ("task_info", {"task": "nothing"}),
            ("task_kill", {"task": "nothing"}),
            ("task_recover", {"task": "nothing"}),
            ("task_log", {"id": "nothing"}),
            ("task_info", {"task": ""}),
            ("task_info", {"task": "x" * 1000}),
            ("task_info", {"task": "%"}),
            ("task_info", {"task": "root.leaf0", "environment": "nothing"}),
        ):
            with pytest.raises(UnknownNameError, match="`coconut task list`"):
                await room.ask(verb, **arguments)

    with_a_task(tmp_path, scene)


def test_a_task_is_killed_by_its_agent_and_its_policy_is_named(tmp_path):
    async def scene(room, env, asked):
        task = env["tasks"][0]
        done = await room.ask("task_kill", task=task["path"])
        assert asked == [(task["host"], "kill", [[task["id"]]])]
        assert (done["id"], done["killed"]) == (task["id"], True)
        assert done["outcome"] == "its processes have ended; recovery policy of its role: fail"

    with_a_task(tmp_path, scene)


def test_an_ended_task_is_not_recovered_and_the_command_for_its_environment_is_named(tmp_path):
    async def scene(room, env, asked):
        await room.ask("env_destroy", id=env["id"])
        with pytest.raises(UnknownNameError, match=f"`coconut env repeat {env['id']}`"):
            await room.ask("task_recover", task=env["tasks"][0]["id"])

    with_a_task(tmp_path, scene)


def test_a_task_is_recovered_by_the_path_of_its_role(tmp_path):
    async def scene(room, env, asked):
        found = await room.ask("task_recover", task=env["tasks"][0]["path"])
        assert (found["id"], found["outcome"]) == (env["tasks"][0]["id"], "not restarted: it has not failed")

    with_a_task(tmp_path, scene)
