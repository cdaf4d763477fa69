"""No answer of control shows a secret entry of the configuration; tasks get it."""

import asyncio
import json

import msgpack
import pytest
import zmq
import zmq.asyncio

from salt_o2.control.request_server import RequestServer
from salt_o2.core.access_roles import RUNNERS, AccessRole
from salt_o2.core.codec import plain
from salt_o2.core.errors import O2Error, as_document
from salt_o2.site.resources import MasterContext, configuration_of, open_resources
from salt_o2.site.settings import Site
from tests.support.harness.control import control_harness

PASSWORD = "correct horse battery"
ENTRIES = {"password": PASSWORD, "login": json.dumps({"password": PASSWORD}), "brokers": "b1:9092"}
WORKFLOW = """
name: farm
defaults: {secret: "{{ config.Get('kafka/password') }}", seen: "{{ config.Get('kafka/brokers') }}"}
vars: {again: "{{ config.GetLegacy('o2/components/kafka/ANY/any/password') }}"}
roles:
  - name: leaf
    vars: {deep: "{{ fromJSON(config.Get('kafka/login')).password }}"}
    task: {load: leaf}
"""
LEAF = """
name: leaf
control: {mode: fairmq}
wants: {cpu: 0, memory: 0}
properties: {password: "{{ secret }}", brokers: "{{ seen }}"}
command: {value: leaf, arguments: ["--password={{ deep }}"], env: ["PASSWORD={{ again }}"]}
"""
BROKEN = "name: broken\nroles: [{name: r, task: {load: \"{{ config.Get('kafka/password') }}\"}}]\n"


@pytest.fixture
def site(tmp_path):
    """A site with a secret that its templates put everywhere."""
    for name in ("workflows", "tasks", "store"):
        (tmp_path / name).mkdir()
    (tmp_path / "workflows/farm.yaml").write_text(WORKFLOW)
    (tmp_path / "workflows/broken.yaml").write_text(BROKEN)
    (tmp_path / "tasks/leaf.yaml").write_text(LEAF)
    settings = Site(
        repositories=(str(tmp_path),), secrets=("kafka/*/*/password", "kafka/*/*/login"), heartbeat_s=1e6
    )
    pillar = {"components": {"kafka": {"ANY": {"any": ENTRIES}}}}
    return open_resources(settings, MasterContext(pillar=lambda: pillar, cache=tmp_path / "cache"))


ARGUMENTS = {
    "config_show": [{"path": "kafka/password"}, {"path": "kafka/login", "simulate": True}],
    "config_list": [{"component": "kafka"}],
    "env_plan": [{"workflow": "farm"}, {"workflow": "broken"}, {"id": "ID", "vars": {"seen": "b2"}}],
    "workflow_check": [{"workflow": "farm"}, {"workflow": "broken"}],
    "workflow_expand": [{"workflow": "farm"}, {"workflow": "broken"}],
    "workflow_graph": [{"workflow": "farm"}],
    "workflow_generate": [{"workflow": "farm"}],
    "env_control": [{"id": "ID", "event": "START_ACTIVITY"}],
    "env_modify": [{"id": "ID", "vars": {"seen": "b2"}}],
    "env_create": [{"workflow": "farm"}, {"workflow": "broken"}],
    "env_repeat": [{"id": "ID"}],
    "run_show": [{"number": 1}],
    "env_list": [{"all": True}],
}
"""What is asked, where the ID of the environment, or nothing, does not do."""


async def asked(room, verb, arguments):
    """Return the answer to ``verb``, also if it is an error; ``None`` if control itself has no such verb."""
    if verb not in room.dispatcher._verbs:
        return None
    try:
        return plain(await room.ask(verb, **arguments))
    except O2Error as error:
        return as_document(error)


def arguments_of(room, verb, id_):
    if verb in ARGUMENTS:
        return [
            {name: id_ if value == "ID" else value for name, value in one.items()} for one in ARGUMENTS[verb]
        ]
    names = room.dispatcher._verbs[verb][0].__dataclass_fields__ if verb in room.dispatcher._verbs else ()
    return [{"id": id_} if "id" in names else {}]


@pytest.mark.finding("X29")
@pytest.mark.parametrize("role", AccessRole)
def test_no_role_sees_a_secret_in_any_answer(site, tmp_path, role):
    secrets = configuration_of(site).secrets

    async def scene():
        async with control_harness(tmp_path / "store", site=site) as room:
            made = plain(await room.ask("env_create", workflow="farm"))
            (launch,) = [order.launch for command in room.hosts.commands for order in command.orders][:1]
            assert f"--password={PASSWORD}" in launch.arguments, "the task needs it"
            answers = {}
            upto = list(AccessRole)[: list(AccessRole).index(role) + 1]
            for verb in sorted(name for each in upto for name in RUNNERS[each]):
                for arguments in arguments_of(room, verb, made["id"]):
                    answers[f"{verb} {arguments}"] = await asked(room, verb, arguments)
            return made, answers

    made, answers = asyncio.run(scene())
    leaks = {verb for verb, answer in answers.items() if PASSWORD in json.dumps(answer)}
    shown = {verb for verb, answer in answers.items() if PASSWORD in json.dumps(secrets.mask(answer))}
    assert shown == set()
    assert len(leaks) >= 4, f"without the mask these answers would show it: {leaks}"
    assert "b1:9092" in json.dumps(secrets.mask([made, answers])), "other configuration is shown"


@pytest.mark.finding("X29")
@pytest.mark.parametrize("entry", ["password", "login"])
@pytest.mark.parametrize("simulate", [False, True])
def test_a_secret_entry_itself_is_not_shown(site, tmp_path, entry, simulate):
    async def scene():
        async with control_harness(tmp_path / "store", site=site) as room:
            return await room.ask("config_show", path=f"kafka/{entry}", simulate=simulate)

    assert asyncio.run(scene()) == {"path": f"kafka/ANY/any/{entry}", "payload": "***"}


class FakeDispatcher:
    """Answers each verb with a secret: as a result, as an error, or as progress."""

    async def serve(self, verb, _arguments, _user, progress):
        if verb == "fail":
            raise O2Error(f"cannot log in with {PASSWORD}")
        if verb == "progress":
            for number in range(3):
                progress({"environment": PASSWORD, "state": number, "transition": "", "total": 1, "done": 1})
        return {"secret": PASSWORD, PASSWORD: [1]}


@pytest.mark.finding("X29")
@pytest.mark.parametrize("verb", ["show", "fail", "progress"])
def test_results_errors_and_progress_leave_control_masked(tmp_path, site, verb):
    secrets = configuration_of(site).secrets
    secrets.learn("kafka/password", PASSWORD)

    async def scene():
        path = tmp_path / "s.ipc"
        serving = asyncio.create_task(RequestServer(FakeDispatcher(), path, secrets.mask).run())
        with zmq.asyncio.Context() as context, context.socket(zmq.DEALER) as client:
            client.linger = 0
            client.connect(f"ipc://{path}")
            await client.send(msgpack.packb({"id": "1", "verb": verb}))
            frames = []
            async with asyncio.timeout(30):
                while not frames or not {"result", "error"} & set(msgpack.unpackb(frames[-1])):
                    frames.append(await client.recv())
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        return frames

    frames = asyncio.run(scene())
    assert not [frame for frame in frames if PASSWORD.encode() in frame]
    assert b"***" in frames[-1]
