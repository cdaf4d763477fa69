"""Requests for the output of tasks: bounded, and read apart from the loop that drives the tasks."""

import asyncio
import threading

import pytest

from salt_o2.agent import request_handlers
from salt_o2.agent.request_handlers import LONGEST_LOG, RequestHandlers
from salt_o2.core.errors import InvalidRequestError


class FakeAgent:
    """An agent whose tasks have a directory and are over."""

    def output_of(self, name):
        return name

    def is_over(self, name):
        return True


@pytest.mark.finding("A24")
def test_output_is_read_in_one_thread_at_a_time_while_the_loop_goes_on(monkeypatch):
    gate, readers, most = threading.Event(), [], []

    def read_tail(home, lines):
        readers.append(threading.current_thread())
        most.append(len(readers))
        gate.wait(10)
        readers.pop()
        return {"stdout": [home], "stderr": [], "at": {}}

    monkeypatch.setattr(request_handlers.output_follow, "read_tail", read_tail)

    async def scene():
        handlers = RequestHandlers(FakeAgent())
        asked = [asyncio.ensure_future(handlers.log(f"task{number}", 10)) for number in range(5)]
        while not readers:
            await asyncio.sleep(0.001)
        assert threading.current_thread() not in readers
        gate.set()
        answers = await asyncio.gather(*asked)
        assert [each["stdout"] for each in answers] == [[f"task{number}"] for number in range(5)]
        assert set(most) == {1}

    asyncio.run(scene())


@pytest.mark.finding("A24")
@pytest.mark.parametrize("lines", [0, -1, LONGEST_LOG + 1])
def test_more_lines_than_an_answer_may_have_are_refused(lines):
    with pytest.raises(InvalidRequestError, match=f"1 to {LONGEST_LOG}"):
        asyncio.run(RequestHandlers(FakeAgent()).log("readout", lines))
