"""A row of the store that cannot be read is omitted and reported; all other rows are restored."""

import asyncio
import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from salt_o2.control.storage import host_rows
from salt_o2.control.storage.store import Store
from salt_o2.core.codec import plain
from salt_o2.core.messages.reports import HostFacts
from salt_o2.core.placement.host_declaration import Declaration
from tests.support.builders.repositories import repository
from tests.support.fakes.hosts import FakeHostsWithRecords
from tests.support.harness.control import control_harness
from tests.support.random_tests.corruption import JUNK, places, spoilt

FACTS = HostFacts(address="10.0.0.1", network="n", cpus=2, memory_mb=100, attributes={"rack": "12"})


def change(database, statement, **values):
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        connection.execute(text(statement), values)
    engine.dispose()


def fill(folder):
    """Have two environments and one task in the pool; return the ids of the environments."""

    async def whole():
        async with control_harness(repository(folder), bus=FakeHostsWithRecords("flp1", "flp2")) as room:
            made = [await room.ask("env_create", workflow="farm") for _ in range(2)]
            waiting = await room.ask("env_create", workflow="farm")
            await room.ask("env_destroy", id=waiting["id"], keep_tasks=True)
            return [env["id"] for env in made]

    return asyncio.run(whole())


def start_again(folder, look):
    async def whole():
        async with control_harness(folder, bus=FakeHostsWithRecords("flp1", "flp2")) as room:
            return await look(room)

    return asyncio.run(whole())


async def overview(room):
    info = await room.ask("info")
    return [env["id"] for env in await room.ask("env_list")], info["unused"]


@pytest.mark.parametrize("column", ["plan", "snapshot", "overrides"])
@pytest.mark.parametrize("junk", ["{", "null", '{"a": 1}', "[]", '"text"'])
def test_an_environment_that_cannot_be_read_does_not_keep_control_from_starting(tmp_path, column, junk):
    broken, whole = fill(tmp_path)
    statement = f"UPDATE environments SET {column} = :junk WHERE id = :id"
    change(tmp_path / "o2.sqlite", statement, junk=junk, id=broken)
    found, faults = start_again(tmp_path, overview)
    if broken in found:  # a shape may be empty
        assert column == "overrides"
        assert faults == []
    else:
        assert found == [whole]
        assert [broken in fault for fault in faults] == [True]


def test_an_environment_that_cannot_be_restored_does_not_affect_others(tmp_path):
    broken, whole = fill(tmp_path)
    engine = create_engine(f"sqlite:///{tmp_path / 'o2.sqlite'}")
    with engine.begin() as connection:
        row = connection.execute(text("SELECT plan FROM environments WHERE id = :id"), {"id": broken})
        plan = json.loads(row.scalar())
    engine.dispose()
    plan["variables"]["recovery_restarts"] = "many"  # as a version without this check would have kept it
    statement = "UPDATE environments SET plan = :plan WHERE id = :id"
    change(tmp_path / "o2.sqlite", statement, plan=json.dumps(plan), id=broken)
    found, faults = start_again(tmp_path, overview)
    assert found == [whole]
    assert [broken in fault and "tasks continue" in fault for fault in faults] == [True]


@pytest.mark.parametrize("junk", ["{", "null", '{"a": 1}'])
def test_an_unreadable_task_of_the_pool_is_ignored(tmp_path, junk):
    fill(tmp_path)
    change(tmp_path / "o2.sqlite", "UPDATE pool SET entry = :junk", junk=junk)
    found, faults = start_again(tmp_path, overview)
    assert len(found) == 2
    assert faults
    assert all("PoolEntry" in fault for fault in faults)


@settings(max_examples=40)
@given(path=st.sampled_from(places(plain(FACTS))), junk=st.sampled_from(JUNK))
def test_valid_parts_of_the_stored_row_of_a_host_are_read(tmp_path_factory, path, junk):
    wrong = msgspec.json.encode(spoilt(json.loads(json.dumps(plain(FACTS))), path, junk)).decode()
    database = tmp_path_factory.mktemp("store") / "o2.sqlite"
    store = Store(f"sqlite:///{database}")
    store.enqueue(
        *host_rows.put_host("flp1", FACTS, Declaration()), *host_rows.put_host("flp2", FACTS, Declaration())
    )
    store.flush()
    store.close()
    change(database, "UPDATE hosts SET facts = :junk WHERE id = 'flp1'", junk=wrong)
    store = Store(f"sqlite:///{database}")
    found = host_rows.host_entries(store)
    store.close()
    assert found["flp2"] == (FACTS, ())
    facts, _ = found["flp1"]
    same = [name for name in FACTS.__dataclass_fields__ if name != path[0]]
    assert all(getattr(facts, name) == getattr(FACTS, name) for name in same)


def test_a_row_of_a_host_that_is_no_json_offers_no_resource_and_is_reported(tmp_path):
    fill(tmp_path)
    change(tmp_path / "o2.sqlite", "UPDATE hosts SET facts = '{' WHERE id = 'flp1'")

    async def look(room):
        return (await overview(room)), room.control.inventory.facts_of("flp1")

    (found, _), facts = start_again(tmp_path, look)
    assert len(found) == 2
    assert facts is not None
