"""A control room in which time passes by hand, and what answers on hosts whose agents are away is played."""

import asyncio

from control_room import control_room, repository

from salt_o2.core.messages.announcements import AnnounceHost

HEARTBEAT_S = 4.0


class Clock:
    def __init__(self):
        self.at = 1000.0

    def __call__(self):
        return self.at


class Neighbourhood:
    """What answers when it is asked: by address."""

    def __init__(self):
        self.alive, self.up, self.asked = set(), set(), []

    async def speaks(self, address, ports, _deadline_s):
        self.asked.append((address, tuple(ports)))
        return address in self.alive

    async def is_up(self, address, ports, _deadline_s):
        self.asked.append((address, tuple(ports)))
        return address in self.up


async def until(found):
    """Wait for what other parts of control do about it, some of them in threads."""
    async with asyncio.timeout(30):
        while not found():
            await asyncio.sleep(0.01)


class Story:
    """A control room in which time passes by hand."""

    def __init__(self, room, clock):
        self.room, self.control, self.clock = room, room.control, clock
        self.control.hosts.heartbeat_s = HEARTBEAT_S
        self.others = self.control.watch._probe = Neighbourhood()

    async def pass_time(self, heartbeats, *heard):
        """Let time pass, with a look at all hosts four times a heartbeat; ``heard`` send theirs."""
        for look in range(int(4 * heartbeats)):
            self.clock.at += HEARTBEAT_S / 4
            for host in heard if look % 4 == 3 else ():
                self.room.hosts.heartbeat(host)
            await self.room.settled()
            self.control.watch.check_all()
            await asyncio.gather(*self.control.watch._asking)
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
    async def story():
        repository(folder, copies=copies)
        clock = Clock()
        async with control_room(folder, *hosts, clock=clock) as room:
            await act(Story(room, clock))

    asyncio.run(story())
