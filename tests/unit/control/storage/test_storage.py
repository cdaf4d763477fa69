"""A store that is damaged, full or read-only: a clear word, nothing lost, and no crash."""

import asyncio
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import DBAPIError

from salt_o2.client.control_client import ControlClient
from salt_o2.control.storage.run_store import RunStore
from salt_o2.control.storage.schema import ENVIRONMENTS
from salt_o2.control.storage.store import Store
from salt_o2.control.storage.stored import StoredEnvironment
from salt_o2.control.unavailable import open_store_or_refuse
from salt_o2.core.environment.environment import Environment
from salt_o2.core.errors import StorageError
from salt_o2.core.ids import EnvironmentId
from salt_o2.core.messages.effects import EndRun
from salt_o2.core.messages.inputs import Tick
from salt_o2.core.plan.overrides import Overrides
from salt_o2.core.recovery import snapshot
from tests.support.builders.plans import plan_of, planned

E1 = EnvironmentId("E1")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "o2.sqlite"


def url(file):
    return f"sqlite:///{file}"


def kept(id=E1):
    plan = plan_of(planned("sink", "flp1"))
    taken = snapshot.capture(Environment(id, plan))
    return StoredEnvironment(id=id, created=1.0, user="u", overrides=Overrides(), plan=plan, snapshot=taken)


def filled(file, runs=3):
    store = Store(url(file))
    store.add(kept())
    for _ in range(runs):
        RunStore(store).reserve_run()
    store.close()


def deny_writes(store):
    """What a full disk does: every write fails, reading goes on."""
    with store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        connection.exec_driver_sql("PRAGMA query_only = ON")


def allow_writes(store):
    with store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only = OFF")


@pytest.mark.parametrize("damage", [b"not a database at all " * 400, b""], ids=["garbage", "emptied"])
def test_a_damaged_database_never_keeps_control_from_starting(file, damage):
    filled(file)
    file.write_bytes(damage)
    for beside in ("-wal", "-shm"):
        file.with_name(file.name + beside).unlink(missing_ok=True)
    store = Store(url(file))
    assert store.active() == []
    store.add(kept())
    store.close()
    again = Store(url(file))
    assert [each.id for each in again.active()] == [E1]
    again.close()


def test_a_damaged_database_is_renamed(file):
    file.write_bytes(b"damaged " * 1000)
    Store(url(file)).close()
    file.write_bytes(b"again " * 1000)
    Store(url(file)).close()
    assert file.with_name("o2.sqlite.damaged-1").read_bytes().startswith(b"damaged ")
    assert file.with_name("o2.sqlite.damaged-2").read_bytes().startswith(b"again ")


def test_run_numbers_continue_above_the_numbers_that_could_still_be_read(file):
    filled(file, runs=7)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name='environments'"
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with file.open("r+b") as raw:
        raw.seek((page - 1) * size)
        raw.write(b"\xff" * size)
    store = Store(url(file))
    assert file.with_name("o2.sqlite.damaged-1").exists()
    assert RunStore(store).reserve_run() == 8
    store.close()


def test_the_run_counter_is_only_ever_raised(file):
    store = Store(url(file))
    runs = RunStore(store)
    runs.raise_run_counter(41)
    runs.raise_run_counter(7)
    store.close()
    again = Store(url(file))
    assert RunStore(again).reserve_run() == 42
    again.close()


def test_a_run_number_is_on_disk_before_a_caller_gets_it(file):
    store = Store(url(file))
    number = RunStore(store).reserve_run()
    with closing(
        sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    ) as other:  # what another control would find
        assert other.execute("SELECT value FROM counters WHERE name = 'run'").fetchone() == (number,)
        assert other.execute("SELECT number FROM runs").fetchall() == []  # nothing has started yet
    other.close()
    store.close()


def test_a_run_number_that_cannot_be_stored_is_not_given(file):
    store = Store(url(file))
    runs = RunStore(store)
    first = runs.reserve_run()
    deny_writes(store)
    with pytest.raises(StorageError, match="cannot write"):
        runs.reserve_run()
    allow_writes(store)
    assert runs.reserve_run() == first + 1
    store.close()


