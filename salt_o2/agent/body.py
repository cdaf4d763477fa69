"""The living part of a task: its processes and its control channel."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from salt_o2.agent import audit, cgroup, checks, environ, keeper, limits, procfs, traces
from salt_o2.agent.births import Births
from salt_o2.agent.census import Census
from salt_o2.agent.cgroup import Group
from salt_o2.agent.device import Device
from salt_o2.agent.home import TaskHome
from salt_o2.agent.process import Process
from salt_o2.agent.record import Record
from salt_o2.agent.rounds import Rounds
from salt_o2.core.escalation import Blow
from salt_o2.core.ids import HostId
from salt_o2.core.launch import Launch, Limits
from salt_o2.core.messages import Exit
from salt_o2.core.states import TaskState
from salt_o2.core.task_goal import CONTROLLED

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Host:
    """What all tasks of one agent share."""

    name: HostId
    env: dict[str, str] = field(default_factory=lambda: environ.of_agent(os.environ))
    """What its processes inherit."""
    births: Births = field(default_factory=Births)
    rounds: Rounds = field(default_factory=Rounds)
    census: Census = field(default_factory=Census)
    claims: dict[int, str] = field(default_factory=dict)
    """The TCP ports of living tasks, and whose they are."""
    port_ranges: tuple[tuple[int, int], ...] = ()
    """First and last port of each range that placement may give out on this host."""
    groups: Path | None = field(default_factory=cgroup.base)
    """Where control groups of tasks are made, if anywhere."""


class Body:
    """One task's processes, and the channel to them if the task has one."""

    def __init__(
        self, record: Record, process: Process, launch: Launch, host: Host, group: Group | None
    ) -> None:
        """Take charge of ``process``, started by ``launch``; see :func:`give_birth` and :func:`adopt`."""
        self.process, self._host, self._group, self._limits = process, host, group, launch.limits
        self.device = Device(launch, host.rounds) if launch.mode in CONTROLLED else None
        self._bound: asyncio.Timeout | None = None
        self._patience_s = 0.0
        self._ports = _ports(launch)
        host.claims.update(dict.fromkeys(self._ports, record.task))

    @property
    def exit(self) -> Exit:
        """How the task ended, once it has."""
        return self.process.exit

    async def while_alive(
        self, work: Coroutine[Any, Any, T], patience_s: float, *, hurried: bool
    ) -> T | None:
        """Do ``work``; None if the process ends before, or ``patience_s`` seconds after :meth:`hurry`.

        ``hurried`` says that there was reason to hurry before. It is done without a task of its own: at two
        hundred tasks a step those were a tenth of the agent's work.
        """
        self._patience_s = patience_s
        try:
            async with asyncio.timeout(None) as self._bound:
                if self.process.gone.is_set():
                    self._break_off_in(0.0)
                elif hurried:
                    self.hurry()
                return await work
        except TimeoutError:
            if self.is_cut_short:
                return None
            raise
        finally:
            self._bound = None

    @property
    def is_cut_short(self) -> bool:
        """Whether the work under way was broken off."""
        return self._bound is not None and self._bound.expired()

    @property
    def is_hurried(self) -> bool:
        """Whether the work under way will be broken off if it does not end by itself."""
        return self._bound is not None and self._bound.when() is not None

    def hurry(self) -> None:
        """Somebody waits for the work under way to end: give it no more than its patience."""
        self._break_off_in(self._patience_s)

    def take_time(self) -> None:
        """Let the work under way take its time again, unless the process has ended."""
        bound = self._bound
        if bound is not None and not bound.expired() and not self.process.gone.is_set():
            bound.reschedule(None)

    def end_seen(self, tell: Callable[[], None]) -> None:
        """The process has ended: whatever is asked of it will not be answered; ``tell`` whom it concerns."""
        self._break_off_in(0.0)
        tell()

    def _break_off_in(self, seconds: float) -> None:
        """Break the work off after ``seconds``, or sooner if that was decided before."""
        bound, when = self._bound, asyncio.get_running_loop().time() + seconds
        if bound is None or bound.expired():  # asyncio forbids to reschedule a timeout that expires already
            return
        planned = bound.when()
        if planned is None or when < planned:
            bound.reschedule(when)

    async def end(self, blows: tuple[Blow, ...]) -> bool:
        """End all processes of the task; tell whether they have ended."""
        return await self.process.end(blows) and await self.clear_session()

    @property
    def watched(self) -> Limits:
        """What of its limits no control group holds."""
        return limits.watched(self._limits, self._group.holds if self._group else lambda _: False)

    @property
    def has_limits(self) -> bool:
        """Whether it can exceed something without being ended by the kernel at once."""
        return self.watched != limits.NOTHING or self._limits.pids > 0

    def excess(self, session: Iterable[int]) -> str:
        """Return which of its limits it exceeds, in words; ``session`` has the pids of its processes."""
        refused = self._group.excess(self._limits) if self._group else ""
        return refused or limits.excess(self.watched, limits.use_of(session))

    def leave_group(self) -> str:
        """Take its control group away, once all has ended; return which limit it was ended for, if any."""
        if self._group is None:
            return ""
        why = self._group.excess(self._limits)
        self._group.remove()
        return why

    async def clear_session(self) -> bool:
        """End what the task left behind in its group and session; tell whether nothing is left."""
        if self._group is not None:
            self._group.kill()
        left = await self._host.census.clear(self.process.pid)
        if left:
            log.error("processes %s do not end, not even by SIGKILL", left)
        return not left

    async def gone_within(self, seconds: float) -> bool:
        """Wait for the process to end by itself; tell whether it has."""
        try:
            async with asyncio.timeout(seconds):
                await self.process.gone.wait()
        except TimeoutError:
            return False
        return True

    async def release(self) -> None:
        """Stop watching and disconnect; processes are not affected."""
        self.process.forget()
        for port in self._ports:
            self._host.claims.pop(port, None)
        if self.device is not None:
            await self.device.close()


