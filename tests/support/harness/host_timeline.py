"""Control with fake hosts in a time that the test moves: hosts fall silent, are probed, lost and return."""

import asyncio

from salt_o2.core.messages.announcements import AnnounceHost
from tests.support.builders.repositories import repository
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.probe import FakeProbe
from tests.support.harness.control import control_harness

HEARTBEAT_S = 4.0


async def until(found):
    """Wait for what other parts of control do about it, some of them in threads."""
    async with asyncio.timeout(30):
        while not found():
            await asyncio.sleep(0.01)


class HostTimeline:
    """Control with fake hosts in a time that the test moves."""

    def __init__(self, room, clock, probe):
        self.room, self.control, self.clock, self.others = room, room.control, clock, probe
        self.control.hosts.heartbeat_s = HEARTBEAT_S

    async def pass_time(self, heartbeats, *heard):
        """Let time pass, with a look at all hosts four times a heartbeat; ``heard`` send theirs."""
        for look in range(int(4 * heartbeats)):
            self.clock.at += HEARTBEAT_S / 4
            for host in heard if look % 4 == 3 else ():
                self.room.hosts.heartbeat(host)
            await self.room.settled()
            self.control.monitor.check_all()
            await asyncio.gather(*self.control.monitor.probing)
        return self

    async def run(self, **wanted):
        made = await self.room.ask("env_create", workflow="farm", **wanted)
        return self.room.environment(made["id"])

    @property
    def told(self):
        news = [each for each in self.room.hosts.announced if isinstance(each, AnnounceHost)]
        return [(each.host, each.status) for each in news]

    def status(self, host):
        return self.control.hosts.presence(host)


def play(folder, act, *hosts, copies=2):
    async def run_timeline():
        repository(folder, copies=copies)
        clock, probe = FakeClock(), FakeProbe()
        async with control_harness(folder, *hosts, clock=clock, probe=probe) as room:
            await act(HostTimeline(room, clock, probe))

    asyncio.run(run_timeline())
