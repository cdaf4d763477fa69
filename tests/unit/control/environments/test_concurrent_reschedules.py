"""Control searches other places for tasks, and the environment changes while it does."""

import asyncio
import threading

from salt_o2.control.planning import environment_planner
from salt_o2.core.messages.inputs import HostLost
from salt_o2.core.messages.reports import Failure
from salt_o2.core.states import TaskState, TaskStatus
from tests.support.builders.reports import done
from tests.support.builders.repositories import repository
from tests.support.fakes.hosts import FakeHostsWithRecords
from tests.support.harness.control import control_harness, on_a_loop, until

RESTART = "vars: {recovery: restart}"


async def running(room):
    made = await room.ask("env_create", workflow="farm")
    await room.ask("env_control", id=made["id"], event="START_ACTIVITY")
    return room.control.active[made["id"]]


async def lose(room, held, host):
    room.control.executor.step(held, HostLost(at=room.control.clock(), host=host, silent_s=13.0))


async def searched(room):
    """Wait until control searches no places any more."""
    await until(lambda: room.control.rescheduler.is_idle)


def hosts_of(held):
    return {task.id: task.host for task in held.environment.model.plan.tasks}


@on_a_loop
async def test_a_task_whose_host_returns_during_the_search_stays_there(tmp_path):
    async with control_harness(repository(tmp_path, policy=RESTART), "flp1", "flp2") as room:
        held = await running(room)
        before, reports = hosts_of(held), dict(held.environment.model.tasks.reports)
        victim = next(iter(before.values()))
        await lose(room, held, victim)
        room.hosts.report(victim, *(reports[id] for id, host in before.items() if host == victim))
        await searched(room)
        assert hosts_of(held) == before
        assert held.environment.model.tasks.lost == {}


@on_a_loop
async def test_a_search_does_not_undo_what_a_user_changes_meanwhile(tmp_path, monkeypatch):
    asked, gate, load = threading.Event(), threading.Event(), environment_planner.load_with_overrides

    def load_the_first_time_slowly(*arguments):
        if not asked.is_set():
            asked.set()
            gate.wait(60)
        return load(*arguments)

    async with control_harness(repository(tmp_path, policy=RESTART), "flp1", "flp2", "flp3") as room:
        held = await running(room)
        victim = next(iter(hosts_of(held).values()))
        monkeypatch.setattr(environment_planner, "load_with_overrides", load_the_first_time_slowly)
        await lose(room, held, victim)
        await until(asked.is_set)
        await room.ask("env_modify", id=held.stored.id, exclude=["root.leaf1"], reason="noisy")
        gate.set()
        await searched(room)
        assert held.stored.overrides.exclude == {"root.leaf1": "noisy"}
        assert victim not in hosts_of(held).values()


@on_a_loop
async def test_a_task_that_could_not_join_stays_out_although_control_was_restarted_meanwhile(tmp_path):
    agents, folder = FakeHostsWithRecords("flp1"), repository(tmp_path)
    async with control_harness(folder, bus=agents) as room:
        held = await running(room)
        id, agents.deaf = held.stored.id, {"flp1"}
        modifying = asyncio.ensure_future(room.ask("env_modify", id=id, scale={"leaf": 3}))
        await until(lambda: held.environment.model.active is not None)
        await until(lambda: agents.commands[-1].orders[0].launch is not None)
        before = len(agents.commands)
    modifying.cancel()
    async with control_harness(folder, bus=agents) as room:
        held = room.control.active[id]
        await until(lambda: len(agents.commands) > before)
        command = agents.commands[before]
        reports = [done(command, order.task) for order in command.orders]
        (new,) = [task.id for task in held.environment.model.plan.tasks if task.path == "root.leaf2"]
        failure = Failure(asked="launch", state="-", reason="no such program")
        gone = {"state": TaskState.ERROR, "status": TaskStatus.INACTIVE, "pid": None, "failure": failure}
        agents.report("flp1", *(r if r.task != new else done(command, new, **gone) for r in reports))
        await until(lambda: held.environment.model.active is None)
        assert held.environment.model.tasks.excluded == {new: "no such program"}
        assert held.stored.overrides.exclude == {"root.leaf2": "no such program"}
        assert room.control.store.find(id).overrides == held.stored.overrides
