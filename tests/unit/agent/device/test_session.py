"""What an agent remembers of where a device is, and when it does not rely on it any more."""

import asyncio

import pytest

from salt_o2.agent.device.polling_budget import PollingBudget
from salt_o2.agent.device.session import DeviceSession
from salt_o2.core.errors import UnreachableError
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode, TaskEvent
from salt_o2.occ.wire.codec import codec_named
from tests.support.fakes.devices import FakeDevice


class Telling(FakeDevice):
    """A device that tells of its moves, as far as its codec does."""

    def __init__(self, codec):
        super().__init__("READY")
        self.codec = codec_named(codec)
        self.moved = asyncio.Event()

    async def states(self):
        await self.moved.wait()
        yield "ERROR"
        await asyncio.Event().wait()

    async def events(self):
        await self.moved.wait()
        raise UnreachableError("the stream is over")
        yield

    async def close(self):
        """Nothing is open."""


@pytest.mark.parametrize("codec", ["OCC", "OCClite"])
def test_a_device_that_announces_a_transition_is_polled_before_the_next_step(codec):
    async def scene():
        device = DeviceSession(
            Launch(mode=ControlMode.FAIRMQ, value="device", codec=codec, control_port=31000), PollingBudget()
        )
        device.channel = told = Telling(codec)
        looked = asyncio.Event()
        await device.fire(TaskEvent.START, {}, 5.0)
        device.watch(looked.set, lambda _word: None, lambda: True)
        told.state = "ERROR"
        told.moved.set()
        await asyncio.wait_for(looked.wait(), 10)
        outcome = await device.fire(TaskEvent.STOP, {}, 5.0)
        await device.close()
        return told, outcome

    told, outcome = asyncio.run(scene())
    assert (told.sent, told.illegal) == (["RUN"], []), "nothing is sent to a device in ERROR"
    assert outcome.device_state == "ERROR"
