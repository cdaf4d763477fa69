"""``watch``: a program that asks again and again knows what control knows, by few bytes."""

import asyncio
from dataclasses import replace

import pytest

from salt_o2.core.errors import InvalidRequestError, UnknownNameError
from salt_o2.core.messages.inputs import TasksMoved
from salt_o2.core.states import TaskState
from tests.support.builders.repositories import repository
from tests.support.harness.control import control_harness, on_a_loop


@pytest.fixture
def templates(tmp_path):
    """A site with a workflow of two tasks, leaf0 and leaf1."""
    return repository(tmp_path)


async def create(room, workflow="farm"):
    return (await room.ask("env_create", workflow=workflow))["id"]


def rows_of(answer):
    return {row[0]: dict(zip(answer["columns"], row, strict=True)) for row in answer["tasks"]}


@on_a_loop
async def test_the_first_answer_has_all_and_the_next_only_changes(templates):
    async with control_harness(templates) as room:
        id = await create(room)
        first = await room.ask("watch")
        assert not first["complete"]
        assert [each["id"] for each in first["environments"]] == [id]
        assert "tasks" not in first["environments"][0]
        again = await room.ask("watch", epoch=first["epoch"], since=first["revision"])
        assert again["complete"]
        assert again["environments"] == again["ended"] == again["news"] == []
        await room.ask("env_control", id=id, event="START_ACTIVITY")
        later = await room.ask("watch", epoch=first["epoch"], since=first["revision"])
        assert [each["state"] for each in later["environments"]] == ["RUNNING"]
        assert [each["state"] for each in later["news"] if each["kind"] == "state"] == ["RUNNING"]


@on_a_loop
async def test_a_changed_environment_is_reported_with_its_changed_tasks(templates):
    async with control_harness(templates) as room:
        id = await create(room)
        first = await room.ask("watch", environment=id)
        assert {row["state"] for row in rows_of(first).values()} == {"CONFIGURED"}
        target = room.control.active[id]
        task = target.environment.model.plan.tasks[0]
        report = target.environment.model.tasks.reports[task.id]
        moved = replace(report, state=TaskState.RUNNING, revision=report.revision + 1)
        room.control.executor.step(target, TasksMoved(at=1.0, host=task.host, reports=(moved,)))
        later = await room.ask("watch", environment=id, epoch=first["epoch"], since=first["revision"])
        assert later["complete"]
        assert {id: row["state"] for id, row in rows_of(later).items()} == {task.id: "RUNNING"}


@on_a_loop
async def test_a_request_waits_for_a_change(templates):
    async with control_harness(templates) as room:
        id = await create(room)
        first = await room.ask("watch", environment=id)
        asked = room.ask("watch", environment=id, epoch=first["epoch"], since=first["revision"], wait_s=30)
        waiting = asyncio.ensure_future(asked)
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await room.ask("env_control", id=id, event="START_ACTIVITY")
        answer = await waiting
        assert answer["environment"]["state"] in ("CONFIGURED", "RUNNING")
        assert answer["revision"] > first["revision"]


@on_a_loop
async def test_a_request_ends_without_a_change_when_its_time_is_over(templates):
    async with control_harness(templates) as room:
        first = await room.ask("watch")
        answer = await room.ask("watch", epoch=first["epoch"], since=first["revision"], wait_s=0.05)
        assert answer["revision"] == first["revision"]


@on_a_loop
async def test_a_request_of_an_earlier_control_gets_all_and_learns_of_the_gap(templates):
    async with control_harness(templates) as room:
        id = await create(room)
        answer = await room.ask("watch", epoch="an earlier control", since=4, wait_s=30)
        assert not answer["complete"]
        assert answer["gap"]
        assert [each["id"] for each in answer["environments"]] == [id]


@on_a_loop
async def test_the_end_of_an_environment_is_reported(templates):
    async with control_harness(templates) as room:
        id = await create(room)
        first = await room.ask("watch")
        await room.ask("env_destroy", id=id)
        later = await room.ask("watch", epoch=first["epoch"], since=first["revision"])
        assert later["ended"] == [id]
        assert later["environments"] == []
        with pytest.raises(UnknownNameError, match="active environment"):
            await room.ask("watch", environment=id)


@on_a_loop
async def test_a_change_of_the_plan_makes_the_answer_whole(templates):
    async with control_harness(templates) as room:
        id = await create(room)
        first = await room.ask("watch", environment=id)
        await room.ask("env_modify", id=id, exclude=["root.leaf0"])
        later = await room.ask("watch", environment=id, epoch=first["epoch"], since=first["revision"])
        assert not later["complete"]
        assert {row["path"].rpartition(".")[2]: bool(row["excluded"]) for row in rows_of(later).values()} == {
            "leaf0": True,
            "leaf1": False,
        }


@on_a_loop
@pytest.mark.parametrize("wrong", [{"wait_s": 31}, {"wait_s": -1}, {"since": -1}, {"wait_s": float("nan")}])
async def test_arguments_out_of_bounds_are_refused(templates, wrong):
    async with control_harness(templates) as room:
        with pytest.raises(InvalidRequestError):
            await room.ask("watch", **wrong)
