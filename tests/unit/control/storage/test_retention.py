"""The bounds of the journal: what is deleted, and what stays for living environments and records of runs."""

import asyncio
import threading

import pytest
from sqlalchemy import func, select

from salt_o2.control.storage import retention
from salt_o2.control.storage.retention import DAY_S, Retention
from salt_o2.control.storage.schema import JOURNAL
from salt_o2.core.errors import UnknownNameError
from salt_o2.site.journal_limits import JournalLimits
from salt_o2.site.settings import read_site
from tests.support.builders.repositories import repository
from tests.support.fakes.hosts import FakeHosts
from tests.support.harness.control import control_harness

LATER = 2 * retention.REST_S


def played(folder, scene):
    async def whole():
        async with control_harness(repository(folder), bus=FakeHosts("flp1", "flp2")) as room:
            return await scene(room)

    return asyncio.run(whole())


async def ended(room, runs=1):
    """Create an environment that takes data and ends; return its id and the numbers of its runs."""
    env = await room.ask("env_create", workflow="farm")
    numbers = []
    for _ in range(runs):
        started = await room.ask("env_control", id=env["id"], event="START_ACTIVITY")
        numbers.append(started["run_number"])
        await room.ask("env_modify", id=env["id"], scale={"leaf": 2 + len(numbers)})
        await room.ask("env_control", id=env["id"], event="STOP_ACTIVITY")
    await room.ask("env_destroy", id=env["id"])
    room.control.store.flush()
    return env["id"], numbers


def rows(room, environment=None):
    query = select(func.count()).select_from(JOURNAL)
    if environment:
        query = query.where(JOURNAL.c.environment == environment)
    return room.control.store.read(query)[0][0]


def cut(room, later_s=LATER, **keep):
    at = room.control.clock() + later_s
    return Retention(room.control.store, JournalLimits(**keep), lambda: at).cut_journal()


def test_within_the_bounds_nothing_is_deleted(tmp_path):
    async def scene(room):
        await ended(room)
        before = rows(room)
        assert cut(room) == 0
        assert cut(room, 100 * DAY_S) == 0
        assert cut(room, 10_000 * DAY_S, keep_days=0, keep_rows=0) == 0
        assert rows(room) == before

    played(tmp_path, scene)


def test_an_old_journal_of_an_ended_environment_is_cut_with_a_note(tmp_path):
    async def scene(room):
        environment, _ = await ended(room)
        before = rows(room, environment)
        gone = cut(room, 8 * DAY_S, keep_days=7)
        assert 0 < gone < before
        told = [line["text"] for line in await room.ask("env_history", id=environment)]
        assert f"{gone} lines of this journal were deleted" in told[-1]
        with pytest.raises(UnknownNameError, match="was cut"):
            await room.ask("env_replay", id=environment)
        assert cut(room, 8 * DAY_S, keep_days=7) == 0, "the next control finds nothing to do"

    played(tmp_path, scene)


def test_records_of_runs_are_the_same_after_a_cut(tmp_path):
    async def scene(room):
        environment, (first, second, third) = await ended(room, runs=3)
        runs = [await room.ask("run_show", number=number) for number in (first, second, third)]
        assert all(run["start_arguments"] and run["stop_arguments"] for run in runs)
        diff = await room.ask("env_diff", left=str(first), right=str(third))
        shown = await room.ask("env_show", id=environment)
        assert cut(room, keep_rows=1) > 0
        assert [await room.ask("run_show", number=number) for number in (first, second, third)] == runs
        assert await room.ask("env_diff", left=str(first), right=str(third)) == diff
        assert await room.ask("env_show", id=environment) == shown
        assert len(await room.ask("run_list")) == 3

    played(tmp_path, scene)


@pytest.mark.finding("A15")
@pytest.mark.parametrize("number", ["9" * 23, "9" * 5000, "\u00b2"])
def test_a_number_that_no_run_can_have_is_unknown(tmp_path, number):
    async def scene(room):
        with pytest.raises(UnknownNameError):
            await room.ask("env_diff", left=number, right="1")

    played(tmp_path, scene)


