"""Run numbers never come twice, although control has lost its store: hosts remember them."""

import asyncio
from dataclasses import replace

import pytest

from salt_o2.control.storage.run_store import RunStore
from salt_o2.control.storage.store import Store
from tests.support.builders.repositories import repository
from tests.support.harness.control import control_harness


async def started(room):
    made = await room.ask("env_create", workflow="farm")
    return (await room.ask("env_control", id=made["id"], event="START_ACTIVITY"))["run_number"]


def tell(room, host, last_run):
    room.hosts.report(host, facts=replace(room.control.inventory.facts_of(host), last_run=last_run))


@pytest.mark.parametrize(
    ("reported", "number"),
    [({}, 1), ({"flp1": 41}, 42), ({"flp1": 41, "flp2": 77}, 78)],
    ids=["no host knows a run", "one host", "the highest counts"],
)
def test_an_empty_store_counts_on_from_what_hosts_remember(tmp_path, reported, number):
    async def scene():
        async with control_harness(repository(tmp_path), "flp1", "flp2") as room:
            for host, last_run in reported.items():
                tell(room, host, last_run)
            assert await started(room) == number

    asyncio.run(scene())


def test_a_lower_run_number_of_a_host_changes_nothing(tmp_path):
    async def scene():
        async with control_harness(repository(tmp_path), "flp1") as room:
            room.control.runs.raise_run_counter(100)
            tell(room, "flp1", 41)
            assert await started(room) == 101

    asyncio.run(scene())


def test_run_numbers_that_hosts_report_are_on_disk(tmp_path):
    url = f"sqlite:///{tmp_path / 'o2.sqlite'}"
    store = Store(url)
    RunStore(store).raise_run_counter(41)
    store.close()
    again = Store(url)
    assert RunStore(again).reserve_run() == 42
    again.close()
