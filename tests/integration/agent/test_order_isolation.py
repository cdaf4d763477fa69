"""A command for many tasks: an order that fails is reported, and the other orders are executed."""

import os
import resource

import pytest

from salt_o2.agent import agent
from salt_o2.agent.reporter import Reporter
from salt_o2.agent.storage.task_directory import TaskDirectory
from salt_o2.agent.task.runtime import TaskRuntime
from salt_o2.agent.task.task import Task
from salt_o2.core.ids import TaskId
from salt_o2.core.messages.commands import Order
from salt_o2.core.states import TaskState
from tests.support.harness.agent import basic

pytestmark = pytest.mark.integration
STANDBY, RUNNING, ERROR, DONE = TaskState.STANDBY, TaskState.RUNNING, TaskState.ERROR, TaskState.DONE
NAMES = ("first", "odd", "last")
ORDERS = [Order(task=TaskId(name), launch=basic("exec sleep 1000")) for name in NAMES]

PLACES = [
    pytest.param(agent.Agent, "_needs_work", id="asking-whether-it-is-news"),
    pytest.param(Task, "__init__", id="making-the-task"),
    pytest.param(Task, "apply_order", id="giving-it-to-the-task"),
    pytest.param(TaskRuntime, "begin_order", id="beginning"),
    pytest.param(TaskDirectory, "record_order", id="noting-what-is-on-disk"),
    pytest.param(Reporter, "began", id="telling-the-reporter"),
]


def is_about_the_odd_one(arguments):
    named = [getattr(each, "task", each) for each in arguments]
    return "odd" in [name for name in named if isinstance(name, str)]


@pytest.fixture
def defect(monkeypatch):
    """Make a function raise where the task ``odd`` is concerned, as a defect of the agent would."""

    def put(owner, name):
        sound = getattr(owner, name)

        def broken(self, *arguments, **more):
            known = getattr(self, "record", None)
            if is_about_the_odd_one((*arguments, known)):
                raise KeyError("a defect")
            return sound(self, *arguments, **more)

        monkeypatch.setattr(owner, name, broken)
        return monkeypatch.undo

    return put


@pytest.mark.parametrize(("owner", "name"), PLACES)
def test_an_order_that_raises_keeps_no_other_order_from_being_given(perform, defect, owner, name):
    async def scene(stage):
        undo = defect(owner, name)
        reached = {about.task: about for about in await stage.drive(RUNNING, *ORDERS)}
        undo()
        for sound in ("first", "last"):
            assert (reached[sound].state, reached[sound].failure) == (RUNNING, None)
        odd = reached["odd"]
        assert odd.state is RUNNING if odd.failure is None else "defect" in odd.failure.advice
        again = await stage.drive(RUNNING, *ORDERS)
        assert [(about.state, about.failure) for about in again] == [(RUNNING, None)] * 3
        assert {about.pid for about in again} >= {reached["first"].pid, reached["last"].pid}

    perform(scene)


def test_a_task_that_cannot_be_adopted_is_reported_and_the_others_are_adopted(perform, defect):
    async def scene(stage):
        await stage.drive(STANDBY, *ORDERS)
        await stage.down()
        command = stage.next_command(RUNNING, *ORDERS)
        stage.leave(command)
        undo = defect(Task, "_resume")
        await stage.up()
        await stage.until(lambda: all(stage.is_settled(name, command.revision) for name in NAMES))
        undo()
        assert [stage.latest[name].state for name in ("first", "last")] == [RUNNING, RUNNING]
        assert "defect" in stage.latest["odd"].failure.advice

    perform(scene)


def test_an_agent_that_can_open_no_file_reports_it_for_every_task_and_continues(perform):
    async def scene(stage):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        last = max(int(name) for name in os.listdir("/proc/self/fd"))  # noqa: PTH208
        filling = [os.open("/dev/null", os.O_RDONLY) for _ in range(last)]
        resource.setrlimit(resource.RLIMIT_NOFILE, (filling[-1] + 1, hard))
        try:
            failed = await stage.drive(RUNNING, *ORDERS)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for fd in filling:
                os.close(fd)
        assert all("Too many open files" in about.failure.reason for about in failed)
        reached = await stage.drive(RUNNING, *ORDERS)
        assert [(about.state, about.failure) for about in reached] == [(RUNNING, None)] * 3

    perform(scene)
