"""Announcements leave in their order: at once if a rule may act on them, else when there is time."""

import asyncio

import pytest

from salt_o2.control.hosts.outbound_queues import OutboundQueues
from salt_o2.core.messages.announcements import AnnounceFailure, AnnouncePoolExit, AnnounceState
from salt_o2.core.messages.reports import Failure
from salt_o2.core.states import EnvironmentState, TaskState
from salt_o2.site.configuration.secret_entries import SecretEntries

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


FAILURE = AnnounceFailure(
    environment="E",
    task="t",
    path="root.sink",
    host="flp1",
    state=TaskState.ERROR,
    critical=True,
    recovery="restart",
    failure=Failure(
        asked="START", state="READY", reason="login with hunter22 failed", output=("hunter22", "bye")
    ),
)


@pytest.mark.finding("X29")
@pytest.mark.parametrize("news", [ROUTINE, URGENT, FAILURE], ids=["state", "pool", "failure"])
def test_no_announcement_has_a_secret_of_the_configuration(news):
    """A client of Salt's event bus, such as salt-api, is no administrator."""
    secrets = SecretEntries(["kafka"])
    secrets.learn("kafka/ANY/any/password", "hunter22")

    async def scene():
        bus = OpenBus()
        outbox = OutboundQueues(bus, mask=secrets.mask)
        sending = asyncio.create_task(outbox.run())
        outbox.announce(news)
        async with asyncio.timeout(NEVER_S):
            while not bus.announced:
                await asyncio.sleep(0)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        return bus.announced[0][0]

    shown = asyncio.run(scene())
    assert type(shown) is type(news)
    assert "hunter22" not in str(shown)
    assert shown == news or shown.failure.output == ("***", "bye")
