"""A probe whose answers a test decides: what answers at an address when control asks there."""


class FakeProbe:
    """What answers when it is asked: by address."""

    def __init__(self):
        self.alive, self.up, self.asked = set(), set(), []

    async def speaks(self, address, ports, _deadline_s):
        self.asked.append((address, tuple(ports)))
        return address in self.alive

    async def is_up(self, address, ports, _deadline_s):
        self.asked.append((address, tuple(ports)))
        return address in self.up
