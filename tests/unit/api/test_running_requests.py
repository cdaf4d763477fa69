"""Requests under way: they go on without their client, and are not repeated by accident."""

import asyncio

import pytest

from salt_o2.api.access.callers import Caller
from salt_o2.api.requests import running_requests
from salt_o2.api.requests.running_requests import KEPT_S, RunningRequests, until_ended
from salt_o2.core.access_roles import AccessRole
from salt_o2.core.errors import InvalidRequestError, PlanError, UnknownNameError, UnreachableError
from tests.support.fakes.clock import FakeClock
from tests.support.harness.control import on_a_loop

TEO = Caller(name="teo", role=AccessRole.OPERATOR, entrance="http")
ADA = Caller(name="ada", role=AccessRole.OPERATOR, entrance="http")


class FakeControl:
    """Answers when the gate opens."""

    def __init__(self, error=None):
        self.gate, self.error, self.sent = asyncio.Event(), error, []

    async def request(self, verb, arguments, user, progress=None):
        self.sent.append((verb, arguments, user))
        progress({"done": 1, "total": 2})
        await self.gate.wait()
        if self.error:
            raise self.error
        return f"result {len(self.sent)}"


def made(error=None):
    control, clock = FakeControl(error), FakeClock()
    return control, clock, RunningRequests(control, clock)


@on_a_loop
async def test_a_request_has_its_progress_and_then_its_result():
    control, _, requests = made()
    request = requests.start(TEO, "env_create", {"workflow": "x"})
    await asyncio.sleep(0)
    assert (request.status, request.progress) == ("running", {"done": 1, "total": 2})
    control.gate.set()
    await until_ended(request)
    assert (request.status, request.result, request.error) == ("done", "result 1", None)
    assert control.sent == [("env_create", {"workflow": "x"}, "teo")]


@on_a_loop
async def test_a_failed_request_has_the_error_of_control():
    control, _, requests = made(PlanError("no host"))
    request = requests.start(TEO, "env_create", {})
    control.gate.set()
    await until_ended(request)
    assert (request.status, str(request.error)) == ("failed", "no host")


@on_a_loop
async def test_a_repetition_with_the_same_key_is_the_first_request():
    control, _, requests = made()
    first = requests.start(TEO, "env_create", {"workflow": "x"}, key="k")
    assert requests.start(TEO, "env_create", {"workflow": "x"}, key="k") is first
    assert requests.start(ADA, "env_create", {"workflow": "x"}, key="k") is not first
    assert requests.start(TEO, "env_create", {"workflow": "x"}) is not first
    control.gate.set()
    await until_ended(first)
    assert requests.start(TEO, "env_create", {"workflow": "x"}, key="k") is first


@on_a_loop
async def test_a_key_of_another_request_is_refused():
    _, _, requests = made()
    requests.start(TEO, "env_create", {"workflow": "x"}, key="k")
    with pytest.raises(InvalidRequestError, match="belongs to another request"):
        requests.start(TEO, "env_create", {"workflow": "y"}, key="k")


@on_a_loop
async def test_a_request_is_found_by_its_own_caller_alone():
    _, _, requests = made()
    request = requests.start(TEO, "env_create", {})
    assert requests.find(request.id, TEO) is request
    with pytest.raises(UnknownNameError):
        requests.find(request.id, ADA)


@on_a_loop
async def test_an_ended_request_is_forgotten_after_some_minutes_and_a_running_one_is_not():
    control, clock, requests = made()
    request = requests.start(TEO, "env_create", {}, key="k")
    await asyncio.sleep(0)
    clock.at += 10 * KEPT_S
    requests.start(TEO, "env_list", {})
    assert requests.find(request.id, TEO) is request
    control.gate.set()
    await until_ended(request)
    clock.at += 2 * KEPT_S
    assert requests.start(TEO, "env_create", {}, key="k") is not request
    with pytest.raises(UnknownNameError):
        requests.find(request.id, TEO)


@on_a_loop
async def test_too_many_running_requests_are_refused(monkeypatch):
    monkeypatch.setattr(running_requests, "MOST_KEPT", 3)
    _, _, requests = made()
    for _ in range(3):
        requests.start(TEO, "env_list", {})
    with pytest.raises(UnreachableError, match="the limit"):
        requests.start(TEO, "env_list", {})
