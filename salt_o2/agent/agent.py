"""The agent of one host: drives its tasks to the ordered states and reports their states to control.

The agent may be killed at any instant. All that it must know is on disk. Its tasks keep running, and the next
agent adopts them.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from salt_o2.agent import absent_tasks
from salt_o2.agent.host_facts import listening_address
from salt_o2.agent.launch import accounts, environment_variables, shim
from salt_o2.agent.process import orphan_termination
from salt_o2.agent.process.host_resources import HostResources
from salt_o2.agent.reporter import Reporter, Send
from salt_o2.agent.storage.command_journal import PersistedCommand, catch_up
from salt_o2.agent.storage.state_directory import StateDirectory
from salt_o2.agent.storage.task_directory import NAME, TaskDirectory
from salt_o2.agent.storage.task_record import TaskRecord
from salt_o2.agent.task.task import Task
from salt_o2.concurrency.background_loops import run_together
from salt_o2.concurrency.daemon_thread import run_in_daemon_thread
from salt_o2.core.errors import InvalidRequestError, UnknownNameError
from salt_o2.core.ids import HostId, TaskId
from salt_o2.core.messages.commands import Command, Downward, Notice, Order, SurveyRequest
from salt_o2.core.messages.reports import HostFacts, TaskReport
from salt_o2.core.states import TaskState
from salt_o2.linux import atomic_file, cgroup

log = logging.getLogger(__name__)
GOALS = (TaskState.STANDBY, TaskState.CONFIGURED, TaskState.RUNNING, TaskState.DONE)
LIMITS_EVERY_S = 0.5
LOCK_RETRY_S = 0.2
ACCEPTED_AFTER = 2.0
"""Heartbeats after its first report in which control tells an agent that it refuses it."""


def unusable_orders(command: Command) -> dict[TaskId, str]:
    """Return the tasks whose orders in ``command`` cannot be executed, with the reasons."""
    no_ids = {
        order.task: f"{order.task!r} is not an ID: it must match {NAME.pattern}"
        for order in command.orders
        if not NAME.fullmatch(order.task)
    }
    return command.unreadable | no_ids


class Agent:
    """Starts, drives, watches and adopts the tasks of one host."""

    def __init__(
        self,
        host: HostId,
        directory: Path,
        facts: HostFacts,
        send: Send,
        heartbeat_s: float = 5.0,
        task_users: tuple[str, ...] = accounts.DEFAULT,
        task_environment: tuple[str, ...] = (),
        resources: HostResources | None = None,
    ) -> None:
        """Store all state in ``directory``, which no other agent may use at the same time.

        ``send`` sends a report to control. If it raises, or takes more than ten seconds, the agent sends the
        content of the report again later. A heartbeat follows after ``heartbeat_s`` seconds without a report.
        ``task_users`` lists the accounts that tasks may use if the agent is root, see :mod:`accounts`.
        ``task_environment`` has patterns of further variables of this process that tasks inherit.
        ``resources`` replaces what the last two describe; it has the kernel of the host, too.
        """
        self.host, self.directory, self.task_users = host, directory, task_users
        self._tasks: dict[TaskId, Task] = {}
        self._host = resources or HostResources(
            name=host,
            environment_variables=environment_variables.of_agent(os.environ, task_environment),
            accounts=accounts.Accounts(task_users),
        )
        self._note_ranges(facts)
        self._ready = asyncio.Event()
        self._reported, self._heartbeat_s = asyncio.Event(), heartbeat_s
        self._has_tasks = asyncio.Event()
        """Set while there are tasks: an idle agent looks after nothing."""
        self._has_limited = asyncio.Event()
        """Set while there are tasks with limits."""
        self._home: StateDirectory | None = None
        self.refused = ""
        """Why control refuses this agent and accepts another agent of the same name."""
        self.reporter = Reporter(
            host, facts, send, heartbeat_s, lambda: tuple(self._tasks), self._report_of, self._remove_finished
        )

    async def run(self) -> None:
        """Adopt existing tasks, send a survey, and run until cancelled; processes keep running.

        Raises:
            OSError: the directory cannot be created or written.
            LoopEnded: one of its background loops ended.
        """
        async with _alone_in(self.directory):
            try:
                shim.share_no_file()
                self._host.may_have_orphans = True
                await self._adopt_all()
                self._ready.set()
                self.reporter.survey()
                loops = {
                    "reports": self.reporter.run(),
                    "outputs": self._keep_outputs_bounded(),
                    "limits": self._keep_limits(),
                    "trash": self._empty_trash(),
                    "orphans": self._end_orphans(),
                }
                await run_together(loops)
            finally:
                self._ready.clear()
                await self._host.terminations.cancel()
                released = (task.release() for task in self._tasks.values())
                for result in await asyncio.gather(*released, return_exceptions=True):
                    if isinstance(result, Exception):
                        log.error("a task was not released in good order: %r", result, exc_info=result)

    async def accept_command(self, command: Command) -> None:
        """Start to drive tasks to the goals in ``command``. The same command may be passed again.

        An order that cannot be started is reported as failed. It does not prevent other orders from starting.

        Raises:
            InvalidRequestError: the command is for another host or is invalid. No order was started then.
        """
        self._check(command)
        await self._ready.wait()
        self.reporter.command(command.environment, command.revision)
        command = self._sift(command)
        accepted_orders = self._each(command, command.orders, self._needs_work)
        if accepted_orders:
            if any(order.launch for order in accepted_orders):
                _share_no_file()
            persisted = self._persist_command(replace(command, orders=tuple(accepted_orders)))
            self._each(
                command,
                accepted_orders,
                lambda command, order: self._assign_orders(command, order, persisted),
            )
            self._note_run(command.arguments)

    def update_facts(self, facts: HostFacts) -> None:
        """Offer these ``facts`` to placement from now on.

        The site's pillar may arrive after the agent has started.
        """
        self._note_ranges(facts)
        self.reporter.offer(facts)

    def _note_ranges(self, facts: HostFacts) -> None:
        self._host.port_ranges = (facts.control_ports, facts.channel_ports)
        self._host.address = listening_address(facts.address)

    async def survey(self) -> None:
        """Send a full report as soon as possible."""
        self.reporter.survey()

    async def accept_message(self, message: Downward) -> None:
        """Process a message from control to this host.

        Raises:
            InvalidRequestError: the command is invalid, or this agent must not obey it.
        """
        match message:
            case Command():
                await self.accept_command(message)
            case SurveyRequest():
                await self.handle_survey_request(message)
            case Notice():
                self.handle_notice(message)

    def handle_notice(self, notice: Notice) -> None:
        """Record whether control accepts this agent. A refused agent obeys no further command."""
        if (notice.host, notice.incarnation) != (self.host, self.reporter.incarnation):
            return
        if notice.refused and notice.refused != self.refused:
            log.error("control refuses this agent of %s: %s", self.host, notice.refused)
        elif self.refused and not notice.refused:
            log.warning("control believes this agent of %s now", self.host)
        self.refused = notice.refused

    async def handle_survey_request(self, inquiry: SurveyRequest) -> None:
        """Send the survey that ``inquiry`` requests, if the request is for this host."""
        if inquiry.host == self.host:
            await self.survey()

    def tasks(self) -> list[TaskReport]:
        """Return the reports of all tasks, ordered by name."""
        return [self._tasks[task].report() for task in sorted(self._tasks)]

    def task(self, name: str) -> Task:
        """Return one task.

        Raises:
            UnknownNameError: the task is not on this host.
        """
        try:
            return self._tasks[TaskId(name)]
        except KeyError:
            here = ", ".join(sorted(self._tasks)) or "none"
            raise UnknownNameError(f"no task {name!r} on {self.host}; tasks there: {here}") from None

    def is_over(self, name: str) -> bool:
        """Return whether a task is done and will write no more output."""
        return name not in self._tasks

    def output_of(self, name: str) -> TaskDirectory:
        """Return the directory of a task, or of one of the most recent finished tasks.

        Raises:
            UnknownNameError: the task was never on this host, or finished too long ago.
        """
        if self._home is not None and NAME.fullmatch(name):
            for found in (self._home.task_directory(TaskId(name)), self._home.finished_tasks(TaskId(name))):
                if found.folder.is_dir():
                    return found
        raise UnknownNameError(f"no task {name!r} on {self.host}, nor among the last that are done")

    # --- orders ---------------------------------------------------------------------------------

    def _check(self, command: Command) -> None:
        if command.host != self.host:
            raise InvalidRequestError(f"a command for {command.host} reached {self.host}")
        if self.refused:
            raise InvalidRequestError(f"this agent of {self.host} obeys no command: {self.refused}")
        if command.goal not in GOALS:
            raise InvalidRequestError(
                f"a task cannot be ordered to be {command.goal}, only {', '.join(GOALS)}"
            )
        if not command.timeout_s > 0:
            raise InvalidRequestError(f"timeout_s must be more than 0, not {command.timeout_s}")
        if not NAME.fullmatch(command.environment):
            raise InvalidRequestError(f"{command.environment!r} is not an ID: it must match {NAME.pattern}")

    def _sift(self, command: Command) -> Command:
        """Return ``command`` with its valid orders; report the invalid ones."""
        wrong = unusable_orders(command)
        good = tuple(order for order in command.orders if order.task not in wrong)
        for task, why in wrong.items():
            log.error("the order for task %r of %s cannot be used: %s", task, command.environment, why)
            self.reporter.answer(absent_tasks.unreadable_task_report(task, command, why))
        return replace(command, orders=good, unreadable={})

    def _needs_work(self, command: Command, order: Order) -> bool:
        """Return whether ``order`` is new. If it is not, report the task that it asks about.

        A finished task stays finished for all orders up to the one that ended it, even if they arrive late.
        """
        home = self._state_directory()
        task = self._tasks.get(order.task)
        ended = home.ended.get(order.task, -1)
        if task is None and (command.revision <= ended or command.goal is TaskState.DONE):
            home.remember_done(order.task, command.revision)
            self._end_unknown(
                absent_tasks.finished_task_report(
                    order.task, command.environment, max(ended, command.revision)
                )
            )
        elif task is None and order.launch is None:
            self.reporter.answer(absent_tasks.unknown_task_report(order.task, command, self.host))
        elif task is None or command.revision > task.record.revision:
            return True
        else:
            self._note_change(task)
        return False

    def _end_unknown(self, done: TaskReport) -> None:
        """Report a task without a record as ``done`` once no process of it is left."""
        home = self._state_directory().task_directory(done.task)

        async def end() -> None:
            remaining = await orphan_termination.end_of(home, self._host)
            self._answer_for_unknown(
                absent_tasks.not_stopped_report(done, remaining, self._host.kernel) if remaining else done
            )

        self._host.terminations.begin(home.folder, end)

    def _answer_for_unknown(self, about: TaskReport) -> None:
        """Report ``about`` a task that has no record here, or the task that was ordered meanwhile."""
        task = self._tasks.get(about.task)
        if task is None:
            self.reporter.answer(about)
        else:
            self._note_change(task)

    def _each(
        self, command: Command, orders: Iterable[Order], do: Callable[[Command, Order], bool]
    ) -> list[Order]:
        """Return the ``orders`` for which ``do`` is true; report an order if ``do`` raises an error."""
        chosen = []
        for order in orders:
            try:
                if do(command, order):
                    chosen.append(order)
            except Exception as error:
                log.exception("the order for task %s to be %s cannot be begun", order.task, command.goal)
                self.reporter.answer(absent_tasks.not_started_report(order.task, command, error))
        return chosen

    def _persist_command(self, command: Command) -> PersistedCommand | str:
        try:
            return self._state_directory().orders.append(command)
        except OSError as error:
            log.error("the command for %s cannot be written: %s", command.environment, error)
            return str(error)

    def _assign_orders(self, command: Command, order: Order, persisted: PersistedCommand | str) -> bool:
        task = self._tasks.get(order.task) or self._new(
            TaskRecord(task=order.task, environment=command.environment)
        )
        owner = task.record.environment
        task.apply_order(command, order, persisted)
        if task.is_limited:
            self._has_limited.set()
        # The previous owner no longer waits for this task.
        if task.record.environment != owner:
            self.reporter.changed(owner, task.id, settled=True)
        self.reporter.began(task.record.environment, order.task)
        return True

    def _new(self, record: TaskRecord) -> Task:
        task = Task(
            record, self._state_directory().task_directory(record.task), self._host, self._note_change
        )
        self._tasks[record.task] = task
        self._has_tasks.set()
        if task.is_limited:
            self._has_limited.set()
        return task

    def _state_directory(self) -> StateDirectory:
        if self._home is None:
            self._home = StateDirectory(self.directory)
            self._host.tasks = self._home.tasks
            self.reporter.directory_key = self._home.key
        return self._home

    def _note_run(self, arguments: Mapping[str, str]) -> None:
        known = self._state_directory().last_run
        known.record(arguments)
        self.reporter.last_run = known.number

    # --- what the reporter needs ----------------------------------------------------------------

    def _note_change(self, task: Task) -> None:
        known = task.record
        self.reporter.changed(known.environment, task.id, known.settled, known.failure is not None)

    def _report_of(self, task: TaskId) -> TaskReport | None:
        found = self._tasks.get(task)
        return found.report() if found else None

    def _remove_finished(self, reports: Iterable[TaskReport]) -> None:
        self._reported.set()
        for about in reports:
            task = self._tasks.get(about.task)
            if task is not None and task.is_over and not task.is_busy and task.report() == about:
                del self._tasks[task.id]
                # Its last record may not be on disk, because the disk is full.
                task.forget_commands()
                self._state_directory().archive(task.record)
        if not self._tasks:
            self._has_tasks.clear()

    async def _empty_trash(self) -> None:
        directory = self._state_directory()
        while True:
            await directory.has_trash.wait()
            await run_in_daemon_thread(directory.empty_trash)

    # --- start and background loops -------------------------------------------------------------

    async def _adopt_all(self) -> None:
        tasks = [self._new(record) for record in self._remembered()]
        results = await asyncio.gather(*(task.adopt() for task in tasks), return_exceptions=True)
        for task, result in zip(tasks, results, strict=True):
            if isinstance(result, Exception):
                log.error("task %s cannot be adopted: %r", task.id, result, exc_info=result)
                task.abandon("adopt", result)
        cgroup.sweep(self._host.groups, time.time())
        if tasks:
            log.info("%s: adopted %d tasks from %s", self.host, len(tasks), self.directory)

    def _remembered(self) -> list[TaskRecord]:
        """Return the records of all tasks. Commands are stored only until the tasks' own files show them."""
        home = self._state_directory()
        remaining_commands = home.orders.remaining()
        records = list(catch_up(home.records(), remaining_commands, home.ended).values())
        for arguments in ({}, *(known.arguments for known in records)):
            self._note_run(arguments)
        try:
            for known in records if remaining_commands else ():
                home.task_directory(known.task).save(known)
            # Commands that cannot be read go, too: control sends them again.
            home.orders.clear()
        except OSError as error:
            log.error("%s cannot be written: %s; commands stay in their own files", home.directory, error)
        return records

    async def _end_orphans(self) -> None:
        """End processes of tasks without a record, once control has accepted this agent.

        The files of an agent alone do not prove that a process is orphaned: they may be an older copy, or
        those of another machine. Control, which the agent has authenticated by its session, must know the
        agent first. A second agent of the same name ends nothing: control refuses it.
        """
        await self._reported.wait()
        await asyncio.sleep(ACCEPTED_AFTER * self._heartbeat_s)
        while self.refused:
            await asyncio.sleep(self._heartbeat_s)
        await orphan_termination.end_all(self._host)
        self._host.may_have_orphans = False
        await asyncio.Event().wait()

    async def _keep_outputs_bounded(self) -> None:
        while True:
            await self._has_tasks.wait()
            await asyncio.sleep(self._host.outputs_every_s)
            for task in list(self._tasks.values()):
                task.trim_output()

    async def _keep_limits(self) -> None:
        while True:
            await self._has_limited.wait()
            await asyncio.sleep(LIMITS_EVERY_S)
            limited = [task for task in self._tasks.values() if task.is_limited]
            if not limited:
                self._has_limited.clear()
            await asyncio.gather(*(task.keep_limits() for task in limited if task.has_limits))


def _share_no_file() -> None:
    """Prevent tasks from inheriting open files.

    An agent that cannot open a file for this check cannot start a task either.
    """
    try:
        shim.share_no_file()
    except OSError as error:
        log.error("the agent cannot look at its open files: %s", error)


@contextlib.asynccontextmanager
async def _alone_in(directory: Path) -> AsyncIterator[None]:
    """Wait until no other agent uses ``directory``: an agent that is being replaced may still run."""
    directory.mkdir(mode=0o711, parents=True, exist_ok=True)
    with open(directory / "lock", "w", opener=atomic_file.privately) as lock:
        # A process that can open the file can hold its lock and block the agent.
        os.fchmod(lock.fileno(), 0o600)
        complained = False
        while not _locked(lock.fileno()):
            if not complained:
                log.warning("another agent works in %s; waiting for its end", directory)
                complained = True
            await asyncio.sleep(LOCK_RETRY_S)
        yield


def _locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
