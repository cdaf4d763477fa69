"""A stage: a real agent with real processes, in a directory of its own, and a control that only listens."""

import asyncio
import os
import pwd
import signal
import sys
from pathlib import Path

from salt_o2.agent.agent import Agent
from salt_o2.agent.host_facts import host_facts
from salt_o2.agent.storage.command_journal import CommandJournal
from salt_o2.agent.storage.task_directory import MARK
from salt_o2.core.ids import EnvironmentId, HostId, TaskId
from salt_o2.core.messages.commands import Command, Order
from salt_o2.core.plan.launch import Launch
from salt_o2.core.states import ControlMode, TaskState
from salt_o2.linux import cgroup, procfs
from tests.support.free_ports import free_port

HOST, ENVIRONMENT = HostId("flp1"), EnvironmentId("2oDvieFrVTi")
DEVICE = str(Path(sys.executable).with_name("o2-device"))


def basic(script, **more):
    """A basic task that is a shell script."""
    return Launch(mode=ControlMode.BASIC, value=script, shell=True, **more)


def device(kind="sink", codec="OCClite", port=None, options=(), **more):
    """A Python device, as a plan would launch it."""
    port = port or free_port()
    arguments = (
        kind,
        *options,
        "--id",
        f"{kind}-{port}",
        "-P",
        codec,
        "--color",
        "false",
        "--control-port",
        str(port),
    )
    return Launch(
        mode=ControlMode.FAIRMQ,
        value="o2-device",
        arguments=arguments,
        control_port=port,
        codec=codec,
        **more,
    )


class AgentHarness:
    """The agent, what it reported, and the way to command it."""

    def __init__(self, directory):
        self.directory = directory
        self.reports = []
        self.latest = {}
        self.sessions = {}
        """When each session's leader was started, by the number that the session had."""
        self.refusing = False
        self.task_users = (pwd.getpwuid(os.geteuid()).pw_name, "daemon")
        self.groups = cgroup.base()
        """Where agents of this stage make control groups, if anywhere."""
        self.revision = 0
        self.agent = self._running = None
        self._news = None

    async def up(self):
        """Start an agent, the first or the next one in the same directory."""
        self._news = asyncio.Event()
        facts = host_facts(address="127.0.0.1")
        self.agent = Agent(HOST, self.directory, facts, self._hear, 0.5, self.task_users)
        self.agent._host.groups = self.groups
        self._running = asyncio.create_task(self.agent.run())
        known = len(self.reports)
        await self.until(lambda: self._running.done() or any(each.facts for each in self.reports[known:]))
        if self._running.done():
            self._running.result()

    async def down(self):
        """End the agent; its tasks stay."""
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def _hear(self, report):
        if self.refusing:
            raise ConnectionError("no process listens")
        self.reports.append(report)
        for about in report.tasks:
            self.latest[about.task] = about
        self._note_sessions()
        self._news.set()

    def _note_sessions(self):
        for task in self.agent._tasks.values():
            if task.record.shim:
                self.sessions[task.record.shim] = task.record.shim_started

    def told(self):
        """Return all that was ever reported of tasks."""
        return [about for report in self.reports for about in report.tasks]

    async def until(self, condition, timeout_s=60.0):
        """Wait for a condition on what was reported."""
        async with asyncio.timeout(timeout_s):
            while not condition():
                self._news.clear()
                try:
                    await asyncio.wait_for(self._news.wait(), 0.05)
                except TimeoutError:
                    continue

    def next_command(self, goal, *orders):
        """Return the command of the next revision, which no control has sent."""
        self.revision += 1
        return Command(host=HOST, environment=ENVIRONMENT, revision=self.revision, goal=goal, orders=orders)

    def leave(self, command):
        """Keep a command as an agent does that is killed before it goes about it."""
        CommandJournal(self.directory / "orders").append(command)

    async def command(
        self, goal, *orders, arguments=None, timeout_s=60.0, revision=None, environment=ENVIRONMENT
    ):
        """Give orders to tasks at the next revision, and wait for nothing."""
        self.revision = revision if revision is not None else self.revision + 1
        orders = tuple(order if isinstance(order, Order) else Order(task=TaskId(order)) for order in orders)
        await self.agent.accept_command(
            Command(
                host=HOST,
                environment=environment,
                revision=self.revision,
                goal=goal,
                orders=orders,
                arguments=arguments or {},
                timeout_s=timeout_s,
            )
        )
        return [order.task for order in orders]

    async def drive(self, goal, *orders, **more):
        """Give orders and return the reports of the tasks once they have settled."""
        names = await self.command(goal, *orders, **more)
        revision = self.revision
        await self.until(lambda: all(self.is_settled(name, revision) for name in names))
        return [self.latest[name] for name in names]

    def is_settled(self, name, revision):
        about = self.latest.get(name)
        return about is not None and about.revision >= revision and about.settled

    async def launch(self, goal, **launches):
        """Start tasks by name and bring them to a goal."""
        orders = [Order(task=TaskId(name), launch=launch) for name, launch in launches.items()]
        return await self.drive(goal, *orders)

    def left_behind(self):
        """Processes of all sessions that were ever started here."""
        return [each.pid for each in self._left_behind()]

    def _left_behind(self):
        mark = f"{self.directory.absolute()}/tasks/"
        return [
            each
            for each in procfs.processes().values()
            if self._has_started(each.session) or procfs.variable(each.pid, MARK).startswith(mark)
        ]

    def _has_started(self, session):
        """Whether a session is one of this stage's: its number may be another's by now."""
        return session in self.sessions and procfs.start_ticks(session) in (None, self.sessions[session])

    async def clean(self):
        """End whatever a scene left."""
        names = [about.task for about in self.agent.tasks()]
        if names and not self._running.done():
            self.refusing = False
            await self.drive(TaskState.DONE, *names)
        await self.down()
        left = self._left_behind()
        for each in left:
            procfs.send(each, signal.SIGKILL)
        assert left == []
