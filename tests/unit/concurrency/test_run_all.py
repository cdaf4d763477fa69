"""One part of what control does fails: the other parts are done all the same."""

import asyncio
from contextlib import suppress

import pytest

from salt_o2.concurrency.run_all import Apart
from salt_o2.control.hosts.outbound_queues import OutboundQueues
from salt_o2.core.messages.announcements import AnnounceFailure
from salt_o2.core.messages.reports import Failure, TaskReport
from salt_o2.core.states import TaskState, TaskStatus
from tests.support.builders.repositories import repository
from tests.support.harness.control import control_harness

HOSTS = ("h1", "h2")


def play(folder, scene):
    async def played():
        async with control_harness(repository(folder, copies=4), *HOSTS) as room:
            await scene(room)

    asyncio.run(played())


@pytest.fixture
def mute(monkeypatch):
    """Let control fail whenever it announces that something has failed."""
    sound = OutboundQueues.announce

    def broken(self, news):
        if isinstance(news, AnnounceFailure):
            raise KeyError("a defect")
        sound(self, news)

    return lambda: monkeypatch.setattr(OutboundQueues, "announce", broken)


async def run(room):
    made = await room.ask("env_create", workflow="farm")
    await room.ask("env_control", id=made["id"], event="START_ACTIVITY")
    return room.environment(made["id"])


def failed(environment, task):
    return TaskReport(
        task=task,
        environment=environment.model.id,
        revision=environment.model.revision,
        settled=True,
        status=TaskStatus.INACTIVE,
        state=TaskState.ERROR,
        failure=Failure(asked="stay RUNNING", state="RUNNING", reason="killed"),
    )


def test_commands_leave_although_an_announcement_of_the_same_step_fails(tmp_path, mute):
    async def scene(room):
        environment = await run(room)
        mute()
        known = len(room.hosts.commands)
        victim = environment.model.plan.tasks[0]
        with suppress(KeyError):
            room.hosts.report(victim.host, failed(environment, victim.id))
        async with asyncio.timeout(10):
            while not any(
                order.task == victim.id and order.launch
                for command in room.hosts.commands[known:]
                for order in command.orders
            ):
                await asyncio.sleep(0)

    play(tmp_path, scene)


def test_every_environment_gets_a_report_although_the_step_of_one_fails(tmp_path, mute):
    async def scene(room):
        first, second = await run(room), await run(room)
        mute()
        host = first.model.plan.tasks[0].host
        lost = [
            next(task.id for task in each.model.plan.tasks if task.host == host) for each in (first, second)
        ]
        with suppress(KeyError):
            room.hosts.report(host, failed(first, lost[0]), failed(second, lost[1]))
        heard = [each.model.tasks.reports[task] for each, task in zip((first, second), lost, strict=True)]
        assert [about.failure is not None for about in heard] == [True, True]

    play(tmp_path, scene)


def test_a_host_is_lost_for_every_environment_although_one_step_fails(tmp_path, monkeypatch):
    async def scene(room):
        first, second = await run(room), await run(room)
        sound = room.control.executor.step

        def broken(held, message):
            if held.environment is first:
                raise KeyError("a defect")
            sound(held, message)

        monkeypatch.setattr(room.control.executor, "step", broken)
        with suppress(KeyError):
            room.control.monitor.declare_lost("h1", "a test says so")
        assert second.model.tasks.unreachable == {"h1"}

    play(tmp_path, scene)


def test_the_first_error_of_several_parts_is_raised_when_all_are_done():
    apart, done = Apart("a test"), []
    for number in (1, 2, 3):
        with apart:
            done.append(number)
            if number > 1:
                raise ValueError(number)
    assert done == [1, 2, 3]
    with pytest.raises(ValueError, match="2"):
        apart.raise_first()


def test_a_cancellation_ends_all_parts():
    apart = Apart("a test")
    with pytest.raises(asyncio.CancelledError), apart:
        raise asyncio.CancelledError
    assert apart.errors == []
