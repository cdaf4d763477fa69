"""The client against a server in this process, over real connections."""

import asyncio
import contextlib
import os
import resource
import socket
from queue import SimpleQueue

import pytest

from salt_o2.core.errors import InvalidRequestError, TaskError, UnreachableError
from salt_o2.core.states import ControlMode, TaskState
from salt_o2.occ.channel import OccChannel
from salt_o2.occ.driver import wait_ready
from salt_o2.occ.server import OccServer
from salt_o2.occ.wire.codec import GET_STATE
from salt_o2.occ.wire.replies import DeviceEvent, DeviceState, Reply, ReplyTimeout, RpcRefused, Trigger

pytestmark = pytest.mark.integration

CODECS = ["OCC", "OCClite"]


class ServedProcess:
    """What is behind the server: a state, replies made to order, and a way to announce states."""

    def __init__(self):
        self.pid, self.answer, self.asked = 4242, None, []
        self.listeners = []
        self.release = SimpleQueue()

    def state(self):
        return DeviceState("IDLE", self.pid)

    def transition(self, asked):
        self.asked.append(asked)
        if self.answer == "hang":
            self.release.get()
        if isinstance(self.answer, Exception):
            raise self.answer
        return Reply(True, Trigger.EXECUTOR, "INITIALIZING DEVICE", asked.event)

    def subscribe(self, changes):
        self.listeners.append(changes)

    def unsubscribe(self, changes):
        self.listeners.remove(changes)

    def announce(self, *states):
        for changes in list(self.listeners):
            for state in states:
                changes.put(state)


@pytest.fixture(params=CODECS)
def codec(request):
    return request.param


@pytest.fixture
def process(codec):
    """A served process; its server is stopped at the end."""
    process = ServedProcess()
    process.server = OccServer(process, 0, codec)
    process.port = process.server.port
    process.server.start()
    yield process
    process.release.put(None)
    process.server.stop(0)


def spoken(process, codec, talk):
    """Run ``talk(channel)`` and return what it returns."""

    async def main():
        channel = OccChannel(process.port, codec)
        try:
            return await talk(channel)
        finally:
            await channel.close()

    return asyncio.run(main())


async def until(true):
    """Wait for a condition."""
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.005)


def test_the_state_is_asked_for(process, codec):
    assert spoken(process, codec, lambda channel: channel.get_state(5)) == DeviceState("IDLE", 4242)


def test_a_transition_carries_source_event_and_arguments_as_texts(process, codec):
    reply = spoken(process, codec, lambda channel: channel.transition("IDLE", "INIT DEVICE", {"n": 7}, 5))
    assert reply == Reply(True, Trigger.EXECUTOR, "INITIALIZING DEVICE", "INIT DEVICE")
    (asked,) = process.asked
    assert (asked.source, asked.event, asked.arguments) == ("IDLE", "INIT DEVICE", {"n": "7"})


def test_a_proxy_of_the_site_is_not_asked_for_the_loopback(process, codec, monkeypatch):
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert spoken(process, codec, lambda channel: channel.get_state(5)).state == "IDLE"


def test_a_call_that_is_never_answered_ends_at_its_deadline(process, codec):
    process.answer = "hang"
    with pytest.raises(ReplyTimeout, match=r"Transition.*not answered within 0.2 s"):
        spoken(process, codec, lambda channel: channel.transition("IDLE", "RUN", {}, 0.2))


@pytest.mark.parametrize("status", ["UNKNOWN", "FAILED_PRECONDITION", "INVALID_ARGUMENT"])
def test_a_refusal_has_grpcs_name_of_the_status(process, codec, status):
    process.answer = RpcRefused("state mismatch", status)
    with pytest.raises(RpcRefused) as refused:
        spoken(process, codec, lambda channel: channel.transition("READY", "RUN", {}, 5))
    hidden = codec == "OCClite" and status == "INVALID_ARGUMENT"
    assert refused.value.status == ("CANCELLED" if hidden else status)


def test_the_other_codec_is_recognised(process, codec):
    other = next(name for name in CODECS if name != codec)
    with pytest.raises(RpcRefused, match="other codec") as refused:
        spoken(process, other, lambda channel: channel.get_state(5))
    assert refused.value.status == "UNIMPLEMENTED"


def test_another_process_on_the_shared_port_is_noticed_in_every_answer(process, codec):
    async def talk(channel):
        await wait_ready(channel, ControlMode.FAIRMQ, lambda pid: pid == 4242, 5)
        process.pid = 4243
        await channel.get_state(5)

    with pytest.raises(UnreachableError, match=r"process 4243 answered .* instead of process 4242"):
        spoken(process, codec, talk)


def test_readiness_is_seen(process, codec):
    async def talk(channel):
        return await wait_ready(channel, ControlMode.FAIRMQ, lambda pid: pid == 4242, 5)

    assert spoken(process, codec, talk).state is TaskState.STANDBY


def test_the_end_of_the_device_is_a_null_event_and_the_end_of_the_stream(process, codec):
    async def talk(channel):
        reading = asyncio.create_task(_all(channel.events()))
        await until(lambda: process.listeners)
        process.announce("RUNNING", "READY", "EXITING")
        return await reading

    assert spoken(process, codec, talk) == [DeviceEvent.NULL]


