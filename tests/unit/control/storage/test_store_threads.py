"""One thread writes to the store, the loop's; what reads whole plans does so in another, and reads few."""

import asyncio
import threading

import pytest
from sqlalchemy import event

from salt_o2.control.storage.run_store import RunStore
from salt_o2.control.storage.store import Store
from salt_o2.control.storage.stored import StoredEnvironment
from salt_o2.core.messages.effects import EndRun
from tests.support.builders.repositories import repository
from tests.support.harness.control import control_harness

WRITES = {
    "note": lambda store, kept: store.append(kept.id, None),
    "save": lambda store, kept: store.save(kept.id, kept.snapshot, durable=False),
    "save what must be on disk": lambda store, kept: store.save(kept.id, kept.snapshot),
    "queue": lambda store, _: store.enqueue(),
    "flush": lambda store, _: store.flush(),
    "check": lambda store, _: store.ensure_writable(),
    "reserve_run": lambda store, _: RunStore(store).reserve_run(),
    "open_run": lambda store, kept: RunStore(store).open_run(9, kept.id, 1.0),
    "raise_run_counter": lambda store, _: RunStore(store).raise_run_counter(7),
    "end_run": lambda store, _: RunStore(store).end_run(EndRun(run_number=1), 2.0),
    "add": lambda store, kept: store.add(kept),
    "close": lambda store, _: store.close(),
}
"""What changes the store's lists of what is to be written."""
LOOKS = {
    "env_list": {"all": True},
    "env_show": {"id": "ENDED"},
    "env_history": {"id": "ENDED"},
    "env_replay": {"id": "ENDED"},
    "env_diff of environments": {"left": "ENDED", "right": "LIVING"},
    "env_diff of runs": {"left": "1", "right": "2"},
    "env_repeat": {"id": "ENDED"},
    "run_list": {},
    "run_show": {"number": 1},
    "task_list": {},
    "workflow_list": {},
    "host_list": {},
    "pool_list": {},
    "info": {},
}
"""Verbs that read what is kept, and those that show a list."""


async def lived(room, runs=1):
    """Have one environment with runs that has ended, and one that is alive."""
    ended = (await room.ask("env_create", workflow="farm"))["id"]
    living = (await room.ask("env_create", workflow="farm"))["id"]
    for id in (ended, living):
        for _ in range(runs):
            await room.ask("env_control", id=id, event="START_ACTIVITY")
            await room.ask("env_control", id=id, event="STOP_ACTIVITY")
    await room.ask("env_destroy", id=ended)
    return {"ENDED": ended, "LIVING": living}


class Watched:
    """In which threads rows were read as environments, with their plans, and rows of environments sought."""

    def __init__(self, room, monkeypatch):
        self.here = threading.get_ident()
        self.decoded, self.selected, self.flushed = [], [], set()
        real, flush = Store.read_row, Store.flush

        def read_row(store, row, kind):
            if kind is StoredEnvironment:
                self.decoded.append(threading.get_ident())
            return real(store, row, kind)

        def watched_flush(store):
            self.flushed.add(threading.get_ident())
            flush(store)

        monkeypatch.setattr(Store, "read_row", read_row)
        monkeypatch.setattr(Store, "flush", watched_flush)
        event.listen(room.control.store._engine, "before_cursor_execute", self.note)

    def note(self, _connection, _cursor, statement, *_):
        if statement.startswith("SELECT"):
            self.selected.append((threading.get_ident(), statement))

    @property
    def on_the_loop(self):
        return [statement for thread, statement in self.selected if thread == self.here]


@pytest.mark.parametrize("look", LOOKS)
def test_the_loop_reads_nothing_from_the_store_for_a_request(tmp_path, monkeypatch, look):
    async def scene():
        async with control_harness(repository(tmp_path), "flp1") as room:
            ids = await lived(room)
            watched = Watched(room, monkeypatch)
            await room.ask(look.split()[0], **{name: ids.get(str(v), v) for name, v in LOOKS[look].items()})
            assert watched.on_the_loop == []
            assert watched.here not in watched.decoded
            assert watched.flushed <= {watched.here}

    asyncio.run(scene())


def test_a_list_of_runs_decodes_no_plan(tmp_path, monkeypatch):
    async def scene():
        async with control_harness(repository(tmp_path), "flp1") as room:
            ids = await lived(room, runs=3)
            watched = Watched(room, monkeypatch)
            runs = await room.ask("run_list")
            assert watched.decoded == []
            return ids, runs

    ids, runs = asyncio.run(scene())
    assert [run["run_number"] for run in runs] == [6, 5, 4, 3, 2, 1]
    assert {run["environment"] for run in runs} == set(ids.values())
    assert {run["workflow"].rpartition("/")[2].partition("@")[0] for run in runs} == {"farm"}


def test_a_list_of_ended_environments_decodes_those_that_are_shown(tmp_path, monkeypatch):
    async def scene():
        async with control_harness(repository(tmp_path, copies=1), "flp1") as room:
            ids = []
            for _ in range(5):
                ids.append((await room.ask("env_create", workflow="farm"))["id"])
                await room.ask("env_destroy", id=ids[-1])
            room.control.store.flush()
            watched = Watched(room, monkeypatch)
            assert [kept.id for kept in room.control.store.ended(2)] == ids[-2:]
            assert len(watched.decoded) == 2

    asyncio.run(scene())


@pytest.mark.parametrize("write", WRITES)
def test_only_the_thread_that_opened_the_store_writes(tmp_path, write):
    async def scene():
        async with control_harness(repository(tmp_path), "flp1") as room:
            ids = await lived(room)
            kept = room.control.active[ids["LIVING"]].stored
            with pytest.raises(RuntimeError, match="thread"):
                await asyncio.to_thread(WRITES[write], room.control.store, kept)

    asyncio.run(scene())


def test_all_rows_that_are_written_while_another_thread_reads_are_in_the_store(tmp_path):
    """Reads go on in threads for the whole time in which the loop writes."""

    async def scene():
        async with control_harness(repository(tmp_path), "flp1") as room:
            ids = await lived(room)
            looks = [
                room.ask("env_diff", left=ids["ENDED"], right=ids["LIVING"], user=f"user{n}")
                for n in range(8)
            ]
            answers = asyncio.gather(*looks)
            for rate in range(20):
                await room.ask("env_modify", id=ids["LIVING"], vars={"rate": str(rate)})
            await answers
            told = await room.ask("env_history", id=ids["LIVING"], limit=10_000)
            return [line for line in told if line["kind"] == "Modified"]

    assert len(asyncio.run(scene())) == 20
