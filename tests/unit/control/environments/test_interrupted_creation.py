"""Control is killed after it has stored a new environment and before it has started anything."""

import sqlite3
from contextlib import closing

from salt_o2.core.states import EnvironmentState
from tests.support.builders.repositories import repository
from tests.support.harness.control import control_harness, on_a_loop, until


class KilledAfterStoring:
    """Keeps a copy of the database from the moment at which a new environment was stored."""

    def __init__(self, store, folder):
        self.copy, self._add, self._original = folder / "copy.sqlite", store.add, folder / "o2.sqlite"
        store.add = self.add

    def add(self, *arguments):
        self._add(*arguments)
        with (
            closing(sqlite3.connect(self._original)) as original,
            closing(sqlite3.connect(self.copy)) as copy,
        ):
            original.backup(copy)


@on_a_loop
async def test_the_next_control_resumes_an_interrupted_creation(tmp_path):
    folder = repository(tmp_path)
    async with control_harness(folder) as killed:
        KilledAfterStoring(killed.control.store, folder)
        made = await killed.ask("env_create", workflow="farm")
    async with control_harness(folder, database="copy.sqlite") as room:
        model = room.environment(made["id"]).model
        await until(lambda: model.active is None)
        assert model.state is EnvironmentState.CONFIGURED


@on_a_loop
async def test_the_journal_of_an_interrupted_creation_begins_with_the_creation(tmp_path):
    folder = repository(tmp_path)
    async with control_harness(folder) as killed:
        KilledAfterStoring(killed.control.store, folder)
        made = await killed.ask("env_create", workflow="farm")
    async with control_harness(folder, database="copy.sqlite") as room:
        model = room.environment(made["id"]).model
        await until(lambda: model.active is None)
        room.control.store.flush()
        kinds = [row.kind for row in room.control.store.journal(made["id"])]
        assert kinds[:2] == ["Created", "Restarted"]
        replayed = await room.ask("env_replay", id=made["id"])
        assert replayed["state"] == "CONFIGURED"