def test_a_living_environment_keeps_all_of_its_journal(tmp_path):
    async def scene(room):
        env = await room.ask("env_create", workflow="farm")
        await room.ask("env_control", id=env["id"], event="START_ACTIVITY")
        room.control.store.flush()
        before = rows(room, env["id"])
        cut(room, 10_000 * DAY_S, keep_days=1, keep_rows=1)
        assert rows(room, env["id"]) == before
        assert (await room.ask("env_replay", id=env["id"]))["state"] == "RUNNING"

    played(tmp_path, scene)


def test_above_the_limit_of_rows_the_environments_that_ended_first_lose_their_journals(tmp_path):
    async def scene(room):
        first, _ = await ended(room)
        second, _ = await ended(room)
        kept = rows(room, second)
        assert cut(room, keep_rows=rows(room) - 1) > 0
        assert rows(room, second) == kept
        await room.ask("env_replay", id=second)
        with pytest.raises(UnknownNameError):
            await room.ask("env_replay", id=first)

    played(tmp_path, scene)


def test_the_journal_of_an_environment_that_has_just_ended_is_not_cut(tmp_path):
    async def scene(room):
        await ended(room)
        assert cut(room, 0, keep_rows=1) == 0

    played(tmp_path, scene)


def test_a_cut_that_was_cut_short_is_no_whole_journal_and_is_finished_later(tmp_path, monkeypatch):
    async def scene(room):
        environment, _ = await ended(room)
        monkeypatch.setattr(retention, "CHUNK", 3)
        cutter = Retention(
            room.control.store, JournalLimits(keep_rows=1), lambda: room.control.clock() + LATER
        )
        cutter._stop.set()
        monkeypatch.setattr(cutter, "_cut", set())
        before = rows(room, environment)
        cutter._cut_one(environment, room.control.clock())
        assert rows(room, environment) == before - 3 + 1
        with pytest.raises(UnknownNameError, match="was cut"):
            await room.ask("env_replay", id=environment)
        assert cut(room, keep_rows=1) > 0
        assert cut(room, keep_rows=1) == 0

    played(tmp_path, scene)


def test_control_continues_while_the_journal_is_cut(tmp_path, monkeypatch):
    async def scene(room):
        await ended(room, runs=2)
        threads = set()
        monkeypatch.setattr(retention, "CHUNK", 1)
        write = room.control.store.write

        def noted(statement):
            threads.add(threading.get_ident())
            write(statement)

        monkeypatch.setattr(room.control.store, "write", noted)
        at = room.control.clock() + LATER
        cutter = asyncio.create_task(
            Retention(room.control.store, JournalLimits(keep_rows=1), lambda: at).run()
        )
        while not threads:
            await asyncio.sleep(0)
        other = await room.ask("env_create", workflow="farm")  # control writes and answers meanwhile
        assert other["state"] == "CONFIGURED"
        assert threading.get_ident() not in threads
        cutter.cancel()
        await asyncio.gather(cutter, return_exceptions=True)

    played(tmp_path, scene)


def test_a_journal_of_hosts_or_of_the_pool_is_cut_by_age(tmp_path):
    async def scene(room):
        env = await room.ask("env_create", workflow="farm")
        await room.ask("env_destroy", id=env["id"], keep_tasks=True)
        room.control.store.flush()
        assert rows(room, "pool") > 0
        cut(room, keep_rows=1)
        assert rows(room, "pool") > 0
        cut(room, 8 * DAY_S, keep_days=7)
        assert rows(room, "pool") == 0
        assert len((await room.ask("pool_list"))["pooled"]) == 2

    played(tmp_path, scene)


def test_the_limits_of_the_journal_are_settings_with_their_units():
    site, _ = read_site({"journal": {"keep_days": 30}}, {"journal": {"keep_rows": 1000}})
    assert site.journal == JournalLimits(keep_days=30.0, keep_rows=1000)
    site, wrong = read_site({"journal": {"keep_days": "long"}})
    assert site.journal == JournalLimits()
    assert [fault for fault in wrong if "keep_days" in fault]
