"""The clock is put back: no run ends before it started, and no host was seen in the future."""

import asyncio

import pytest

from salt_o2.core.plan import run_arguments
from tests.support.builders.repositories import repository
from tests.support.harness.control import control_harness


class Clock:
    now = 1_700_000_000.0

    def __call__(self):
        return self.now


def played(folder, scene, *hosts, **written):
    clock = Clock()

    async def whole():
        async with control_harness(repository(folder, **written), *(hosts or ("flp1",)), clock=clock) as room:
            return await scene(room, clock)

    return asyncio.run(whole())


@pytest.mark.parametrize("jump_s", [-3600.0, -0.5, 0.0, 3600.0])
def test_a_run_never_ends_before_it_started(tmp_path, jump_s):
    async def scene(room, clock):
        env = await room.ask("env_create", workflow="farm")
        env = await room.ask("env_control", id=env["id"], event="START_ACTIVITY")
        clock.now += jump_s
        await room.ask("env_control", id=env["id"], event="STOP_ACTIVITY")
        room.control.store.flush()
        return await room.ask("run_show", number=env["run_number"])

    found = played(tmp_path, scene)
    assert found["ended"] >= found["started"]
    assert found["duration_s"] == max(0.0, jump_s)
    start, stop = found["start_arguments"], found["stop_arguments"]
    assert int(stop["run_end_time_ms"]) >= int(start["run_start_time_ms"])
    assert stop["runEndTimeMs"] == stop["run_end_time_ms"]


def test_the_end_in_variables_is_that_of_stop():
    started = {"run_start_time_ms": "2000"}
    assert run_arguments.end_time_ms(started, 1.0) == "2000"
    assert run_arguments.end_time_ms(started, 3.0) == "3000"
    assert run_arguments.end_time_ms({}, 3.0) == "3000"


def test_a_host_is_not_last_seen_in_the_future(tmp_path):
    async def scene(room, clock):
        clock.now -= 3600.0
        return await room.ask("host_list")

    assert [row["last_seen_s"] for row in played(tmp_path, scene)] == [0.0]
