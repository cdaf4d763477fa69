"""Another process holds control's database: what is asked is refused at once, with the right advice."""

import asyncio
import sqlite3
from contextlib import closing

import pytest

from salt_o2.control.storage import store as stores
from salt_o2.core.errors import StorageError
from tests.support.builders.repositories import repository
from tests.support.harness.control import control_harness

START = {"event": "START_ACTIVITY"}


def holder(folder):
    """A process that holds the database: nothing can be written until it lets go."""
    other = sqlite3.connect(folder / "o2.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return closing(other)


def played(folder, scene):
    async def whole():
        async with control_harness(repository(folder), "flp1") as room:
            return await scene(room)

    return asyncio.run(whole())


@pytest.mark.parametrize("verb", ["env_create", "env_control"])
def test_new_requests_are_refused_with_the_name_of_the_holder_of_the_lock(tmp_path, verb):
    async def scene(room):
        env = await room.ask("env_create", workflow="farm")
        room.control.store.flush()
        arguments = {"workflow": "farm"} if verb == "env_create" else {"id": env["id"]} | START
        with holder(tmp_path), pytest.raises(StorageError) as refused:
            await room.ask(verb, **arguments)
        return str(refused.value)

    said = played(tmp_path, scene)
    assert "another process holds" in said
    assert "fuser" in said
    assert "disk" not in said


def test_existing_environments_can_be_shown_and_ended_meanwhile(tmp_path):
    async def scene(room):
        env = await room.ask("env_create", workflow="farm")
        with holder(tmp_path):
            assert [each["id"] for each in await room.ask("env_list")] == [env["id"]]
            ended = await room.ask("env_destroy", id=env["id"])
        return ended["state"]

    assert played(tmp_path, scene) == "DONE"


def test_a_database_that_is_held_is_asked_for_once_in_a_while_only(tmp_path, monkeypatch):
    async def scene(room):
        store, tries, commit = room.control.store, [], room.control.store._commit

        def counted(*what):
            tries.append(what)
            commit(*what)

        monkeypatch.setattr(store, "_commit", counted)
        monkeypatch.setattr(stores, "LOCKED_S", 3600.0)
        with holder(tmp_path):
            for number in range(50):
                room.control.runs.raise_run_counter(100 + number)
                store.flush()
        assert len(tries) == 1
        monkeypatch.setattr(stores, "LOCKED_S", 0.0)
        store.flush()
        assert store.trouble == ""
        return (await room.ask("env_create", workflow="farm"))["state"]

    assert played(tmp_path, scene) == "CONFIGURED"