def give_birth(record: Record, home: TaskHome, host: Host, ended: Callable[[], None]) -> Body:
    """Start the process that ``record.launch`` describes and write down which one it is.

    Raises:
        Refusal: it could not have worked.
        OSError: the host has no room for it.
    """
    launch = record.launch
    if launch is None:
        raise checks.Refusal(f"nobody said how to start {record.task}", "send an order with a launch")
    checks.sane(launch)
    account = checks.account(launch.user)
    env = environ.task_env(launch, host.name, record.environment, host.env, account.pw_dir if account else "")
    env[audit.MARK] = str(home.folder)
    argv = checks.command(launch, env)
    checks.ports_free(_ports(launch), host.claims, host.port_ranges)
    home.prepare((account.pw_uid, account.pw_gid) if account else None)
    _forget_the_former(record, launch)
    home.save(record)
    group = cgroup.make(home.folder, launch.limits, host.groups)
    record.keeper = keeper.spawn(argv, env, home.files, group.path if group else None)
    record.keeper_started = procfs.start_ticks(record.keeper)
    record.launching, record.started = False, time.time()
    home.save(record)
    return _take_charge(record, home, host, ended, group)


def adopt(record: Record, home: TaskHome, host: Host, ended: Callable[[], None]) -> Body | None:
    """Return the body of a task that was started by an earlier agent, if it still lives."""
    if record.launching:  # the agent was killed in just that moment
        record.keeper = procfs.find_by_argument(home.files.marker)
        record.keeper_started = procfs.start_ticks(record.keeper) if record.keeper else None
        record.launching = False
    if record.keeper is None or record.launched is None or record.boot != procfs.boot_id():
        return None
    if record.keeper_started is None or not procfs.is_alive(record.keeper, record.keeper_started):
        return None
    return _take_charge(record, home, host, ended, cgroup.find(home.folder, host.groups))


def clear_traces(record: Record, home: TaskHome, host: Host) -> None:
    """Take away what the processes of a task, which are all gone, have left in the file system."""
    launch = record.launched
    if (group := cgroup.find(home.folder, host.groups)) is not None:
        group.kill()
        group.remove()
    with contextlib.suppress(checks.Refusal):  # its account has been removed meanwhile
        account = checks.account(launch.user) if launch else None
        traces.clear(launch, record.configured, account.pw_uid if account else os.geteuid())


def past_exit(record: Record, home: TaskHome) -> Exit:
    """Return how a task ended that did so while no agent ran."""
    if record.boot != procfs.boot_id():
        return Exit()
    if record.keeper is not None:
        keeper_exit = keeper.reap(record.keeper)
        return keeper.read_status(home.files.status) or keeper_exit
    return Exit()


def _take_charge(
    record: Record, home: TaskHome, host: Host, ended: Callable[[], None], group: Group | None
) -> Body:
    if record.keeper is None or record.launched is None:
        raise ValueError(f"{record.task} has no process")
    process = Process(record.keeper, record.keeper_started or 0, home.files.status)
    body = Body(record, process, record.launched, host, group)
    if body.device is not None:
        body.device.recall(record)
    process.watch(lambda: body.end_seen(ended))
    return body


def _forget_the_former(record: Record, launch: Launch) -> None:
    record.launching, record.launched, record.boot = True, launch, procfs.boot_id()
    record.keeper = record.keeper_started = record.pid = record.exit = record.failure = None
    record.output = ()
    record.configured, record.channels, record.worn, record.announced = None, [], "", ""
    record.state, record.device_state, record.fresh = TaskState.UNKNOWN, "", False


def _ports(launch: Launch) -> tuple[int, ...]:
    control = () if launch.control_port is None else (launch.control_port,)
    return tuple(dict.fromkeys((*control, *launch.ports)))
