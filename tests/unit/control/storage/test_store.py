"""What is on disk is there after any end of the process; run numbers never repeat."""

import sqlite3
from contextlib import closing

import pytest

from salt_o2.control.requests.history_requests import entries
from salt_o2.control.storage.run_store import RunStore
from salt_o2.control.storage.store import Store
from salt_o2.control.storage.stored import StoredEnvironment
from salt_o2.core.errors import TaskError
from salt_o2.core.messages.effects import CompleteRequest
from salt_o2.core.messages.inputs import CallEnded, Tick
from salt_o2.core.plan.launch import Launch
from salt_o2.core.plan.overrides import Overrides
from salt_o2.core.plan.plan import Plan, PlannedRole, PlannedTask
from salt_o2.core.recovery.snapshot import Snapshot
from salt_o2.core.states import ControlMode, EnvironmentEvent, EnvironmentState

TASK = PlannedTask(
    id="t",
    path="root.t",
    class_name="k",
    host="flp1",
    critical=True,
    launch=Launch(mode=ControlMode.FAIRMQ, value="x", arguments=("--id", "t"), control_port=30000),
    properties={"chans.data.0.type": "push"},
    ports=(30000, 9000),
)
ROOT = PlannedRole(name="root", path="root", roles=(PlannedRole(name="t", path="root.t", task="t"),))


def kept(name="E", **changes):
    plan = Plan(workflow="w", revision="r", root=ROOT, tasks=(TASK,), variables={"a": "1"})
    snapshot = Snapshot(state=EnvironmentState.STANDBY, revision=0)
    return StoredEnvironment(
        id=name,
        created=1.0,
        user="u",
        overrides=Overrides(vars={"a": "1"}),
        plan=plan,
        snapshot=snapshot,
        **changes,
    )


@pytest.fixture
def url(tmp_path):
    """A database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'o2.sqlite'}"


@pytest.fixture
def store(url):
    """An open store."""
    store = Store(url)
    yield store
    store.close()


def test_a_stored_environment_is_restored_unchanged(store, url):
    store.add(kept())
    again = Store(url)
    assert again.active() == [kept()]
    again.close()


def test_a_saved_state_is_there_without_closing(store, url):
    store.add(kept())
    pending = (EnvironmentEvent.CONFIGURE,)
    snapshot = Snapshot(state=EnvironmentState.DEPLOYED, revision=4, pending=pending, run_number=3)
    store.save("E", snapshot)
    again = Store(url)
    assert again.find("E").snapshot == snapshot
    again.close()


def test_an_environment_that_ended_is_no_longer_alive_but_can_be_found(store):
    store.add(kept("E"))
    store.add(kept("F"))
    store.save("E", Snapshot(state=EnvironmentState.DONE, revision=9), ended=5.0)
    assert [each.id for each in store.active()] == ["F"]
    assert [each.id for each in store.ended()] == ["E"]
    assert store.find("E").ended == 5.0


@pytest.mark.finding("X18")
def test_a_long_text_is_the_beginning_of_no_id_and_no_fault_of_the_store(store):
    store.add(kept("ab1"))
    assert store.ids_beginning("x" * 60_000) == []


def test_environments_are_found_by_the_beginning_of_their_ids(store):
    for name in ("ab1", "ab2", "AB3", "a%", "b"):
        store.add(kept(name))
    assert store.ids_beginning("ab") == ["ab1", "ab2"]
    assert store.ids_beginning("a%") == ["a%"]
    assert store.ids_beginning("c") == []


def test_a_missing_environment_is_not_found(store):
    assert store.find("X") is None


def test_run_numbers_only_grow_also_over_a_restart_and_a_deleted_row(store, url, tmp_path):
    first = RunStore(store).reserve_run()
    store.close()
    with closing(sqlite3.connect(tmp_path / "o2.sqlite", isolation_level=None)) as connection:
        connection.execute("DELETE FROM runs")
    connection.close()
    again = Store(url)
    assert RunStore(again).reserve_run() > first
    again.close()


def test_the_journal_has_messages_and_effects_in_order(store, tmp_path):
    store.add(kept())
    store.append("E", Tick(at=7.0), [CompleteRequest(request="r", error=TaskError("broke"))])
    store.flush()
    with closing(sqlite3.connect(tmp_path / "o2.sqlite", isolation_level=None)) as connection:
        rows = connection.execute("SELECT at, direction, kind, body FROM journal ORDER BY id").fetchall()
    connection.close()
    assert [row[:3] for row in rows] == [(7.0, "in", "Tick"), (7.0, "out", "CompleteRequest")]
    assert "broke" in rows[1][3]


def test_sqlite_commits_are_on_disk_before_they_return(store):
    with store._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


def test_the_end_of_a_call_is_in_the_journal_with_all_that_a_replay_needs(store):
    store.add(kept())
    ended = CallEnded(at=1.0, call="root.call#1", error="no licence")
    store.append("E", ended)
    store.flush()
    (line,) = store.journal("E")
    assert list(entries([line])) == [ended]
