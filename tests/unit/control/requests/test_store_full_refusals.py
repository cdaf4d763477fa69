"""What control refuses while its store cannot write, and what it does all the same."""

import asyncio

import pytest

from salt_o2.core.errors import StorageError
from tests.support.builders.repositories import repository
from tests.support.harness.control import control_harness


def fill(control):
    """What a full disk does: every write fails, reading goes on."""
    store = control.store
    with store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    control.runs.raise_run_counter(control.runs.last_run + 1)
    assert store.trouble


def empty(store):
    with store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = OFF")
    store.flush()


def played(folder, scene):
    async def whole():
        async with control_harness(repository(folder), "flp1") as room:
            env = await room.ask("env_create", workflow="farm")
            try:
                fill(room.control)
                return await scene(room, env["id"])
            finally:
                empty(room.control.store)

    return asyncio.run(whole())


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("env_control", {"event": "START_ACTIVITY"}),
        ("env_modify", {"scale": {"leaf": 4}}),
        ("env_modify", {"exclude": ["root.leaf0"]}),
    ],
    ids=["a transition", "another scale", "an exclusion"],
)
def test_requests_that_need_storage_are_refused_without_an_order(tmp_path, verb, arguments):
    async def scene(room, id):
        ordered = len(room.hosts.commands)
        with pytest.raises(StorageError, match="cannot write"):
            await room.ask(verb, id=id, **arguments)
        assert len(room.hosts.commands) == ordered
        assert room.environment(id).model.active is None
        assert len(room.control.inventory.tasks_of(id)) == 2

    played(tmp_path, scene)


def test_an_environment_can_be_destroyed_while_the_store_is_full(tmp_path):
    async def scene(room, id):
        await room.ask("env_destroy", id=id)
        return id in room.control.active

    assert played(tmp_path, scene) is False


def test_when_there_is_room_again_a_modification_is_done(tmp_path):
    async def scene(room, id):
        empty(room.control.store)
        return await room.ask("env_modify", id=id, scale={"leaf": 4})

    assert played(tmp_path, scene)["tasks_total"] == 4
