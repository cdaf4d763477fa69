"""Output of tasks as control passes it on: its end, new lines, and the limit of followers."""

import asyncio

import pytest

from salt_o2.control.requests import task_requests
from salt_o2.core.errors import InvalidRequestError, O2Error, UnknownNameError, UnreachableError
from tests.support.builders.repositories import repository
from tests.support.harness.control import control_harness

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
