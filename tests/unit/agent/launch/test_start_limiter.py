"""Turns of tasks that start."""

import asyncio

import pytest

from salt_o2.agent.launch.start_limiter import AT_LEAST, StartLimiter


async def start(limiter, started, name, ready):
    async with limiter.slot():
        started.append(name)
        await ready.wait()


async def settle():
    """Let everything that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_at_most_the_permitted_number_of_tasks_starts_at_the_same_time():
    async def scene():
        limiter, started, ready = StartLimiter(2), [], asyncio.Event()
        tasks = [asyncio.create_task(start(limiter, started, name, ready)) for name in "abcd"]
        await settle()
        assert started == ["a", "b"]
        ready.set()
        await asyncio.gather(*tasks)
        assert started == ["a", "b", "c", "d"]

    asyncio.run(scene())


def test_a_task_that_hangs_at_its_start_does_not_block_the_others():
    async def scene():
        limiter, started, never = StartLimiter(1, turn_s=0.01), [], asyncio.Event()
        tasks = [asyncio.create_task(start(limiter, started, name, never)) for name in "abc"]
        async with asyncio.timeout(10):
            while started != ["a", "b", "c"]:
                await asyncio.sleep(0.005)
        never.set()
        await asyncio.gather(*tasks)
        assert limiter._free._value == 1, "each turn was given back once"

    asyncio.run(scene())


@pytest.mark.parametrize("end", [asyncio.CancelledError, ValueError], ids=["cancelled", "failed"])
def test_a_start_that_fails_releases_its_slot(end):
    async def scene():
        limiter = StartLimiter(1)
        with pytest.raises(end):
            async with limiter.slot():
                raise end
        async with asyncio.timeout(10), limiter.slot():
            pass

    asyncio.run(scene())


def test_the_smallest_host_still_starts_several_tasks_at_the_same_time():
    assert StartLimiter()._free._value >= AT_LEAST
