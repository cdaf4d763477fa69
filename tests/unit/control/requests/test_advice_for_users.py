"""Refusals say what is in progress, and which name was probably meant."""

import asyncio

import pytest

from salt_o2.core.errors import IllegalTransitionError, InvalidRequestError
from tests.support.builders.repositories import repository
from tests.support.harness.control import control_harness, on_a_loop, until


@on_a_loop
async def test_start_during_configure_says_what_is_in_progress(tmp_path):
    async with control_harness(repository(tmp_path), "flp1") as room:
        room.hosts.deaf = {"flp1"}
        creating = asyncio.create_task(room.ask("env_create", workflow="farm", user="ana"))
        await until(lambda: any(each.environment.model.active for each in room.control.active.values()))
        (id,) = room.control.active
        with pytest.raises(InvalidRequestError, match=r"in transition DEPLOY, requested by ana"):
            await room.ask("env_control", id=id, event="START_ACTIVITY")
        creating.cancel()


@on_a_loop
async def test_an_event_that_the_state_does_not_allow_names_the_possible_ones(tmp_path):
    async with control_harness(repository(tmp_path)) as room:
        made = await room.ask("env_create", workflow="farm")
        with pytest.raises(IllegalTransitionError, match="possible now: START_ACTIVITY"):
            await room.ask("env_control", id=made["id"], event="STOP_ACTIVITY")


@pytest.mark.parametrize(
    ("wanted", "advice"),
    [
        ({"exclude": ["root.leaf00"]}, "root.leaf00 (did you mean root.leaf0?)"),
        ({"move": {"root.laef1": "flp1"}}, "root.laef1 (did you mean root.leaf1?)"),
        ({"exclude": ["rot"]}, "rot (did you mean root?)"),
    ],
)
@on_a_loop
async def test_an_unknown_role_gets_a_suggestion(tmp_path, wanted, advice):
    async with control_harness(repository(tmp_path)) as room:
        with pytest.raises(InvalidRequestError) as told:
            await room.ask("env_plan", workflow="farm", **wanted)
        assert advice in str(told.value)


@on_a_loop
async def test_an_unknown_role_to_include_gets_a_suggestion(tmp_path):
    async with control_harness(repository(tmp_path)) as room:
        made = await room.ask("env_create", workflow="farm")
        with pytest.raises(InvalidRequestError, match=r"root.laef0 \(did you mean root.leaf0\?\)"):
            await room.ask("env_modify", id=made["id"], include=["root.laef0"])


@on_a_loop
async def test_the_limit_of_a_history_counts_the_lines_that_are_shown(tmp_path):
    async with control_harness(repository(tmp_path)) as room:
        made = await room.ask("env_create", workflow="farm")
        shown = await room.ask("env_history", id=made["id"], limit=3, effects_only=True)
        assert len(shown) == 3
        assert {line["kind"] for line in shown}.isdisjoint({"TasksMoved", "CompleteRequest", "Tick"})
        every = await room.ask("env_history", id=made["id"], limit=3)
        assert every[-1]["kind"] == "CompleteRequest"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("configure_timeout_s", "soon", "it is 'soon', expected seconds: a number, more than 0"),
        ("configure_timeout_s", "-5", "it is '-5', expected seconds: a number, more than 0"),
        ("start_timeout_s", "0", "expected seconds: a number, more than 0"),
        ("stop_timeout_s", "nan", "it is 'nan', expected seconds"),
        ("exit_timeout_s", "inf", "it is 'inf', expected seconds"),
        ("recovery_restarts", "2.5", "it is '2.5', expected a number of restarts: a number, 0 or more"),
        ("recovery_backoff_s", "-1", "it is '-1', expected seconds: a number, 0 or more"),
        ("auto_stop_timeout", "10 minutes", "it is '10 minutes', expected a duration, as in 1m30s"),
    ],
)
@on_a_loop
async def test_a_variable_of_a_wrong_type_is_named_with_what_is_expected(tmp_path, name, value, expected):
    async with control_harness(repository(tmp_path)) as room:
        for verb in ("env_plan", "env_create"):
            with pytest.raises(InvalidRequestError) as told:
                await room.ask(verb, workflow="farm", vars={name: value})
            assert str(told.value).startswith(f"variable {name} is not valid: ")
            assert expected in str(told.value)
        assert room.control.active == {}


@on_a_loop
async def test_valid_times_are_accepted(tmp_path):
    async with control_harness(repository(tmp_path)) as room:
        given = {"configure_timeout_s": "2.5", "recovery_restarts": "0", "auto_stop_timeout": "1m30s"}
        made = await room.ask("env_create", workflow="farm", vars=given)
        assert made["state"] == "CONFIGURED"
        assert made["warnings"] == []


@pytest.mark.parametrize(
    ("verb", "wanted"),
    [("env_modify", {"drain_s": -1.0, "vars": {"rate": 2}}), ("pool_clean", {"idle_s": -1.0})],
)
@on_a_loop
async def test_negative_times_of_requests_are_refused(tmp_path, verb, wanted):
    async with control_harness(repository(tmp_path)) as room:
        made = await room.ask("env_create", workflow="farm")
        more = {"id": made["id"]} if verb == "env_modify" else {}
        with pytest.raises(InvalidRequestError, match=">= 0"):
            await room.ask(verb, **wanted, **more)