def test_a_run_counter_that_waits_for_disk_space_repeats_no_number(file):
    store = Store(url(file))
    runs = RunStore(store)
    deny_writes(store)
    runs.raise_run_counter(41)
    allow_writes(store)
    assert runs.reserve_run() == 42
    store.flush()
    store.close()
    again = Store(url(file))
    assert RunStore(again).reserve_run() == 43
    again.close()


@pytest.mark.parametrize("where", ["missing/o2.sqlite", "folder"], ids=["no-folder", "a-folder"])
def test_a_store_that_cannot_be_opened_says_why_and_what_to_do(tmp_path, where):
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match=r"unable to open.*New requests are refused.*Free disk space"):
        Store(url(tmp_path / where))


def test_entries_that_cannot_be_written_wait_until_they_can(file):
    store = Store(url(file))
    runs = RunStore(store)
    store.add(kept())
    number = runs.reserve_run()
    runs.open_run(number, E1, 4.0)
    store.flush()
    deny_writes(store)
    store.append(E1, Tick(at=5.0))
    runs.end_run(EndRun(run_number=number), 5.0)
    store.flush()
    assert "cannot write" in store.trouble
    with pytest.raises(StorageError, match="running tasks are not affected"):
        store.ensure_writable()
    assert runs.run(number).ended is None
    allow_writes(store)
    store.ensure_writable()
    assert store.trouble == ""
    assert runs.run(number).ended == 5.0
    assert [line.kind for line in store.journal(E1)] == ["Tick"]
    store.close()


def test_a_new_environment_that_cannot_be_stored_is_refused(file):
    store = Store(url(file))
    deny_writes(store)
    with pytest.raises(StorageError, match="cannot write"):
        store.add(kept())
    allow_writes(store)
    store.close()


def test_waiting_entries_are_bounded(file, monkeypatch):
    monkeypatch.setattr("salt_o2.control.storage.store.MOST_KEPT", 10)
    store = Store(url(file))
    deny_writes(store)
    for at in range(100):
        store.append(E1, Tick(at=float(at)))
        store.flush()
    allow_writes(store)
    store.flush()
    assert [line.at for line in store.journal(E1)] == [float(at) for at in range(90, 100)]
    store.close()


def test_the_store_distinguishes_ended_and_unknown_environments(file):
    store = Store(url(file))
    store.add(kept())
    assert store.ended_among([E1, "unknown"]) == set()
    store.save(E1, kept().snapshot, ended=9.0)
    assert store.ended_among([E1, "unknown"]) == {E1}
    assert store.ended_among([f"unknown{number}" for number in range(2_000)] + [E1]) == {E1}
    assert not store.ended_among([EnvironmentId("stranger")])
    store.close()


def test_while_the_store_is_closed_requests_are_refused_with_the_reason_until_it_opens(tmp_path):
    socket, file = tmp_path / "s.ipc", tmp_path / "folder" / "o2.sqlite"

    def ask():
        with ControlClient(socket) as control, pytest.raises(StorageError, match="unable to open") as refused:
            control.request("env_list")
        file.parent.mkdir()
        return str(refused.value)

    async def scene():
        opening = asyncio.create_task(open_store_or_refuse(url(file), socket, retry_s=1.0))
        while not socket.exists():
            await asyncio.sleep(0.01)
        said = await asyncio.to_thread(ask)
        store = await opening
        store.close()
        return said

    assert "Free disk space" in asyncio.run(scene())


def connections_to(file):
    """Count the files of a database that this process has open."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.append(str(entry.readlink()))
    return sum(path.startswith(str(file)) for path in found)


def test_a_thread_that_reads_while_the_store_closes_gives_its_connection_back_closed(file):
    store = Store(url(file))
    for id in "ABC":
        store.add(kept(EnvironmentId(id)))
    rows = store.stream(select(ENVIRONMENTS.c.id), 1)
    assert next(rows).id == "A"
    store.close()
    assert [row.id for row in rows] == ["B", "C"], "the thread reads to the end"
    assert connections_to(file) == 0


def test_a_thread_that_reads_after_the_store_has_closed_gets_no_connection(file):
    filled(file)
    store = Store(url(file))
    runs = RunStore(store)
    store.close()
    with pytest.raises(StorageError, match="has closed its database"):
        runs.runs()
    with pytest.raises(DBAPIError, match="has closed its database"):
        store.write(delete(ENVIRONMENTS))
    assert connections_to(file) == 0
