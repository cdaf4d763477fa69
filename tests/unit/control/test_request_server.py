"""Control's socket under load, and who may use it."""

import asyncio
import os
import stat

import msgpack
import pytest
import zmq
import zmq.asyncio

from salt_o2.control import request_server
from salt_o2.control.request_server import RequestServer
from salt_o2.control.storage.run_store import RunStore
from salt_o2.control.storage.store import Store
from salt_o2.core.errors import InvalidRequestError

STEPS = (
    [("STANDBY", "DEPLOY", 0, 0)] * 200
    + [("STANDBY", "DEPLOY", done, 100) for done in range(101)]
    + [("STANDBY", "DEPLOY", 100, 100)] * 100
    + [("DEPLOYED", "CONFIGURE", 0, 0)] * 200
)
"""State, transition, and how many tasks of how many have done it, as an environment tells it step by step."""


class FakeDispatcher:
    """Answers "quick" at once, and everything else when the gate opens."""

    def __init__(self):
        self.gate = asyncio.Event()
        self.served = 0

    async def serve(self, verb, arguments, user, progress):
        if verb == "steps":
            for state, transition, done, total in STEPS:
                told = {"state": state, "transition": transition, "done": done, "total": total}
                progress({"environment": "E"} | told)
        elif verb != "quick":
            await self.gate.wait()
        self.served += 1
        return {"verb": verb, "user": user, **arguments}


@pytest.fixture
def perform(tmp_path):
    """Play a scene with a served dispatcher and a function that makes clients."""

    def play(scene):
        async def whole():
            dispatcher, path = FakeDispatcher(), tmp_path / "s.ipc"
            serving = asyncio.create_task(RequestServer(dispatcher, path).run())
            clients = []
            with zmq.asyncio.Context() as context:

                def client(**options):
                    clients.append(connected(context, path, **options))
                    return clients[-1]

                while not path.exists():
                    await asyncio.sleep(0.001)
                try:
                    async with asyncio.timeout(50):
                        await scene(dispatcher, client)
                finally:
                    serving.cancel()
                    await asyncio.gather(serving, return_exceptions=True)
                    for each in clients:
                        each.close(linger=0)

        asyncio.run(whole())

    return play


def connected(context, path, rcvhwm=0):
    client = context.socket(zmq.DEALER)
    client.linger, client.sndhwm, client.rcvhwm = 0, 0, rcvhwm
    client.connect(f"ipc://{path}")
    return client


async def ask(client, identity, verb="quick", **arguments):
    await client.send(msgpack.packb({"id": identity, "verb": verb, "arguments": arguments, "user": "u"}))


async def ends(client, count):
    """The last word about each of ``count`` requests, by id."""
    found = {}
    while len(found) < count:
        answer = msgpack.unpackb(await client.recv())
        if "result" in answer or "error" in answer:
            found[answer["id"]] = answer
    return found


def test_a_thousand_requests_at_once_are_all_answered(perform):
    async def scene(dispatcher, client):
        many = client()
        for number in range(1000):
            await ask(many, str(number), n=number)
        answers = await ends(many, 1000)
        assert {answer["result"]["n"] for answer in answers.values()} == set(range(1000))

    perform(scene)


def test_progress_is_sent_when_a_phase_begins_or_is_complete_and_else_rarely(perform, monkeypatch):
    monkeypatch.setattr(request_server, "PROGRESS_EVERY_S", 1e9)

    async def scene(_dispatcher, client):
        one = client()
        await ask(one, "1", verb="steps")
        heard = []
        while "result" not in (answer := msgpack.unpackb(await one.recv())):
            heard.append(answer["progress"])
        told = [(each["transition"], each["done"], each["total"]) for each in heard if each]
        assert told == [("DEPLOY", 0, 0), ("DEPLOY", 100, 100), ("CONFIGURE", 0, 0)]

    perform(scene)


def test_requests_beyond_the_limit_are_refused_and_the_others_continue(perform, monkeypatch):
    monkeypatch.setattr(request_server, "MOST_AT_ONCE", 10)

    async def scene(dispatcher, client):
        many = client()
        for number in range(15):
            await ask(many, str(number), "slow")
        refused = await ends(many, 5)
        assert set(refused) == {str(number) for number in range(10, 15)}
        assert all("which is the limit: try again" in each["error"]["message"] for each in refused.values())
        dispatcher.gate.set()
        assert all("result" in each for each in (await ends(many, 10)).values())
        await ask(many, "again")
        assert "result" in (await ends(many, 1))["again"]

    perform(scene)


