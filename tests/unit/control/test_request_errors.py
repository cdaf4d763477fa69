"""A request that makes no sense is the caller's fault; a defect of control is not, and arrives as one."""

import asyncio
from contextlib import suppress

import pytest

from salt_o2.client.control_client import ControlClient
from salt_o2.control.request_server import RequestServer
from salt_o2.core.errors import IllegalTransitionError, InvalidRequestError, O2Error, TemplateError
from tests.support.builders.repositories import repository
from tests.support.harness.control import control_harness


def asked(folder, scene):
    """Play ``scene`` with a real control behind its socket, and a function that asks it as a client does."""

    async def whole():
        async with control_harness(repository(folder), "flp1") as room:
            path = folder / "s.ipc"
            serving = asyncio.create_task(RequestServer(room.dispatcher, path).run())
            while not path.exists():
                await asyncio.sleep(0.001)

            async def ask(verb, arguments=None):
                with ControlClient(path) as client:
                    return await asyncio.to_thread(client.request, verb, arguments)

            try:
                async with asyncio.timeout(60):
                    await scene(room, ask)
            finally:
                serving.cancel()
                with suppress(asyncio.CancelledError):
                    await serving

    asyncio.run(whole())


@pytest.mark.parametrize("arguments", [[1], ["id"], 7, "id", {1: 2}, {"id": 7, 8: 9}], ids=str)
@pytest.mark.parametrize("verb", ["info", "env_show"])
def test_arguments_that_are_no_map_with_names_are_refused(tmp_path, verb, arguments):
    async def scene(room, _ask):
        with pytest.raises(InvalidRequestError, match=f"{verb}: arguments must be a map"):
            await room.dispatcher.serve(verb, arguments, "teo", lambda _progress: None)

    asked(tmp_path, scene)


@pytest.mark.parametrize("defect", [TypeError, KeyError, ValueError, AttributeError])
def test_a_defect_of_control_is_not_blamed_on_the_caller(tmp_path, defect):
    async def scene(room, ask):
        async def broken(*_):
            raise defect("x")

        kind, _ = room.dispatcher._verbs["info"]
        room.dispatcher._verbs["info"] = (kind, broken)
        with pytest.raises(O2Error, match="internal error of control") as caught:
            await ask("info")
        assert caught.type is O2Error

    asked(tmp_path, scene)


def test_an_illegal_transition_arrives_with_what_is_possible_instead(tmp_path):
    async def scene(_room, ask):
        env = await ask("env_create", {"workflow": "farm"})
        with pytest.raises(IllegalTransitionError) as caught:
            await ask("env_control", {"id": env["id"], "event": "STOP_ACTIVITY"})
        error = caught.value
        assert (error.state, error.event) == ("CONFIGURED", "STOP_ACTIVITY")
        assert env["id"] in error.subject
        assert "START_ACTIVITY" in error.allowed

    asked(tmp_path, scene)


def test_a_template_error_arrives_with_each_of_its_problems(tmp_path):
    async def scene(_room, ask):
        (tmp_path / "workflows" / "bad.yaml").write_text(
            "name: bad\nroles: [{name: a, colour: 1}, {nome: b}]\n"
        )
        with pytest.raises(TemplateError) as caught:
            await ask("env_create", {"workflow": "bad"})
        assert len(caught.value.problems) > 1
        assert "\n".join(caught.value.problems) == str(caught.value)

    asked(tmp_path, scene)