def test_error_ends_the_events_in_good_order_under_occlite_only(process, codec):
    async def talk(channel):
        reading = asyncio.create_task(_all(channel.events()))
        await until(lambda: process.listeners)
        process.announce("ERROR")
        return await reading

    if codec == "OCClite":
        assert spoken(process, codec, talk) == [DeviceEvent.NULL]
    else:
        with pytest.raises(UnreachableError):
            spoken(process, codec, talk)


def test_a_cancelled_stream_leaves_nothing_in_the_server(process, codec):
    async def talk(channel):
        reading = asyncio.create_task(_all(channel.events()))
        await until(lambda: process.listeners)
        reading.cancel()
        await until(lambda: not process.listeners)

    spoken(process, codec, talk)


def test_more_streams_than_one_leave_room_for_calls(process, codec):
    async def talk(channel):
        reading = [asyncio.create_task(_all(channel.events())) for _ in range(20)]
        await until(lambda: len(process.listeners) == 20)
        state = await channel.get_state(5)
        process.announce("EXITING")
        return state.state, await asyncio.gather(*reading)

    state, events = spoken(process, codec, talk)
    assert (state, events) == ("IDLE", [[DeviceEvent.NULL]] * 20)


def test_states_come_one_by_one_under_occ_and_not_at_all_under_occlite(process, codec):
    async def talk(channel):
        reading = asyncio.create_task(_all(channel.states()))
        if codec == "OCClite":
            return await reading
        await until(lambda: process.listeners)
        process.announce("BINDING", "BOUND", "EXITING")
        return await reading

    if codec == "OCClite":
        with pytest.raises(InvalidRequestError, match="no StateStream"):
            spoken(process, codec, talk)
    else:
        assert spoken(process, codec, talk) == ["BINDING", "BOUND", "EXITING"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff"])
def test_a_malformed_question_is_cancelled_under_occlite(body):
    process = ServedProcess()
    process.server = OccServer(process, 0, "OCClite")
    process.port = process.server.port
    process.server.start()
    try:
        with pytest.raises(RpcRefused) as refused:
            spoken(process, "OCClite", lambda channel: channel.call(GET_STATE, body, 5))
        assert refused.value.status == "CANCELLED"
    finally:
        process.server.stop(0)


def test_an_unreadable_answer_is_an_error_that_shows_it(process, codec, monkeypatch):
    monkeypatch.setattr(process, "state", lambda: DeviceState("IDLE", 1))
    unreadable = b"\xff\xff" if codec == "OCC" else b"[]"

    async def talk(channel):
        async def answer(*_):
            return unreadable

        monkeypatch.setattr(channel, "call", answer)
        await channel.get_state(5)

    with pytest.raises(TaskError, match="cannot be read"):
        spoken(process, codec, talk)


def test_an_agent_with_thousands_of_open_files_still_finds_the_listener(process, codec):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    with contextlib.ExitStack() as files:
        for _ in range(1100):
            files.enter_context(open(os.devnull))  # noqa: PTH123
        assert spoken(process, codec, lambda channel: channel.listening())
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class TestPortWithoutAListener:
    """A port without a listener."""

    @pytest.fixture
    def port(self):
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            yield found.getsockname()[1]

    def test_a_port_without_a_listener_is_unreachable_and_not_overdue(self, port):
        async def talk():
            channel = OccChannel(port, "OCClite")
            try:
                assert not await channel.listening()
                await channel.get_state(5)
            finally:
                await channel.close()

        with pytest.raises(
            UnreachableError, match=f"no process answers GetState at 127.0.0.1:{port}"
        ) as error:
            asyncio.run(talk())
        assert not isinstance(error.value, ReplyTimeout)

    def test_the_event_stream_of_a_free_port_is_unreachable(self, port):
        async def talk():
            channel = OccChannel(port, "OCC")
            try:
                return [event async for event in channel.events()]
            finally:
                await channel.close()

        with pytest.raises(UnreachableError):
            asyncio.run(talk())


def test_a_port_of_another_process_is_refused():
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        with pytest.raises(OSError, match="cannot be opened"):
            OccServer(ServedProcess(), taken.getsockname()[1], "OCC")


def answers(address, port):
    try:
        socket.create_connection((address, port), 5).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.finding("1.6")
@pytest.mark.parametrize(
    ("addresses", "open_"),
    [
        ((), {"127.0.0.1"}),
        (("127.0.0.1",), {"127.0.0.1"}),
        (("127.0.0.3", "127.0.0.3"), {"127.0.0.1", "127.0.0.3"}),
        (("192.0.2.1",), {"127.0.0.1"}),  # an address that this machine does not have
        (("0.0.0.0",), {"127.0.0.1", "127.0.0.2", "127.0.0.3"}),
    ],
)
def test_a_device_listens_on_the_loopback_and_on_the_named_address(addresses, open_):
    server = OccServer(ServedProcess(), 0, "OCClite", addresses)
    server.start()
    try:
        addresses = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
        assert {address for address in addresses if answers(address, server.port)} == open_
    finally:
        server.stop(0)


async def _all(stream):
    return [item async for item in stream]
