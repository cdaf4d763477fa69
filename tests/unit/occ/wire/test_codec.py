"""The bytes of the control channel."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.core.errors import InvalidRequestError
from salt_o2.occ.wire import occ_pb2
from salt_o2.occ.wire.codec import Lite, Protobuf, codec_named
from salt_o2.occ.wire.replies import DeviceEvent, DeviceState, Reply, Trigger
from salt_o2.occ.wire.server_codec import ServerLiteCodec, ServerProtobufCodec

WORD = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "Zs"]), max_size=20)
"""What a device calls a state or an event. Other characters are read as escapes."""
PAIRS = [
    pytest.param(Lite(), ServerLiteCodec(), id="OCClite"),
    pytest.param(Protobuf(), ServerProtobufCodec(), id="OCC"),
]
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@given(source=TEXT, event=TEXT, arguments=st.dictionaries(TEXT, TEXT, max_size=5))
def test_the_other_side_reads_the_transition_that_was_written(ours, theirs, source, event, arguments):
    asked = theirs.asked(ours.order(source, event, arguments))
    assert (asked.source, asked.event, asked.arguments) == (source, event, arguments)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@given(ok=st.booleans(), trigger=st.sampled_from(Trigger), state=WORD, event=WORD)
def test_the_reply_that_was_written_is_read(ours, theirs, ok, trigger, state, event):
    reply = Reply(ok, trigger, state, event)
    assert ours.reply(theirs.put_reply(reply)) == reply


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@given(state=WORD, pid=st.integers(0, 2**22))
def test_the_state_that_was_written_is_read(ours, theirs, state, pid):
    assert ours.state(theirs.put_state(DeviceState(state, pid))) == DeviceState(state, pid)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@pytest.mark.parametrize("event", list(DeviceEvent), ids=lambda event: event.name)
def test_every_event_that_was_written_is_read(ours, theirs, event):
    assert ours.event(theirs.put_event(event)) is event


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@pytest.mark.parametrize("value", [7, 1.5, True, False, None, "x"], ids=repr)
def test_every_value_is_forced_to_text_because_a_number_kills_the_device(ours, theirs, value):
    arguments = theirs.asked(ours.order("IDLE", "INIT DEVICE", {"key": value})).arguments
    assert isinstance(arguments["key"], str)


def test_truth_values_are_written_as_the_plugins_read_them():
    body = json.loads(Lite().order("IDLE", "INIT DEVICE", {"chans.data.0.autoBind": False}))
    assert body["arguments"] == [{"key": "chans.data.0.autoBind", "value": "0"}]


def test_the_source_state_is_always_sent_because_its_absence_kills_the_device():
    assert json.loads(Lite().order("", "END", {}))["srcState"] == ""


def test_an_empty_question_is_an_object_because_an_empty_body_is_cancelled():
    assert Lite().ask() == b"{}"


def test_method_names_are_bare_under_occlite_and_full_under_occ():
    assert (Lite().path("GetState"), Protobuf().path("GetState")) == ("GetState", "/occ_pb.Occ/GetState")


def test_the_replies_of_the_reference_devices_are_read():
    body = b'{"trigger":0,"state":"INITIALIZING DEVICE","transitionEvent":"INIT DEVICE","ok":true}'
    assert Lite().reply(body) == Reply(True, Trigger.EXECUTOR, "INITIALIZING DEVICE", "INIT DEVICE")
    assert Lite().state(b'{"state":"IDLE","pid":1234}') == DeviceState("IDLE", 1234)


def test_the_protobuf_numbers_are_those_of_the_interface():
    reply = occ_pb2.TransitionReply(trigger=2, state="S", transitionEvent="E", ok=True)
    assert reply.SerializeToString() == b"\x08\x02\x12\x01S\x1a\x01E\x20\x01"
    entry = occ_pb2.TransitionRequest(srcState="a", transitionEvent="b")
    entry.arguments.add(key="k", value="v")
    assert entry.SerializeToString() == b"\x0a\x01a\x12\x01b\x1a\x06\x0a\x01k\x12\x01v"


def test_the_protobuf_service_has_its_four_methods():
    service = occ_pb2.DESCRIPTOR.services_by_name["Occ"]
    assert service.full_name == "occ_pb.Occ"
    assert [method.name for method in service.methods] == [
        "EventStream",
        "StateStream",
        "GetState",
        "Transition",
    ]


@pytest.mark.parametrize(("passing", "kind"), [(True, occ_pb2.STATE_INTERMEDIATE), (False, 0)])
def test_passing_states_are_marked_as_intermediate(passing, kind):
    message = occ_pb2.StateStreamReply.FromString(ServerProtobufCodec().put_moved("BINDING", passing))
    assert (message.type, message.state) == (kind, "BINDING")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"transitionEvent":"END"}',
        b'{"srcState":"IDLE"}',
        b'{"srcState":1,"transitionEvent":"END"}',
        b'{"srcState":"IDLE","transitionEvent":"END","arguments":[{"key":"k","value":7}]}',
        b'{"srcState":"IDLE","transitionEvent":"END","arguments":["k"]}',
        b'{"srcState":"IDLE","transitionEvent":"END","arguments":"k"}',
    ],
)
def test_a_message_that_would_crash_a_plugin_is_refused(body):
    with pytest.raises(InvalidRequestError):
        ServerLiteCodec().asked(body)


@given(st.binary(max_size=60))
def test_no_bytes_crash_the_reader_of_requests(body):
    for served in (ServerLiteCodec(), ServerProtobufCodec()):
        with contextlib.suppress(InvalidRequestError):
            served.asked(body)


def test_arguments_may_be_null_or_absent():
    for body in (
        b'{"srcState":"a","transitionEvent":"b","arguments":null}',
        b'{"srcState":"a","transitionEvent":"b"}',
    ):
        assert ServerLiteCodec().asked(body).arguments == {}


def test_an_unknown_codec_is_refused_with_the_known_codecs():
    with pytest.raises(InvalidRequestError, match=r"OCCheavy.*OCC or OCClite"):
        codec_named("OCCheavy")


@pytest.mark.finding("X7")
@pytest.mark.finding("X11")
@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_a_word_of_a_device_is_one_short_line_without_commands_to_a_terminal(ours, theirs):
    long = "READY\n2026-11-30 [CRITICAL] FORGED\x1b[31m\x9b" + "A" * 4_000_000
    for found in (
        ours.state(theirs.put_state(DeviceState(long, 1))).state,
        ours.reply(theirs.put_reply(Reply(True, Trigger.EXECUTOR, long, ""))).state,
    ):
        assert len(found) < 500
        assert found.isprintable()
