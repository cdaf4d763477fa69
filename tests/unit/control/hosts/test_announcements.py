"""Announcements leave in their order: at once if somebody may act on them, else when there is time."""

import asyncio

import pytest

from salt_o2.control.hosts.outbound_queues import OutboundQueues
from salt_o2.core.messages.announcements import AnnouncePoolExit, AnnounceState
from salt_o2.core.states import EnvironmentState

NEVER_S = 20.0


class OpenBus:
    """Takes every announcement, and notes when."""

    def __init__(self):
        self.announced = []

    async def announce(self, news):
        self.announced.append((news, asyncio.get_running_loop().time()))


ROUTINE = AnnounceState(environment="E", state=EnvironmentState.CONFIGURED, run_number=None)
URGENT = AnnouncePoolExit(environment="pool", task="t", class_name="sink", host="flp1", reason="it died")


@pytest.mark.parametrize(
    ("news", "waits"),
    [([ROUTINE, ROUTINE], True), ([ROUTINE, URGENT], False), ([URGENT], False)],
    ids=["routine", "routine-before-urgent", "urgent"],
)
def test_only_routine_announcements_wait_and_the_order_stays(news, waits):
    async def scene():
        bus, begin = OpenBus(), asyncio.get_running_loop().time()
        outbox = OutboundQueues(bus, routine_waits_s=0.3 if waits else NEVER_S)
        sending = asyncio.create_task(outbox.run())
        for each in news:
            outbox.announce(each)
        async with asyncio.timeout(NEVER_S):
            while len(bus.announced) < len(news):
                await asyncio.sleep(0)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        return [each for each, _ in bus.announced], bus.announced[0][1] - begin

    announced, waited_s = asyncio.run(scene())
    assert announced == news
    assert waited_s >= 0.3 or not waits
