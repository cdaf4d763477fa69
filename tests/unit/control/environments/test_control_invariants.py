"""What holds for a whole control, with its store and its inventory, whatever is asked of it, in any order."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from salt_o2.control.storage.run_store import RunFilter
from salt_o2.core.errors import O2Error
from salt_o2.core.ids import POOL
from salt_o2.core.states import TaskStatus
from tests.support.builders.reports import dead
from tests.support.builders.repositories import repository
from tests.support.fakes.hosts import FakeHostsWithRecords
from tests.support.harness.control import control_harness

HOSTS = ("h1", "h2", "h3")
LEAVES = tuple(f"root.leaf{number}" for number in range(4))
STEPS = st.one_of(
    st.tuples(st.just("create"), st.sampled_from(["farm", "bad"])),
    st.tuples(st.just("create_automatic"), st.just("farm")),
    st.tuples(st.just("event"), st.sampled_from(["START_ACTIVITY", "STOP_ACTIVITY", "RESET", "RECOVER"])),
    st.tuples(st.just("scale"), st.tuples(st.integers(1, 6), st.booleans())),
    st.tuples(st.just("exclude"), st.sampled_from(LEAVES)),
    st.tuples(st.just("include"), st.sampled_from(LEAVES)),
    st.tuples(st.just("vars"), st.tuples(st.integers(1, 3), st.booleans())),
    st.tuples(st.just("move"), st.tuples(st.sampled_from(LEAVES), st.sampled_from(HOSTS))),
    st.tuples(st.just("kill"), st.integers(0, 5)),
    st.tuples(st.just("kill_pooled"), st.integers(0, 5)),
    st.tuples(st.just("clean"), st.sampled_from(HOSTS)),
    st.tuples(st.just("restart"), st.just(0)),
    st.tuples(st.just("destroy"), st.tuples(st.booleans(), st.booleans())),
)


class RandomRequests:
    """One control after the other on the same store, and what is done to their environments."""

    def __init__(self, folder):
        self.folder = folder
        self.agents = FakeHostsWithRecords(*HOSTS)
        self.ids = []

    async def play(self, steps):
        """Do all ``steps``; a ``restart`` ends one control and begins the next."""
        todo = list(steps)
        while todo:
            async with control_harness(self.folder, bus=self.agents) as room:
                check(room)
                while todo:
                    what, how = todo.pop(0)
                    if what == "restart":
                        break
                    await self.do(room, what, how)
                    check(room)
                    await self.check_replay(room)
        await self.end_all()

    async def do(self, room, what, how):
        try:
            await getattr(self, what)(room, how)
        except O2Error:
            return  # refused, or failed; either way the invariants hold

    async def create(self, room, workflow):
        self.ids.append((await room.ask("env_create", workflow=workflow))["id"])

    async def create_automatic(self, room, workflow):
        self.ids.append((await room.ask("env_create", workflow=workflow, auto=True))["id"])

    async def event(self, room, event):
        await room.ask("env_control", id=self.some(room), event=event)

    async def scale(self, room, how):
        number, keep = how
        await room.ask("env_modify", id=self.some(room), scale={"leaf": number}, keep_tasks=keep)

    async def exclude(self, room, path):
        await room.ask("env_modify", id=self.some(room), exclude=[path])

    async def include(self, room, path):
        await room.ask("env_modify", id=self.some(room), include=[path])

    async def vars(self, room, how):
        rate, keep = how
        await room.ask("env_modify", id=self.some(room), vars={"rate": rate}, keep_tasks=keep)

    async def move(self, room, where):
        path, host = where
        await room.ask("env_modify", id=self.some(room), move={path: host})

    async def kill(self, room, number):
        if not room.control.active:
            return
        members = room.environment(self.some(room)).model.tasks
        reports = [report for id, report in members.reports.items() if id in members.tasks]
        if reports:
            victim = reports[number % len(reports)]
            host = members.tasks[victim.task].host
            room.hosts.report(host, dead(victim.task, victim.environment, victim.revision))

    async def kill_pooled(self, room, number):
        waiting = room.control.pool.pool.waiting
        if waiting:
            victim = waiting[number % len(waiting)]
            room.hosts.report(victim.task.host, dead(victim.task.id, POOL, victim.revision))

    async def clean(self, room, host):
        await room.ask("pool_clean", host=host)

    async def destroy(self, room, how):
        force, keep = how
        await room.ask(
            "env_destroy", id=self.some(room), force=force, keep_tasks=keep, allow_in_running_state=True
        )

    async def check_replay(self, room):
        """The journal, read again and replayed, gives what is."""
        for id in room.control.active:
            now = await room.ask("env_show", id=id)
            while True:  # agents may report between two questions
                again, before = await room.ask("env_replay", id=id), now
                now = await room.ask("env_show", id=id)
                if essence(before) == essence(now):
                    break
            assert essence(again) == essence(now)

    def some(self, room):
        """The newest active environment; an unknown name if there is none."""
        return next(reversed(room.control.active), "nobody")

    async def end_all(self):
        async with control_harness(self.folder, bus=self.agents) as room:
            while room.control.active:
                await room.ask("env_destroy", id=next(iter(room.control.active)), force=True)
            check(room)
            await room.ask("pool_clean", all=True)
            check(room)
            running = [
                about.task
                for here in self.agents.tasks.values()
                for about in here.values()
                if about.status is TaskStatus.ACTIVE
            ]
            assert running == [], "a process is left without an owner"
            for host in HOSTS:
                use = room.control.inventory.use_of(host)
                assert (use.tasks, use.cpu, use.memory_mb) == (0, 0.0, 0.0), f"{host} has something taken"
            assert room.control.store.active() == []
            for id in self.ids:
                assert (await room.ask("env_replay", id=id))["state"] == "DONE"


def essence(view):
    """What a replay must give, too."""
    here = ("state", "run_number", "vars", "error", "transition", "workflow", "lost")
    of_task = ("id", "path", "host", "state", "status", "command", "excluded", "lost")
    tasks = [{name: task[name] for name in of_task} for task in view["tasks"]]
    return {name: view[name] for name in here} | {"tasks": tasks}


def check(room):
    """Check what holds after every step."""
    control = room.control
    control.store.flush()
    assert {kept.id for kept in control.store.active()} == set(control.active)
    for id, held in control.active.items():
        assert held.environment.model.plan is held.stored.plan
        planned = {task.id: task for task in held.stored.plan.tasks}
        assert set(control.inventory.tasks_of(id)) == set(planned), "what is taken is what is planned"
    open_runs = {
        run.number: run.environment for run in control.runs.runs(RunFilter(limit=1000)) if run.ended is None
    }
    runs = {held.environment.model.run.number: id for id, held in control.active.items()}
    assert open_runs == {number: id for number, id in runs.items() if number is not None}
    waiting = [entry.task for entry in control.pool.pool.entries.values()]
    assert set(control.inventory.tasks_of(POOL)) == {task.id for task in waiting}
    tasks = [*waiting, *(task for held in control.active.values() for task in held.stored.plan.tasks)]
    names = [task.id for task in tasks]
    assert len(set(names)) == len(names), "a task has two owners"
    ports = [(task.host, port) for task in tasks for port in task.ports]
    assert len(set(ports)) == len(ports), "a port was given twice"


@settings(max_examples=20, deadline=None)
@given(st.lists(STEPS, min_size=3, max_size=12))
def test_no_resource_leaks_and_the_history_is_complete_after_any_requests(steps):
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(RandomRequests(repository(Path(folder))).play([("create", "farm"), *steps]))
