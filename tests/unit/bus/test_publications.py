"""What control publishes and an agent reads: one message that is wrong takes no other with it."""

import asyncio

import pytest

from salt_o2.bus import envelope, minion
from salt_o2.bus.master import MasterBus
from salt_o2.core.codec import plain
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages import Command, Inquiry, Order
from salt_o2.core.states import TaskState


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


def read(channel, host):
    return [message for load in channel.loads for message in minion._read(load, host)]


def bus(channel):
    made = MasterBus({})
    made._channel = channel
    return made


def test_a_publication_that_fails_keeps_the_others_from_nothing():
    big = {"notes": "x" * envelope.BROADCAST_BELOW}
    commands = [command(host, arguments=big) for host in ("flp1", "flp2", "flp3")]
    channel = Channel(refused="flp2")
    with pytest.raises(OSError, match="closed"):
        asyncio.run(bus(channel).send(commands))
    assert [read(channel, host) for host in ("flp1", "flp2", "flp3")] == [[commands[0]], [], [commands[2]]]


def test_a_command_that_cannot_be_packed_keeps_the_others_from_nothing():
    bad, good = command("flp1", revision=2**64), [command("flp1"), command("flp2")]
    channel = Channel()
    with pytest.raises(OverflowError):
        asyncio.run(bus(channel).send([bad, *good]))
    assert [read(channel, host) for host in ("flp1", "flp2")] == [[good[0]], [good[1]]]


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param({"kind": "Command", "message": {"host": "flp1"}}, id="fields-missing"),
        pytest.param({"kind": "Gossip", "message": {}}, id="unknown-kind"),
        pytest.param({"message": {}}, id="no-kind"),
        pytest.param("text", id="text"),
        pytest.param(None, id="nothing"),
    ],
)
def test_a_message_that_cannot_be_read_keeps_those_beside_it_from_nothing(bad):
    first, last = Inquiry(host=HostId("flp1")), command("flp1")
    bodies = [{"kind": type(each).__name__, "message": plain(each)} for each in (first, last)]
    assert minion._read(envelope.seal({"flp1": [bodies[0], bad, bodies[1]]}), "flp1") == [first, last]
