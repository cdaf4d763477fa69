"""What becomes of pushed arguments, and of the channels among them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salt_o2.core.errors import InvalidRequestError
from salt_o2.device.properties import Properties, tree
from salt_o2.device.transport.endpoint import endpoints
from salt_o2.occ.wire import arguments as pushed

PUSH = {"chans.d.0.type": "push", "chans.d.0.method": "bind", "chans.d.0.address": "tcp://*:5555"}


@pytest.mark.parametrize(
    ("key", "value", "becomes"),
    [
        ("chans.d.0.rateLogging", "7", 7),
        ("chans.d.0.sndBufSize", "-1", -1),
        ("anything.linger", "5", 5),
        ("chans.d.0.autoBind", "1", True),
        ("chans.d.0.autoBind", "0", False),
        ("chans.d.numSockets", "1", "1"),
        ("runNumber", "42", "42"),
        ("chans.d.0.sndTimeoutMs", "9", "9"),
        ("__ptree__:json:qc", '{"a": {"b": "1"}}', None),
    ],
)
def test_a_pushed_value_is_a_text_except_for_some_settings_of_channels(key, value, becomes):
    properties = Properties()
    properties.push({key: value})
    if becomes is None:
        assert properties == {"qc": {"a": {"b": "1"}}}
    else:
        assert properties[key] == becomes
        assert type(properties[key]) is type(becomes)


@pytest.mark.parametrize("bad", [{"x.rateLogging": ""}, {"x.autoBind": "yes"}, {"__ptree__:json:q": "{"}])
def test_a_pushed_value_that_cannot_be_converted_is_refused(bad):
    with pytest.raises(InvalidRequestError):
        Properties().push(bad)


PARTS = st.sampled_from(sorted({*pushed.INTEGERS, *pushed.BOOLEANS, *pushed.NEVER_PUSHED}))
KEYS = st.one_of(
    st.text(max_size=12),
    PARTS.map("chans.data.0.{}".format),
    st.sampled_from(["json", "ini", "xml", "yaml"]).map("__ptree__:{}:q".format),
)
VALUES = st.text(max_size=12) | st.sampled_from(["0", "1", "-1", "yes", "{}", "[a]\nb=1", "<a/>", "<a>"])


@given(st.dictionaries(KEYS, VALUES))
def test_no_pushed_arguments_crash_the_properties(arguments):
    properties = Properties()
    try:
        properties.push(arguments)
    except InvalidRequestError:
        return
    assert len(properties) <= len(arguments)


def test_a_number_that_was_pushed_as_a_text_is_refused_as_in_a_c_plus_plus_device():
    properties = Properties({"max-iterations": 5})
    assert properties.number("max-iterations", 0) == 5
    properties.push({"max-iterations": "5"})
    with pytest.raises(InvalidRequestError, match="command line"):
        properties.number("max-iterations", 0)


@pytest.mark.parametrize(
    ("kind", "text"),
    [("json", '{"a": {"b": "1"}}'), ("ini", "[a]\nb = 1\n"), ("xml", "<a><b>1</b></a>")],
)
def test_a_tree_is_read_from_json_ini_and_xml(kind, text):
    assert tree(kind, text) == {"a": {"b": "1"}}


@pytest.mark.parametrize(("kind", "text"), [("yaml", "a: 1"), ("json", "{"), ("ini", "b=1"), ("xml", "<a>")])
def test_a_tree_that_cannot_be_read_is_refused(kind, text):
    with pytest.raises(InvalidRequestError):
        tree(kind, text)


class TestEndpoints:
    """Sockets out of properties."""

    def test_a_channel_has_as_many_sockets_as_types(self):
        more = {"chans.d.1.type": "push", "chans.d.1.method": "connect", "chans.d.1.address": "ipc://@x"}
        found = endpoints(PUSH | more, "zeromq")
        assert [(end.name, end.index, end.method) for end in found] == [("d", 0, "bind"), ("d", 1, "connect")]

    def test_unset_properties_of_a_channel_have_fairmqs_defaults(self):
        (end,) = endpoints(PUSH, "zeromq")
        assert (end.snd_buf_size, end.rcv_buf_size, end.linger, end.rate_logging) == (1000, 1000, 500, 1)
        assert (end.auto_bind, end.port_range_min, end.port_range_max) == (True, 22000, 23000)

    def test_settings_that_were_pushed_arrive(self):
        properties = Properties(PUSH)
        properties.push({"chans.d.0.sndBufSize": "7", "chans.d.0.autoBind": "0", "chans.d.numSockets": "1"})
        (end,) = endpoints(properties, "default")
        assert (end.snd_buf_size, end.auto_bind) == (7, False)

    @pytest.mark.parametrize(
        ("address", "found"),
        [
            ("tcp://*:1", [("tcp://*:1", True)]),
            ("tcp://a:1,ipc://@x", [("tcp://a:1", True), ("ipc://@x", True)]),
            ("@tcp://*:1,+tcp://b:2", [("tcp://*:1", True), ("tcp://b:2", False)]),
            (">ipc:///tmp/x", [("ipc:///tmp/x", False)]),
            ("ipc://@name", [("ipc://@name", True)]),
        ],
    )
    def test_addresses_may_be_several_and_say_how_to_attach(self, address, found):
        (end,) = endpoints(PUSH | {"chans.d.0.address": address}, "zeromq")
        assert end.addresses == found

    def test_no_address_to_bind_means_any_port_of_the_range(self):
        properties = {"chans.d.0.type": "push", "chans.d.0.method": "bind"}
        (end,) = endpoints(properties, "zeromq")
        assert end.addresses == [("tcp://*:22000", True)]

    @pytest.mark.parametrize(
        ("key", "value", "complaint"),
        [
            ("chans.d.0.type", "pigeon", "pigeon"),
            ("chans.d.0.method", "unspecified", "bind or connect"),
            ("chans.d.0.address", "tcp://nowhere", "incomplete"),
            ("chans.d.0.address", "ipc://", "incomplete"),
            ("chans.d.0.address", "nowhere:1", "must begin with"),
            ("chans.d.0.transport", "shmem", "shmem"),
            ("chans.d.0.transport", "ofi", "ofi"),
            ("chans.d.0.sndBufSize", -1, "negative"),
            ("chans.d.0.sndTimeoutMs", "100", "--channel-config"),
        ],
    )
    def test_invalid_properties_of_a_channel_are_refused_with_the_reason(self, key, value, complaint):
        with pytest.raises(InvalidRequestError, match=complaint):
            endpoints(PUSH | {key: value}, "zeromq")

    def test_a_name_that_fairmq_would_not_take_is_refused(self):
        with pytest.raises(InvalidRequestError, match="a b"):
            endpoints({key.replace(".d.", ".a b."): value for key, value in PUSH.items()}, "zeromq")

    @pytest.mark.parametrize("transport", ["shmem", "pigeon"])
    def test_a_device_wide_transport_that_there_is_not_is_refused(self, transport):
        with pytest.raises(InvalidRequestError, match=transport):
            endpoints({}, transport)
