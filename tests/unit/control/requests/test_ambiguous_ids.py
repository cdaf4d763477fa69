"""The beginning of an id stands for one thing only: each verb refuses it if several ids begin so."""

import asyncio
from collections import Counter

import pytest

from salt_o2.control.requests.arguments import AskHosts
from salt_o2.core.errors import UnknownNameError
from tests.support.builders.repositories import repository
from tests.support.fakes.hosts import FakeHostsWithRecords
from tests.support.harness.control import control_harness

TAKES_AN_ID = {
    "env_plan": {"id": "ENVIRONMENT", "vars": {"rate": "2"}},
    "env_modify": {"id": "ENVIRONMENT", "vars": {"rate": "2"}},
    "env_control": {"id": "ENVIRONMENT", "event": "START_ACTIVITY"},
    "env_destroy": {"id": "ENVIRONMENT"},
    "env_repeat": {"id": "ENVIRONMENT"},
    "env_show": {"id": "ENVIRONMENT"},
    "env_history": {"id": "ENVIRONMENT"},
    "env_replay": {"id": "ENVIRONMENT"},
    "env_diff": {"left": "ENVIRONMENT", "right": "1"},
    "task_info": {"task": "TASK"},
    "task_kill": {"task": "TASK"},
    "task_list": {"environment": "ENVIRONMENT"},
    "task_log": {"id": "TASK"},
    "task_recover": {"task": "TASK"},
    "rebuild": {"id": "ENVIRONMENT", "end": True},
    "watch": {"environment": "ENVIRONMENT"},
}
"""Every verb of control that takes the id of an environment or a task, with arguments of a request."""
OF_A_CHOICE = {
    **TAKES_AN_ID,
    "env_diff to the right": {"left": "1", "right": "ENVIRONMENT"},
    "task_recover in one of some environments": {"task": "A TASK", "environment": "ENVIRONMENT"},
    "rebuild to go on": {"id": "ENVIRONMENT"},
}
NAMES_OF_IDS = {"id", "task", "environment", "left", "right"}


def shared_beginning(ids):
    """Return a letter that several of ``ids`` begin with, and these ids. A digit could be a run's number."""
    letters = Counter(id[0] for id in ids if id[0].isalpha())
    letter, count = letters.most_common(1)[0] if letters else ("", 0)
    return (letter, [id for id in ids if id[0] == letter]) if count > 1 else None


async def made(room):
    """Create environments until ids of environments, and ids of tasks, begin with the same letter."""
    while True:
        await room.ask("env_create", workflow="farm")
        ids = [env["id"] for env in await room.ask("env_list")]
        if shared_beginning(ids) and shared_beginning([task["id"] for task in await room.ask("task_list")]):
            return ids


def filled_in(arguments, environment, tasks):
    letter, (task, *_) = shared_beginning(tasks)
    known = {"ENVIRONMENT": environment, "TASK": letter, "A TASK": task}
    return {
        name: known.get(value, value) if isinstance(value, str) else value
        for name, value in arguments.items()
    }


def test_every_request_with_an_id_is_tested(tmp_path):
    async def scene():
        async with control_harness(repository(tmp_path), "flp1") as room:
            return {
                verb
                for verb, (kind, _) in room.dispatcher._verbs.items()
                if NAMES_OF_IDS & set(kind.__dataclass_fields__)
                and not issubclass(kind, AskHosts)  # agents compare whole ids
            }

    assert asyncio.run(scene()) == set(TAKES_AN_ID)


@pytest.mark.parametrize("request_", OF_A_CHOICE)
def test_an_ambiguous_beginning_is_refused_and_nothing_is_done(tmp_path, request_):
    verb = request_.split()[0]

    async def scene():
        bus = FakeHostsWithRecords("flp1", "flp2")
        async with control_harness(repository(tmp_path, copies=1), bus=bus) as room:
            ids = await made(room)
            await room.ask("env_control", id=ids[0], event="START_ACTIVITY")
            tasks = [task["id"] for task in await room.ask("task_list")]
            arguments = filled_in(OF_A_CHOICE[request_], shared_beginning(ids)[0], tasks)
            if verb != "rebuild":
                await refused(room, verb, arguments)
                return
        async with control_harness(tmp_path, bus=bus, database="another.sqlite") as room:
            assert set(room.control.orphans.unrecognised) == set(ids)
            await refused(room, verb, arguments)
            assert set(room.control.orphans.unrecognised) == set(ids)
            assert room.control.active == {}

    asyncio.run(scene())


async def refused(room, verb, arguments):
    commands = len(room.hosts.commands)
    with pytest.raises(UnknownNameError, match="more than one"):
        await room.ask(verb, **arguments)
    assert len(room.hosts.commands) == commands


@pytest.mark.parametrize("verb", ["env_repeat", "env_history", "env_replay", "env_show"])
def test_a_beginning_that_living_and_ended_environments_share_is_refused(tmp_path, verb):
    async def scene():
        async with control_harness(repository(tmp_path, copies=1), "flp1") as room:
            ids = await made(room)
            letter, [first, *others] = shared_beginning(ids)
            for id in others:
                await room.ask("env_destroy", id=id)
            if verb == "env_show":  # a look at what is alive
                assert (await room.ask("env_show", id=letter))["id"] == first
            else:
                with pytest.raises(UnknownNameError, match="more than one"):
                    await room.ask(verb, id=letter)
            await room.ask("env_destroy", id=first)
            with pytest.raises(UnknownNameError, match="more than one"):
                await room.ask(verb, id=letter)

    asyncio.run(scene())


@pytest.mark.parametrize("wanted", ["", "0", "no such"])
@pytest.mark.parametrize("verb", ["env_show", "env_repeat", "env_destroy", "task_log"])
def test_an_unknown_prefix_of_an_id_is_refused(tmp_path, verb, wanted):
    async def scene():
        async with control_harness(repository(tmp_path, copies=1), "flp1") as room:
            await room.ask("env_create", workflow="farm")
            with pytest.raises(UnknownNameError, match=r"has an ID that begins with|no task"):
                await room.ask(verb, id=wanted)
            assert len(room.control.active) == 1

    asyncio.run(scene())


def test_the_beginning_of_one_id_is_enough(tmp_path):
    async def scene():
        async with control_harness(repository(tmp_path, copies=1), "flp1") as room:
            id = (await room.ask("env_create", workflow="farm"))["id"]
            (task,) = await room.ask("task_list")
            assert (await room.ask("task_log", id=task["id"][0]))["task"] == task["id"]
            assert (await room.ask("task_recover", task=task["id"][:3], environment=id[0]))["id"] == task[
                "id"
            ]
            assert (await room.ask("env_destroy", id=id[0]))["id"] == id
            assert (await room.ask("env_show", id=id[0]))["id"] == id

    asyncio.run(scene())
