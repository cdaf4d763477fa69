"""Bounds of one request: none occupies control for long, whatever its shape."""

import asyncio

import pytest

from salt_o2.control.dispatcher import MOST_ENTRIES, check_numbers
from salt_o2.control.requests import workflow_requests
from salt_o2.core.errors import InvalidRequestError
from tests.support.builders.repositories import repository
from tests.support.harness.control import control_harness


@pytest.mark.finding("A4")
def test_a_long_name_above_many_entries_costs_no_more_than_the_entries():
    class CountedName(str):
        """A name that counts how often it becomes part of another text."""

        times = 0

        def __format__(self, spec):
            CountedName.times += 1
            return super().__format__(spec)

    maps = [{f"n{number}": number for number in range(2_000)} for _ in range(9)]
    check_numbers({CountedName("n"): maps}, "env_plan")
    assert CountedName.times == 0


@pytest.mark.finding("A4")
@pytest.mark.parametrize(
    "value", [[[0] * 5_000] * 5, {"a": {str(n): 0 for n in range(30_000)}}, [{}] * 30_000]
)
def test_a_request_with_more_entries_than_control_checks_is_refused(value):
    with pytest.raises(InvalidRequestError, match=f"more than {MOST_ENTRIES} entries"):
        check_numbers(value, "env_plan")


def test_a_number_that_is_too_large_is_named_with_its_place():
    with pytest.raises(InvalidRequestError, match=r"env_create: vars: rate: 1e\+300 is too large a number"):
        check_numbers({"vars": {"rate": 1e300}}, "env_create")


@pytest.mark.finding("A3")
@pytest.mark.parametrize("verb", ["workflow_expand", "workflow_graph"])
def test_a_workflow_with_more_tasks_than_control_shows_is_refused_with_advice(tmp_path, monkeypatch, verb):
    monkeypatch.setattr(workflow_requests, "MOST_SHOWN", 5)

    async def scene():
        async with control_harness(repository(tmp_path)) as room:
            await room.ask(verb, workflow="farm", vars={"copies": "5"})
            with pytest.raises(
                InvalidRequestError, match=r"has 6 tasks, control shows at most 5: .*expand FILE"
            ):
                await room.ask(verb, workflow="farm", vars={"copies": "6"})

    asyncio.run(scene())
