"""The real control with its real request handlers and store; its hosts are fakes."""

import asyncio
import functools
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from salt_o2.control import components
from salt_o2.control.hosts.report_queue import ReportQueue
from salt_o2.control.storage.store import Store
from salt_o2.site.settings import Site
from tests.support.fakes.hosts import FakeHosts


class ControlHarness:
    """The components of the control under test, its fake hosts, and requests of users."""

    def __init__(self, control, hosts, inbox):
        self.control, self.hosts, self.inbox = control, hosts, inbox
        self.dispatcher = control.dispatcher
        self.taken = 0

    def take(self, report):
        self.taken += 1
        self.control.reports.receive(report)

    async def settled(self):
        """Wait until every report that was sent has been taken in."""
        async with asyncio.timeout(60):
            while len(self.inbox):
                await asyncio.sleep(0)

    async def ask(self, verb, user="teo", **arguments):
        async with asyncio.timeout(60):
            return await self.dispatcher.serve(verb, arguments, user, lambda _progress: None)

    def environment(self, id):
        return self.control.active[id].environment


@asynccontextmanager
async def control_harness(
    folder,
    *hosts,
    database="o2.sqlite",
    clock=None,
    bus=None,
    queued=False,
    site=None,
    host_mb_per_hour=0.0,
    **more,
):
    """Yield a room whose hosts have reported; ``folder`` has the templates and gets the store.

    ``bus`` has the hosts, if they are to be others than those that obey and forget. With ``queued`` reports
    go through control's inbox, as they do in its process; without, they are taken in as they are made.
    ``site`` has settings beside the templates in ``folder``; ``more`` goes to control's composition root.
    """
    site = site or Site(repositories=(str(folder),))
    journal = replace(site.journal, host_mb_per_hour=host_mb_per_hour)
    site = replace(site, heartbeat_s=1e6, journal=journal)
    store, bus = Store(f"sqlite:///{folder / database}"), bus or FakeHosts(*(hosts or ("flp1",)))
    control = components.build(site, bus, store, **({"clock": clock} if clock else {}), **more)
    inbox = ReportQueue()
    room = ControlHarness(control, bus, inbox)
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
    for target in control.active.values():
        if target.timer:
            target.timer.cancel()
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
