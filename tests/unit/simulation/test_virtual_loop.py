"""The event loop in virtual time: time, order, threads, and processes that are killed or stopped."""

import asyncio
import time
from random import Random

import pytest

from salt_o2.concurrency.daemon_thread import run_in_daemon_thread
from salt_o2.simulation.machine.event_loop import Starved, VirtualLoop
from salt_o2.simulation.machine.process import Program


def run(work, seed=0):
    loop = VirtualLoop(Random(seed))
    try:
        return loop.run_until_complete(work(loop))
    finally:
        loop.close()


def test_an_hour_passes_at_once_and_the_loop_shows_it():
    async def wait(loop):
        await asyncio.sleep(3600)
        return loop.time()

    begun = time.monotonic()
    assert run(wait) == pytest.approx(3600)
    assert time.monotonic() - begun < 60, "the loop really waited"


def test_timers_run_in_the_order_of_their_times():
    async def collect(_loop):
        seen = []

        async def add(delay_s):
            await asyncio.sleep(delay_s)
            seen.append(delay_s)

        await asyncio.gather(*(add(delay_s) for delay_s in (3, 1, 2)))
        return seen

    assert run(collect) == [1, 2, 3]


def test_callbacks_of_one_program_keep_their_order_and_those_of_two_do_not():
    async def collect(_loop):
        seen = []

        async def note(name):
            for number in range(3):
                seen.append((name, number))
                await asyncio.sleep(0)

        programs = [Program("left"), Program("right")]
        await asyncio.gather(*(program.start(note(program.name), "") for program in programs))
        return tuple(seen)

    orders = {run(collect, seed) for seed in range(20)}
    assert len(orders) > 1
    assert all([n for name, n in order if name == "left"] == [0, 1, 2] for order in orders)


def test_the_same_seed_gives_the_same_order():
    async def draw(_loop):
        seen = []
        programs = [Program(str(number)) for number in range(9)]

        async def note(name):
            seen.append(name)

        await asyncio.gather(*(program.start(note(program.name), "") for program in programs))
        return seen

    assert run(draw, 7) == run(draw, 7)


def test_functions_for_threads_run_in_the_loop():
    async def both(_loop):
        return await asyncio.to_thread(sum, [1, 2]), await run_in_daemon_thread(sum, [3, 4])

    assert run(both) == (3, 7)


def test_a_function_for_a_thread_passes_its_error_on():
    async def fail(_loop):
        await asyncio.to_thread(int, "x")

    with pytest.raises(ValueError, match="invalid literal"):
        run(fail)


def test_a_killed_program_runs_nothing_more_not_even_its_finally_blocks():
    async def kill(_loop):
        seen = []

        async def work():
            try:
                await asyncio.sleep(10)
                seen.append("woke up")
            finally:
                seen.append("finally")

        program = Program("victim")
        program.start(work(), "")
        await asyncio.sleep(1)
        program.kill()
        await asyncio.sleep(100)
        before = list(seen)
        program.release_memory()
        return before

    assert run(kill) == []


def test_a_stopped_program_continues_where_it_was():
    async def freeze(loop):
        seen = []

        async def work():
            for _ in range(3):
                await asyncio.sleep(1)
                seen.append(loop.time())

        program = Program("stopped")
        program.start(work(), "")
        await asyncio.sleep(1.5)
        program.frozen = True
        await asyncio.sleep(10)
        during = len(seen)
        loop.thaw(program)
        await asyncio.sleep(10)
        return during, seen

    during, seen = run(freeze)
    assert during == 1
    assert seen == pytest.approx([1, 11.5, 12.5])


def test_a_countdown_kills_a_program_between_two_of_its_callbacks():
    async def count_down(loop):
        seen = []

        async def work():
            while True:
                seen.append(None)
                await asyncio.sleep(0)

        program = Program("victim")
        loop.killed = lambda killed: killed.kill()
        program.start(work(), "")
        program.turns_left = 5
        await asyncio.sleep(1)
        program.release_memory()
        return len(seen)

    assert run(count_down) == 5


def test_a_loop_without_anything_to_do_says_so_instead_of_waiting_for_ever():
    async def wait(loop):
        await loop.create_future()

    with pytest.raises(Starved):
        run(wait)


def test_a_program_that_runs_without_end_at_one_time_ends_the_simulation():
    async def never_rest(_loop):
        while True:
            await asyncio.sleep(0)

    with pytest.raises(Starved, match="no time passed"):
        run(never_rest)
