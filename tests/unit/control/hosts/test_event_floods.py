"""Ten thousand events at once: control processes them in turns, bounded, and serves other clients too."""

import asyncio
from collections import Counter

import pytest

from salt_o2.control.hosts.outbound_queues import MOST_NEWS, OutboundQueues
from salt_o2.control.hosts.report_queue import ReportQueue
from salt_o2.control.storage.store import MOST_WAITING
from salt_o2.core.messages.announcements import AnnounceState
from salt_o2.core.messages.reports import Report
from salt_o2.core.states import EnvironmentState, TaskState
from tests.support.builders.reports import dead
from tests.support.builders.repositories import repository
from tests.support.harness.control import control_harness

FLOOD = 10_000


def report(host, sequence):
    return Report(host=host, incarnation="1", sequence=sequence)


def drained(inbox, *, refuse=()):
    """Return the reports of ``inbox`` in the order in which they are taken in."""
    taken = []

    def take(found):
        taken.append((found.host, found.sequence))
        if (found.host, found.sequence) in refuse:
            raise ValueError("a report that fails")

    async def scene():
        running = asyncio.create_task(inbox.run(take))
        while len(inbox):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(scene())
    return taken


def test_hosts_take_turns_and_reports_of_each_host_keep_their_order():
    inbox = ReportQueue()
    for sequence in range(3):
        inbox.put(report("loud", sequence))
    inbox.put(report("quiet", 7))
    assert drained(inbox) == [("loud", 0), ("quiet", 7), ("loud", 1), ("loud", 2)]


def test_messages_of_a_host_beyond_its_share_are_dropped(caplog):
    inbox = ReportQueue(most_per_host=10)
    for sequence in range(FLOOD):
        inbox.put(report("loud", sequence))
    inbox.put(report("quiet", 7))
    assert len(inbox) == 11
    assert drained(inbox)[:2] == [("loud", 0), ("quiet", 7)]
    assert [record.message for record in caplog.records] == [
        "host loud reports too much: control drops reports and requests a survey",
        f"{FLOOD - 10} reports of host loud were dropped",
    ]


def test_all_hosts_together_are_bounded_too():
    inbox = ReportQueue(most=100)
    for number in range(1000):
        inbox.put(report(f"h{number}", 1))
    assert len(inbox) == 100
    assert len(drained(inbox)) == 100


def test_a_report_that_fails_does_not_stop_the_others(caplog):
    inbox = ReportQueue()
    for sequence in range(3):
        inbox.put(report("h1", sequence))
    assert len(drained(inbox, refuse={("h1", 1)})) == 3
    assert "a report of h1 could not be processed" in caplog.text


@pytest.fixture
def flooded(tmp_path):
    """A farm on some hosts and a small environment on a quiet one, the farm RUNNING; plays a scene."""

    def play(scene, tasks, hosts, policy="ignore"):
        async def whole():
            names = [f"epn{number}" for number in range(hosts)]
            folder = repository(tmp_path, copies=tasks, policy=f"vars: {{ recovery: {policy} }}")
            repository(tmp_path, name="small", copies=2)
            async with control_harness(folder, "quiet", *names, queued=True) as room:
                places = {"root.leaf0": "quiet", "root.leaf1": "quiet"}
                small = await room.ask("env_create", workflow="small", move=places)
                farm = await room.ask("env_create", workflow="farm")
                await room.ask("env_control", id=farm["id"], event="START_ACTIVITY")
                await scene(room, room.environment(farm["id"]), small)

        asyncio.run(whole())

    return play


def flood(room, farm, events):
    """Let the hosts of a farm report so many events, one by one, before control can look at any."""
    tasks = [task for task in farm.model.tasks.tasks.values() if task.host != "quiet"]
    for number in range(events):
        task, turn = tasks[number % len(tasks)], number // len(tasks)
        known = farm.model.tasks.reports[task.id]
        dies = dead(task.id, farm.model.id, known.revision, reason=f"death {turn}")
        room.hosts.report(task.host, dies if turn % 2 == 0 else known)


def test_another_environment_is_served_before_the_flood_is_digested_and_memory_is_bounded(flooded):
    async def scene(room, farm, small):
        flood(room, farm, FLOOD)
        waiting, before = len(room.inbox), room.taken
        assert waiting == 20 * 200
        started = await room.ask("env_control", id=small["id"], event="START_ACTIVITY")
        assert started["state"] == "RUNNING"
        assert room.taken - before < waiting / 4, "it had to wait for much of the flood"
        assert len(await room.ask("env_list")) == 2
        most = Counter()
        while len(room.inbox):
            most["news"] = max(most["news"], room.control.outbound._announcements.qsize())
            most["journal"] = max(most["journal"], len(room.control.store._journal))
            await asyncio.sleep(0)
        assert room.taken - before < waiting + 100
        assert most["news"] <= MOST_NEWS
        assert most["journal"] < 2 * MOST_WAITING

    flooded(scene, tasks=400, hosts=20)


def test_after_a_flood_control_requests_surveys_for_dropped_reports(flooded):
    async def scene(room, farm, _small):
        flood(room, farm, 2000)
        await room.settled()
        room.hosts.inquiries.clear()
        for host in room.hosts.names:
            room.hosts.heartbeat(host)
        await room.settled()
        async with asyncio.timeout(30):
            while len(room.hosts.inquiries) < 3:
                await asyncio.sleep(0)
        assert {message.host for message in room.hosts.inquiries} == {"epn0", "epn1", "epn2"}

    flooded(scene, tasks=40, hosts=3)


def test_tasks_that_die_together_are_ordered_together(flooded):
    async def scene(room, farm, _small):
        ordered = len(room.hosts.commands)
        tasks = list(farm.model.tasks.tasks.values())
        for task in tasks:
            revision = farm.model.tasks.reports[task.id].revision
            room.hosts.report(task.host, dead(task.id, farm.model.id, revision))
        await room.settled()
        async with asyncio.timeout(60):
            while farm.model.restarts.pending:
                await asyncio.sleep(0.01)
        assert str(farm.model.state) == "RUNNING"
        assert farm.model.tasks.tree.tasks[TaskState.RUNNING] == len(tasks)
        assert len(room.hosts.commands) - ordered < len(tasks) / 2

    flooded(scene, tasks=200, hosts=4, policy="restart")


class StuckBus:
    """Takes no announcement until the gate opens."""

    def __init__(self):
        self.gate, self.announced = asyncio.Event(), []

    async def announce(self, news):
        await self.gate.wait()
        self.announced.append(news)


def test_undelivered_announcements_are_bounded_and_logged_once(caplog):
    async def scene():
        bus = StuckBus()
        outbox = OutboundQueues(bus)
        sending = asyncio.create_task(outbox.run())
        for number in range(FLOOD + 500):
            outbox.announce(AnnounceState(environment="E", state=EnvironmentState.ERROR, run_number=number))
        bus.gate.set()
        while len(bus.announced) < MOST_NEWS:
            await asyncio.sleep(0)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        return [news.run_number for news in bus.announced]

    assert asyncio.run(scene()) == list(range(MOST_NEWS))
    first, last = [record.message for record in caplog.records]
    assert "accepts no announcements" in first
    assert last == "500 announcements were dropped"
