"""A request to recover tasks is answered with the outcome for each task."""

import asyncio

import pytest

from salt_o2.core.errors import UnknownNameError
from salt_o2.presentation import autodetect
from tests.support.builders.reports import dead
from tests.support.builders.repositories import repository
from tests.support.harness.control import control_harness


def played(folder, scene):
    async def whole():
        async with control_harness(repository(folder, policy="vars: { recovery: restart }"), "flp1") as room:
            return await scene(room)

    return asyncio.run(whole())


def outcome_of(folder, prepare, **recover):
    async def scene(room):
        variables = {"recovery_grace_s": 1000}
        env = await room.ask("env_create", workflow="farm", vars=variables)
        task = env["tasks"][0]
        await prepare(room, env, task)
        return await room.ask("task_recover", task=task["id"], **recover)

    return played(folder, scene)


def kill(room, env, task):
    revision = room.environment(env["id"]).model.tasks.reports[task["id"]].revision
    room.hosts.report(task["host"], dead(task["id"], env["id"], revision))


async def nothing(room, env, task):
    pass


async def killed(room, env, task):
    kill(room, env, task)


async def killed_and_asked(room, env, task):
    room.hosts.deaf.add(task["host"])
    kill(room, env, task)
    await room.ask("task_recover", task=task["id"])


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (nothing, "not restarted: it has not failed"),
        (killed, "started again"),
        (killed_and_asked, "a restart is already pending"),
    ],
)
def test_the_answer_to_a_recovery_request_has_its_outcome(tmp_path, prepare, said):
    answer = outcome_of(tmp_path, prepare)
    assert said in answer["outcome"]
    assert said in autodetect.render(answer), "at a terminal, too"


def test_an_unknown_task_is_refused(tmp_path):
    async def scene(room):
        with pytest.raises(UnknownNameError, match="no task"):
            await room.ask("task_recover", task="nobody")

    played(tmp_path, scene)
