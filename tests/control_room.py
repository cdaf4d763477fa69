"""A control room: the real control with its real desk and store, and hosts that are played.

The hosts obey every command at once, as devices that work would. A test may hold one of them back
(``deaf``), or speak in its name (``hear``).
"""

import asyncio
import functools
from contextlib import asynccontextmanager, suppress

from salt_o2.control.dispatcher import RequestDispatcher
from salt_o2.control.environments.service import Control
from salt_o2.control.hosts.report_queue import ReportQueue
from salt_o2.control.storage.store import Store
from salt_o2.core.codec import plain
from salt_o2.core.messages.commands import Command
from salt_o2.core.messages.reports import Failure, HostFacts, Report, TaskReport
from salt_o2.core.states import TaskState, TaskStatus
from salt_o2.site.settings import Site

ROLES = """
name: root
defaults: {{ rate: "1", copies: {copies} }}
roles:
  - name: "leaf{{{{ it }}}}"
    for: {{ begin: 0, end: "{{{{ copies - 1 }}}}", var: it }}
    {policy}
    task: {{ load: leaf }}
"""
LEAF = """
name: leaf
control: {mode: fairmq}
wants: {cpu: 0, memory: 0}
command: {value: leaf, arguments: ["--rate={{ rate }}"]}
"""


def repository(folder, name="farm", copies=2, policy=""):
    """Write a workflow of some equal tasks, and return the folder that holds it."""
    (folder / "workflows").mkdir(parents=True, exist_ok=True)
    (folder / "tasks").mkdir(exist_ok=True)
    (folder / "workflows" / f"{name}.yaml").write_text(ROLES.format(copies=copies, policy=policy))
    (folder / "tasks" / "leaf.yaml").write_text(LEAF)
    return folder


class Hosts:
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


class Agents(Hosts):
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


class Room:
    """The control under test, and who asks it."""

    def __init__(self, control, site, hosts, inbox):
        self.control, self.hosts, self.desk, self.inbox = (
            control,
            hosts,
            RequestDispatcher(control, site),
            inbox,
        )
        self.taken = 0

    def take(self, report):
        self.taken += 1
        self.control.receive_report(report)

    async def settled(self):
        """Wait until every report that was sent has been taken in."""
        async with asyncio.timeout(60):
            while len(self.inbox):
                await asyncio.sleep(0)

    async def ask(self, verb, user="teo", **arguments):
        async with asyncio.timeout(60):
            return await self.desk.serve(verb, arguments, user, lambda _progress: None)

    def environment(self, id):
        return self.control.held[id].environment


@asynccontextmanager
async def control_room(
    folder, *hosts, database="o2.sqlite", clock=None, bus=None, queued=False, site=None, **more
):
    """Yield a room whose hosts have reported; ``folder`` has the templates and gets the store.

    ``bus`` has the hosts, if they are to be others than those that obey and forget. With ``queued`` reports
    go through control's inbox, as they do in its process; without, they are taken in as they are made.
    ``site`` has settings beside the templates in ``folder``; ``more`` goes to the control.
    """
    site = site or Site(repositories=(str(folder),), heartbeat_s=1e6)
    store, bus = Store(f"sqlite:///{folder / database}"), bus or Hosts(*(hosts or ("flp1",)))
    control = Control(bus, store, heartbeat_s=1e6, **({"clock": clock} if clock else {}), **more)
    inbox = ReportQueue()
    room = Room(control, site, bus, inbox)
    bus.heard = inbox.put if queued else room.take
    running = asyncio.gather(control.run(), inbox.run(room.take))
    try:
        await asyncio.sleep(0)
        for host in bus.names:
            bus.survey(host)
        await room.settled()
        yield room
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        forget_timers(control)
        store.close()


def forget_timers(control):
    """Cancel what control would still do, as the end of its process does."""
    for held in control.held.values():
        if held.timer:
            held.timer.cancel()
    control.flushing.forget()


async def until(condition):
    """Let control go on until it is so."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


def goals(room, since=0):
    """Return who was ordered where, by whom, since the command of that number."""
    return {(str(c.environment), c.goal, o.task) for c in room.hosts.commands[since:] for o in c.orders}


def done(command, task, **other):
    """Return the report of a task that is where ``command`` wants it."""
    ended = command.goal is TaskState.DONE
    return TaskReport(
        **{
            "task": task,
            "environment": command.environment,
            "revision": command.revision,
            "settled": True,
            "status": TaskStatus.INACTIVE if ended else TaskStatus.ACTIVE,
            "state": command.goal,
            "pid": None if ended else 4711,
        }
        | other
    )


def dead(task, environment, revision, reason="killed by signal 9"):
    """Return the report of a task whose process has died."""
    return TaskReport(
        task=task,
        environment=environment,
        revision=revision,
        settled=True,
        status=TaskStatus.INACTIVE,
        state=TaskState.ERROR,
        failure=Failure(asked="-", state="RUNNING", reason=reason),
    )


def on_a_loop(test):
    """Let an async test run on an event loop of its own."""

    @functools.wraps(test)
    def run(*arguments, **named):
        asyncio.run(test(*arguments, **named))

    return run
