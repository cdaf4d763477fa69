"""The past as a real control's journal has it: variables of that time, and what a run's tasks were given."""

import asyncio
import itertools

import pytest

from salt_o2.control.views.run_arguments import pushed
from salt_o2.core.errors import UnknownNameError
from salt_o2.presentation import runs
from tests.support.builders.repositories import repository
from tests.support.harness.control import control_harness


def played(folder, scene):
    ticks = itertools.count(1000)

    async def whole():
        async with control_harness(repository(folder), "flp1", clock=lambda: float(next(ticks))) as room:
            env = await room.ask("env_create", workflow="farm", vars={"rate": "1", "colour": "red"})
            return await scene(room, env["id"])

    return asyncio.run(whole())


async def replayed(room, id, until):
    return await room.ask("env_replay", id=id, until=str(until))


def test_a_replay_shows_the_variables_scale_and_exclusions_of_that_time(tmp_path):
    async def scene(room, id):
        seen = []
        for change in ({"vars": {"rate": "5"}}, {"exclude": ["root.leaf1"], "reason": "noisy"}, {}):
            seen.append((room.control.clock(), await room.ask("env_show", id=id)))
            if change:
                await room.ask("env_modify", id=id, **change)
        for at, then in seen:
            again = await replayed(room, id, at)
            for name in ("vars", "excluded", "workflow", "revision"):
                assert again[name] == then[name], name
            assert again["tasks"] == [task | {"seen": None, "age_s": None} for task in then["tasks"]]
        return [then["vars"]["rate"] for _, then in seen]

    assert played(tmp_path, scene) == ["1", "5", "5"]


def test_a_replay_after_the_end_shows_the_last_variables(tmp_path):
    async def scene(room, id):
        await room.ask("env_modify", id=id, vars={"colour": "blue"})
        await room.ask("env_destroy", id=id)
        return (await replayed(room, id, ""))["vars"]

    assert played(tmp_path, scene) == {"rate": "1", "colour": "blue"}


def test_a_modification_that_was_refused_is_not_in_the_past(tmp_path):
    async def scene(room, id):
        with pytest.raises(Exception, match="neither a role nor a detector"):
            await room.ask("env_modify", id=id, vars={"rate": "9"}, exclude=["nobody"])
        return (await replayed(room, id, ""))["vars"]["rate"]

    assert played(tmp_path, scene) == "1"


async def run_through(room, id):
    await room.ask("env_control", id=id, event="START_ACTIVITY")
    await room.ask("env_control", id=id, event="STOP_ACTIVITY")


def test_a_run_is_shown_with_what_its_start_and_stop_pushed_to_the_tasks(tmp_path):
    async def scene(room, id):
        await run_through(room, id)
        sent = {command.goal: command.arguments for command in room.hosts.commands if command.arguments}
        shown = await room.ask("run_show", number=1)
        assert shown["start_arguments"] == sent["RUNNING"]
        assert shown["stop_arguments"] == sent["CONFIGURED"]
        return shown

    shown = played(tmp_path, scene)
    assert shown["start_arguments"]["run_number"] == shown["start_arguments"]["runNumber"] == "1"
    assert shown["stop_arguments"]["run_end_time_ms"]


def test_each_run_of_an_environment_has_its_own_arguments(tmp_path):
    async def scene(room, id):
        for _ in range(3):
            await run_through(room, id)
        return [await room.ask("run_show", number=number) for number in (1, 2, 3)]

    shown = played(tmp_path, scene)
    assert [run["start_arguments"]["run_number"] for run in shown] == ["1", "2", "3"]
    assert len({run["stop_arguments"]["run_end_time_ms"] for run in shown}) == 3


def test_a_task_that_departs_from_a_run_does_not_end_it(tmp_path):
    async def scene(room, id):
        await room.ask("env_control", id=id, event="START_ACTIVITY")
        await room.ask("env_modify", id=id, exclude=["root.leaf1"])
        return await room.ask("run_show", number=1)

    shown = played(tmp_path, scene)
    assert shown["start_arguments"]["run_number"] == "1"
    assert shown["stop_arguments"] == {}


def test_an_unknown_run_is_refused(tmp_path):
    async def scene(room, id):
        with pytest.raises(UnknownNameError, match="there is no run 7"):
            await room.ask("run_show", number=7)

    played(tmp_path, scene)


def test_nothing_was_pushed_by_an_empty_journal():
    assert pushed([], 1) == ({}, {})


@pytest.mark.parametrize(
    ("event", "state", "reason"),
    [("STOP_ACTIVITY", "CONFIGURED", None), ("GO_ERROR", "ERROR", "requested by teo")],
)
def test_a_run_shows_its_end_state_and_the_reason(tmp_path, event, state, reason):
    async def scene():
        async with control_harness(repository(tmp_path)) as room:
            env = await room.ask("env_create", workflow="farm")
            started = await room.ask("env_control", id=env["id"], event="START_ACTIVITY")
            going_on = await room.ask("run_show", number=started["run_number"])
            assert (going_on["end_state"], going_on["end_reason"]) == (None, None)
            await room.ask("env_control", id=env["id"], event=event)
            shown = await room.ask("run_show", number=started["run_number"])
            assert (shown["end_state"], shown["end_reason"]) == (state, reason)
            assert "ended in state:" in runs.run(shown)

    asyncio.run(scene())
