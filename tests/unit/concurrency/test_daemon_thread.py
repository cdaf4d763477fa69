"""Work that waits long, in a thread of its own."""

import asyncio
import threading

import pytest

from salt_o2.concurrency.daemon_thread import run_in_daemon_thread


def test_the_result_of_a_function_in_a_daemon_thread_is_returned():
    assert asyncio.run(run_in_daemon_thread(lambda a, b: a + b, 1, 2)) == 3


def test_the_error_of_a_function_in_a_daemon_thread_is_raised():
    with pytest.raises(ZeroDivisionError):
        asyncio.run(run_in_daemon_thread(lambda: 1 / 0))


def test_any_number_of_functions_can_wait_in_daemon_threads():
    gate = threading.Event()

    async def scene():
        waiting = [asyncio.create_task(run_in_daemon_thread(gate.wait)) for _ in range(50)]
        await asyncio.to_thread(lambda: None)  # these few threads are free
        gate.set()
        return await asyncio.gather(*waiting)

    assert asyncio.run(scene()) == [True] * 50


def test_a_caller_that_stops_waiting_gets_no_later_result():
    gate = threading.Event()

    async def scene():
        waiting = asyncio.create_task(run_in_daemon_thread(gate.wait))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        gate.set()
        return await run_in_daemon_thread(lambda: "others go on")

    assert asyncio.run(scene()) == "others go on"


def test_a_loop_that_ends_does_not_wait_for_a_daemon_thread():
    gate, ended = threading.Event(), threading.Event()

    def work():
        gate.wait()
        ended.set()

    async def scene():
        asyncio.create_task(run_in_daemon_thread(work)).add_done_callback(lambda _: None)
        await asyncio.sleep(0)

    asyncio.run(scene())
    assert not ended.is_set()
    gate.set()
    assert ended.wait(30)
