"""What control publishes and an agent reads: one message that is wrong takes no other with it."""

import asyncio
import os

import pytest

from salt_o2.bus import envelope
from salt_o2.bus.control_link import ControlLink
from salt_o2.bus.host_link import HostLink
from salt_o2.bus.master import MasterBus
from salt_o2.bus.minion import Listener, MinionBus
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages.commands import Command, Order, SurveyRequest
from salt_o2.core.states import TaskState
from tests.support.harness.sign_in import Site, sign_in


def command(host, revision=1, **more):
    return Command(
        host=HostId(host),
        environment=EnvironmentId("E"),
        revision=revision,
        goal=TaskState.STANDBY,
        orders=(Order(task=TaskId("readout")),),
        **more,
    )


class Channel:
    """A publish channel that keeps what it is given, and takes nothing for one host."""

    def __init__(self, refused=""):
        self.refused, self.loads = refused, []

    async def publish(self, load):
        if envelope.TARGET + self.refused in load["tgt"]:
            raise OSError("the channel is closed")
        self.loads.append(load)


class Hosts:
    """Control's bus, and those of the agents on three hosts, which have signed in."""

    def __init__(self, channel):
        site = Site(hosts=("flp1", "flp2", "flp3"))
        control = site.control()
        self.channel, self.bus = channel, MasterBus({})
        self.bus._channel, self.bus._link = channel, HostLink(control)
        self.sessions = {host: site.agent(host) for host in site.hosts}
        for session in self.sessions.values():
            sign_in(session, control)

    def heard_on(self, host):
        """What the agent on ``host`` hears of all that was published."""
        heard, agent = [], MinionBus({"id": host})
        agent._link = ControlLink(self.sessions[host])
        agent._listener = listener(heard)

        async def receive():
            for load in self.channel.loads:
                await agent._receive({"load": load})

        asyncio.run(receive())
        return heard


def listener(heard):
    async def hear(message):
        heard.append(message)

    async def nothing(*_):
        raise AssertionError("nothing else happens here")

    return Listener(
        incarnation="1", on_message=hear, on_question=nothing, signed_in=nothing, established=nothing
    )


def test_a_publication_that_fails_keeps_the_others_from_nothing():
    big = {"notes": os.urandom(envelope.BROADCAST_BELOW).hex()}
    commands = [command(host, arguments=big) for host in ("flp1", "flp2", "flp3")]
    hosts = Hosts(Channel(refused="flp2"))
    with pytest.raises(OSError, match="closed"):
        asyncio.run(hosts.bus.send(commands))
    assert [hosts.heard_on(host) for host in hosts.sessions] == [[commands[0]], [], [commands[2]]]


def test_a_command_that_cannot_be_packed_keeps_the_others_from_nothing():
    bad, good = command("flp1", revision=2**64), [command("flp1"), command("flp2")]
    hosts = Hosts(Channel())
    with pytest.raises(OverflowError):
        asyncio.run(hosts.bus.send([bad, *good]))
    assert [hosts.heard_on(host) for host in hosts.sessions] == [[good[0]], [good[1]], []]


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param({"sealed": bytes(40)}, id="not-sealed"),
        pytest.param({"gossip": b""}, id="unknown-kind"),
        pytest.param({"welcome": b"x"}, id="no-welcome"),
        pytest.param({"sealed": "text"}, id="text-sealed"),
        pytest.param("text", id="text"),
        pytest.param(None, id="nothing"),
    ],
)
def test_an_unreadable_message_does_not_affect_the_others(bad):
    first, last = SurveyRequest(host=HostId("flp1")), command("flp1")
    hosts = Hosts(Channel())
    bodies = [*hosts.bus._link.seal(first), bad, *hosts.bus._link.seal(last)]
    hosts.channel.loads.append(envelope.publication({"flp1": bodies}))
    assert hosts.heard_on("flp1") == [first, last]


def test_a_sealed_message_that_is_neither_command_nor_inquiry_is_ignored():
    hosts = Hosts(Channel())
    for content in (
        {"kind": "Gossip", "message": {}},
        {"message": {}},
        ["x"],
        {"kind": "Command", "message": {}},
    ):
        sealed = hosts.bus._link._sessions.seal(HostId("flp1"), envelope.wrap(content))
        hosts.channel.loads.append(envelope.publication({"flp1": [{"sealed": sealed}]}))
    assert hosts.heard_on("flp1") == []
