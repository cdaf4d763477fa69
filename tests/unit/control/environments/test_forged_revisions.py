"""A host that names a revision that control never gave does not have the last word on its tasks."""

import asyncio
from dataclasses import replace

import pytest

from salt_o2.core.messages.reports import Exit, Failure
from salt_o2.core.states import TaskState, TaskStatus
from tests.support.builders.repositories import repository
from tests.support.fakes.hosts import FakeHostsWithRecords
from tests.support.harness.control import control_harness

FAR = 1_000_000_000


async def running(room):
    made = await room.ask("env_create", workflow="farm")
    await room.ask("env_control", id=made["id"], event="START_ACTIVITY")
    return room.control.active[made["id"]].environment


def died(about):
    failure = Failure(asked="watch", state="-", reason="killed by signal 9")
    return replace(
        about,
        status=TaskStatus.INACTIVE,
        state=TaskState.ERROR,
        exit=Exit(signal=9),
        failure=failure,
        settled=True,
    )


async def faults(room, host):
    return next(row["faults"] for row in await room.ask("host_list") if row["id"] == host)


@pytest.mark.finding("1.4")
def test_a_true_report_after_a_false_revision_is_believed(tmp_path):
    async def scene():
        async with control_harness(repository(tmp_path), bus=FakeHostsWithRecords("flp1")) as room:
            environment = await running(room)
            true = next(iter(environment.model.tasks.reports.values()))
            room.hosts.report("flp1", replace(true, revision=FAR))
            await room.settled()
            assert environment.model.tasks.reports[true.task] == true
            assert any(f"revision {FAR}" in fault for fault in await faults(room, "flp1"))
            room.hosts.report("flp1", died(true))
            await room.settled()
            assert environment.model.tasks.reports[true.task].failure is not None

    asyncio.run(scene())


@pytest.mark.finding("1.4")
def test_an_acknowledgement_of_a_revision_that_was_never_given_is_ignored(tmp_path):
    async def scene():
        async with control_harness(repository(tmp_path), bus=FakeHostsWithRecords("flp1")) as room:
            made = await room.ask("env_create", workflow="farm")
            environment = room.control.active[made["id"]].environment
            room.hosts.deaf.add("flp1")
            asked = asyncio.create_task(room.ask("env_control", id=made["id"], event="START_ACTIVITY"))
            while environment.model.wait is None:
                await asyncio.sleep(0)
            room.hosts.acknowledge("flp1", {made["id"]: FAR})
            await room.settled()
            assert "flp1" in environment.model.wait.unacknowledged
            assert any("is acknowledged" in fault for fault in await faults(room, "flp1"))
            asked.cancel()

    asyncio.run(scene())


@pytest.mark.finding("1.4")
def test_a_task_with_a_revision_that_was_never_given_is_not_lost(tmp_path):
    """A survey that names it says that it is there, whatever else is wrong with it."""

    async def scene():
        async with control_harness(repository(tmp_path), bus=FakeHostsWithRecords("flp1")) as room:
            environment = await running(room)
            for about in tuple(room.hosts.tasks["flp1"].values()):
                room.hosts.tasks["flp1"][about.task] = replace(about, revision=FAR)
            room.hosts.survey("flp1")
            await room.settled()
            states = {about.state for about in environment.model.tasks.reports.values()}
            assert states == {TaskState.RUNNING}

    asyncio.run(scene())
