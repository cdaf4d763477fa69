"""The real control with its real request handlers and store; its hosts are fakes."""

import asyncio
import functools
from contextlib import asynccontextmanager, suppress

from salt_o2.control.dispatcher import RequestDispatcher
from salt_o2.control.environments.service import Control
from salt_o2.control.hosts.report_queue import ReportQueue
from salt_o2.control.storage.store import Store
from salt_o2.site.settings import Site
from tests.support.fakes.hosts import FakeHosts


class ControlHarness:
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
async def control_harness(
    folder, *hosts, database="o2.sqlite", clock=None, bus=None, queued=False, site=None, **more
):
    """Yield a room whose hosts have reported; ``folder`` has the templates and gets the store.

    ``bus`` has the hosts, if they are to be others than those that obey and forget. With ``queued`` reports
    go through control's inbox, as they do in its process; without, they are taken in as they are made.
    ``site`` has settings beside the templates in ``folder``; ``more`` goes to the control.
    """
    site = site or Site(repositories=(str(folder),), heartbeat_s=1e6)
    store, bus = Store(f"sqlite:///{folder / database}"), bus or FakeHosts(*(hosts or ("flp1",)))
    control = Control(bus, store, heartbeat_s=1e6, **({"clock": clock} if clock else {}), **more)
    inbox = ReportQueue()
    room = ControlHarness(control, site, bus, inbox)
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


def on_a_loop(test):
    """Let an async test run on an event loop of its own."""

    @functools.wraps(test)
    def run(*arguments, **named):
        asyncio.run(test(*arguments, **named))

    return run
