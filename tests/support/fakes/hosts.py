"""Hosts whose agents are played, at the other end of control's bus.

They obey every command at once, as working devices would. A test may keep one of them from answering
(``deaf``), or report in its name.
"""

from salt_o2.core.codec import plain
from salt_o2.core.messages.commands import Command
from salt_o2.core.messages.reports import HostFacts, Report
from salt_o2.core.states import TaskState
from tests.support.builders.reports import done


class FakeHosts:
    """All agents at once, at the other end of control's bus."""

    def __init__(self, *names):
        self.names = names
        self.heard = None
        self.deaf = set()
        self.commands, self.inquiries = [], []
        self.announced = []
        self.sequence = dict.fromkeys(names, 0)

    async def send(self, messages):
        for message in messages:
            if isinstance(message, Command):
                self.commands.append(message)
                if message.host not in self.deaf:
                    self.report(message.host, *(done(message, order.task) for order in message.orders))
            else:
                self.inquiries.append(message)

    async def insist(self, commands):
        await self.send(commands)

    async def announce(self, news):
        self.announced.append(news)

    def refusals(self):
        return {}

    async def ask(self, host, verb, arguments, wait_s=0.0):
        return {"stdout": [f"{verb} on {host}"], "stderr": []}

    def survey(self, host):
        number = self.names.index(host) + 1
        facts = HostFacts(
            address=f"10.0.0.{number}",
            network=f"n{number}",
            directory_key=f"k{number}",
            cpus=64,
            memory_mb=64_000,
        )
        self.report(host, facts=facts)

    def report(self, host, *tasks, facts=None):
        self.sequence[host] += 1
        self._say(host, tasks, facts)

    def heartbeat(self, host):
        """Repeat the number of the last report, as a host does that has nothing to say."""
        self._say(host, (), None)

    def acknowledge(self, host, accepted):
        """Say that commands were taken in, by environment and revision."""
        self._say(host, (), None, accepted)

    def _say(self, host, tasks, facts, accepted=None):
        number = self.sequence[host]
        said = Report(
            host=host, incarnation="1", sequence=number, tasks=tasks, facts=facts, accepted=accepted or {}
        )
        self.heard(said)


class FakeHostsWithRecords(FakeHosts):
    """Hosts that remember their tasks, and tell of all of them in a survey."""

    def __init__(self, *names):
        super().__init__(*names)
        self.tasks = {name: {} for name in names}
        self.launches = {}

    async def send(self, messages):
        for message in messages:
            for order in getattr(message, "orders", ()):
                self.launches[order.task] = order.launch or self.launches.get(order.task)
        await super().send(messages)

    async def ask(self, host, verb, arguments, wait_s=0.0):
        assert verb == "records"
        known = [about for about in self.tasks[host].values() if about.environment == arguments[0]]
        return [{**plain(about), "launch": plain(self.launches[about.task])} for about in known]

    def report(self, host, *tasks, facts=None):
        here = self.tasks[host]
        here.update({about.task: about for about in tasks})
        if facts is not None:
            tasks = tuple(here.values())
        for about in tasks:
            if about.state is TaskState.DONE:
                here.pop(about.task, None)
        super().report(host, *tasks, facts=facts)