def test_a_client_that_does_not_read_does_not_delay_the_others(perform):
    async def scene(dispatcher, client):
        lazy, keen = client(rcvhwm=1), client()
        for number in range(1500):
            await ask(lazy, str(number), text="x" * 1000)
        await ask(keen, "mine")
        assert "result" in (await ends(keen, 1))["mine"]
        while dispatcher.served < 1501:
            await asyncio.sleep(0.01)

    perform(scene)


@pytest.mark.parametrize("frame", [b"", b"\xc1", msgpack.packb([1]), b"x" * 100], ids=str)
def test_an_invalid_request_is_answered_with_the_form_of_requests(perform, frame):
    async def scene(dispatcher, client):
        one = client()
        await one.send(frame)
        while "error" not in (answer := msgpack.unpackb(await one.recv())):
            pass
        assert answer["error"]["kind"] == InvalidRequestError.__name__
        assert "msgpack map" in answer["error"]["message"]

    perform(scene)


def test_only_the_user_of_control_may_connect_to_its_socket(perform, tmp_path):
    async def scene(dispatcher, client):
        assert stat.S_IMODE((tmp_path / "s.ipc").stat().st_mode) == 0o600

    before = os.umask(0)
    os.umask(before)
    perform(scene)
    assert os.umask(before) == before


def test_only_its_user_may_read_the_store(tmp_path):
    file = tmp_path / "o2.sqlite"
    file.touch(mode=0o644)
    store = Store(f"sqlite:///{file}")
    RunStore(store).reserve_run()
    store.flush()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    store.close()
    assert set(modes.values()) == {0o600}
    assert "o2.sqlite-wal" in modes


@pytest.mark.finding("X18")
@pytest.mark.finding("A22")
@pytest.mark.parametrize(
    "many",
    [["x"] * 100_000, {str(number): 1 for number in range(100_000)}, [[[]] * 9_990] * 400],
    ids=["list", "map", "lists of lists"],
)
def test_a_request_with_more_entries_than_control_checks_in_its_loop_is_refused(perform, many):
    async def scene(_dispatcher, client):
        one = client()
        await ask(one, "1", exclude=many)
        answer = msgpack.unpackb(await one.recv())
        assert (answer["error"]["kind"], answer["id"]) == ("InvalidRequestError", "")
        assert len(answer["error"]["message"]) < 1_000
        await ask(one, "2")
        assert "result" in (await ends(one, 1))["2"]

    perform(scene)


@pytest.mark.finding("A10")
@pytest.mark.parametrize(("verb", "is_refused"), [("quick", True), ("config_set", False)])
def test_a_request_with_the_value_of_a_secret_entry_is_refused_after_a_pause(
    tmp_path, monkeypatch, caplog, verb, is_refused
):
    monkeypatch.setattr(request_server, "GUESS_PAUSE_S", 0.05)

    async def scene():
        dispatcher, path = FakeDispatcher(), tmp_path / "s.ipc"
        dispatcher.gate.set()
        server = RequestServer(dispatcher, path, has_secret=lambda given: "guess" in str(given))
        serving = asyncio.create_task(server.run())
        with zmq.asyncio.Context() as context:
            while not path.exists():
                await asyncio.sleep(0.001)
            client = connected(context, path)
            asked = {"id": "1", "verb": verb, "arguments": {"word": "guess"}, "user": "teo"}
            await client.send(msgpack.packb(asked))
            last = {}
            while not {"result", "error"} & last.keys():
                last = msgpack.unpackb(await client.recv())
            client.close(linger=0)
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
        assert ("error" in last) is is_refused
        assert dispatcher.served == (0 if is_refused else 1)

    asyncio.run(scene())
    assert ("'teo' sent the value of a secret entry" in caplog.text) is is_refused


@pytest.mark.finding("A3")
@pytest.mark.parametrize(
    ("answer", "is_large"),
    [
        ([], False),
        ({"a": [1] * 100}, False),
        ([{"a": 1}] * 1500, True),
        ({"roles": [{"roles": [{"roles": [1] * 3000}]}]}, True),
        ("x" * 1_000_000, True),
        ({"text": "x" * 1000}, False),
    ],
)
def test_a_large_answer_is_encoded_in_a_thread(answer, is_large):
    assert request_server._is_large(answer) is is_large
