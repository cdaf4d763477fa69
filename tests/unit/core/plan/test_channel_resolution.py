"""Channels as FairMQ's properties, and the peers they find."""

import pytest

from salt_o2.core.errors import PlanError
from salt_o2.core.plan.channel_properties import bound_properties, connected_properties
from salt_o2.core.plan.channel_resolution import ChannelResolver, names_of, unmatched
from salt_o2.core.plan.channels import BoundChannel, ConnectedChannel


def bound(name="data", **other):
    return BoundChannel(name=name, type="push", **other)


def connected(target, **other):
    return ConnectedChannel(name="in", type="pull", target=target, **other)


@pytest.fixture
def wiring():
    """A sampler on flp1 that binds a port, a socket, a fixed address, and a channel with a global name."""
    made = ChannelResolver()
    made.add("root.sampler", "flp1", "10.0.0.1", bound(transport="shmem"), 9000, "T0-0")
    made.add("root.sampler", "flp1", "10.0.0.1", bound("local", addressing="ipc"), None, "T0-1")
    made.add("root.sampler", "flp1", "10.0.0.1", bound("fixed", target="tcp://*:5555"), None, "T0-2")
    made.add("root.sampler", "flp1", "10.0.0.1", bound("known", alias="everywhere"), 9001, "T0-3")
    return made


def test_a_bound_channel_has_exactly_fairmqs_properties():
    channel = BoundChannel(name="data", type="pub", send_buffer="1", receive_buffer="2", rate_logging="3")
    assert bound_properties(ChannelResolver().add("r", "h", "10.0.0.1", channel, 9000, "x")) == {
        "chans.data.numSockets": "1",
        "chans.data.0.address": "tcp://*:9000",
        "chans.data.0.method": "bind",
        "chans.data.0.type": "pub",
        "chans.data.0.transport": "default",
        "chans.data.0.rateLogging": "3",
        "chans.data.0.rcvBufSize": "2",
        "chans.data.0.sndBufSize": "1",
        "chans.data.0.rcvKernelSize": "0",
        "chans.data.0.sndKernelSize": "0",
        "chans.data.0.autoBind": "0",
    }


def test_a_connected_channel_has_the_same_without_auto_bind_and_its_peers_transport(wiring):
    channel = connected("root.sampler:data", transport="zeromq")
    found = connected_properties(channel, wiring.peer("root.sink", "flp2", channel))
    assert found["chans.in.0.address"] == "tcp://10.0.0.1:9000"
    assert found["chans.in.0.method"] == "connect"
    assert found["chans.in.0.transport"] == "shmem"
    assert "chans.in.0.autoBind" not in found
    assert len(found) == 10
    assert all(isinstance(value, str) for value in found.values())


@pytest.mark.parametrize(
    ("target", "host", "address"),
    [
        ("root.sampler:data", "flp1", "tcp://10.0.0.1:9000"),
        ("root.sampler:data", "flp2", "tcp://10.0.0.1:9000"),
        ("root.sampler:local", "flp1", "ipc://@o2ipc-T0-1"),
        ("root.sampler:fixed", "flp2", "tcp://10.0.0.1:5555"),
        ("::everywhere", "flp2", "tcp://10.0.0.1:9001"),
        ("root.sampler:known", "flp2", "tcp://10.0.0.1:9001"),
        ("tcp://other:1", "flp2", "tcp://other:1"),
        ("ipc:///tmp/x", "flp2", "ipc:///tmp/x"),
    ],
)
def test_a_target_leads_to_an_address(wiring, target, host, address):
    channel = connected(target)
    found = connected_properties(channel, wiring.peer("root.sink", host, channel))
    assert found["chans.in.0.address"] == address


def test_a_socket_reaches_no_other_host(wiring):
    with pytest.raises(
        PlanError, match=r"root\.sink: channel in is on flp2.*is on flp1 and binds ipc.*use tcp"
    ):
        wiring.peer("root.sink", "flp2", connected("root.sampler:local"))


def test_an_unbound_target_is_refused_with_the_nearest_name(wiring):
    with pytest.raises(
        PlanError, match=r"nothing binds root\.sampler:dat \(did you mean root\.sampler:data\?\)"
    ):
        wiring.peer("root.sink", "flp2", connected("root.sampler:dat"))


def test_a_global_name_belongs_to_one_channel(wiring):
    with pytest.raises(
        PlanError, match=r"root\.b: channel data is global everywhere, and so is one of root\.sampler"
    ):
        wiring.add("root.b", "flp2", "10.0.0.2", bound(alias="everywhere"), 9000, "T1-0")


@pytest.mark.parametrize("address", ["fe80::1", "::1", "2001:db8::7"])
def test_an_address_of_ip_version_6_is_refused_as_no_device_listens_there(address):
    with pytest.raises(PlanError, match=r"r: channel data on h: tcp://.* is an IPv6 address.*o2:address"):
        ChannelResolver().add("r", "h", address, bound(), 9000, "x")
    with pytest.raises(PlanError, match="IPv6"):
        ChannelResolver().add("r", "h", address, bound(target="tcp://*:5000"), None, "x")
    with pytest.raises(PlanError, match=r"r: channel in: tcp://\[.*IPv6"):
        ChannelResolver().peer("r", "h", connected(f"tcp://[{address}]:5000"))
    assert (
        ChannelResolver()
        .add("r", "h", address, bound(addressing="ipc"), None, "x")
        .address.startswith("ipc://")
    )


def test_a_bound_ipc_address_is_used_unchanged():
    endpoint = ChannelResolver().add("r", "h", "10.0.0.1", bound(target="ipc:///tmp/x"), None, "x")
    assert (endpoint.bind_address, endpoint.address) == ("ipc:///tmp/x", "ipc:///tmp/x")


@pytest.mark.parametrize(
    ("channel", "needs", "fixed"),
    [
        (bound(), True, None),
        (bound(addressing="ipc"), False, None),
        (bound(target="tcp://*:5555"), False, 5555),
        (bound(target="ipc:///tmp/a:1"), False, None),
        (bound(target="tcp://eth0:*"), False, None),
    ],
    ids=["tcp", "ipc", "fixed-tcp", "fixed-ipc", "no-number"],
)
def test_a_channel_needs_a_port_or_fixes_one_by_its_target(channel, needs, fixed):
    assert (channel.needs_port, channel.fixed_port) == (needs, fixed)


def test_a_channel_is_asked_for_by_path_and_by_global_name():
    assert names_of("a.b", bound(alias="g")) == ("a.b:data", "::g")
    assert names_of("a.b", bound()) == ("a.b:data",)


def test_advice_names_only_similar_channels():
    assert unmatched("zzzzzz", ["root.sampler:data"]) == "nothing binds zzzzzz"
