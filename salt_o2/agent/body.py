"""The living part of a task: its processes and its control channel."""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from salt_o2.agent import cgroup, checks, environ, execs, keeper, limits, procfs, traces
from salt_o2.agent.accounts import Accounts, switch_to
from salt_o2.agent.births import Births
from salt_o2.agent.census import MARK, Census
from salt_o2.agent.cgroup import Group
from salt_o2.agent.device import Device
from salt_o2.agent.endings import Endings
from salt_o2.agent.home import TaskHome
from salt_o2.agent.members import Members, Remains
from salt_o2.agent.process import Process
from salt_o2.agent.procfs import Entry
from salt_o2.agent.record import Record
from salt_o2.agent.refusal import Refusal
from salt_o2.agent.rounds import Rounds
from salt_o2.core.ids import HostId
from salt_o2.core.launch import Launch, Limits
from salt_o2.core.messages import Exit
from salt_o2.core.states import TaskState
from salt_o2.core.tasks.kill_sequence import SignalStep
from salt_o2.core.tasks.next_action import CONTROLLED

log = logging.getLogger(__name__)
T = TypeVar("T")
CONTROL_ADDRESS = "O2_CONTROL_ADDRESS"
"""Tells a device of ours where to listen beside the loopback; devices of FairMQ listen everywhere."""


@dataclass(slots=True, kw_only=True)
class Host:
    """What all tasks of one agent share."""

    name: HostId
    env: dict[str, str] = field(default_factory=lambda: environ.of_agent(os.environ))
    """What its processes inherit."""
    births: Births = field(default_factory=Births)
    endings: Endings = field(default_factory=Endings)
    rounds: Rounds = field(default_factory=Rounds)
    census: Census = field(default_factory=Census)
    claims: dict[int, str] = field(default_factory=dict)
    """The TCP ports of living tasks, and whose they are."""
    port_ranges: tuple[tuple[int, int], ...] = ()
    """First and last port of each range that placement may give out on this host."""
    address: str = ""
    """Where devices listen beside the loopback: control asks there for signs of life of its tasks."""
    groups: Path | None = field(default_factory=cgroup.base)
    """Where control groups of tasks are made, if anywhere."""
    tasks: Path | None = None
    """The folder that holds the folders of this agent's tasks."""
    accounts: Accounts = field(default_factory=Accounts)
    """Which accounts its tasks may have."""
    homes: set[Path] = field(default_factory=set)
    """The folders of living tasks: processes that carry another folder of this agent belong to no task."""


class Body:
    """One task's processes, and the channel to them if the task has one."""

    def __init__(
        self, record: Record, members: Members, process: Process, launch: Launch, host: Host
    ) -> None:
        """Take charge of ``process``, started by ``launch``; see :func:`give_birth` and :func:`adopt`."""
        self.process, self.members, self._host, self._limits = process, members, host, launch.limits
        self._group, self._status = members.group, members.home / "status"
        self._is_clear = False
        self._own_pids: dict[int, int] = {}
        self.device = Device(launch, host.rounds) if launch.mode in CONTROLLED else None
        self._bound: asyncio.Timeout | None = None
        self._patience_s = 0.0
        self._ports = _ports(launch)
        host.claims.update(dict.fromkeys(self._ports, record.task))
        host.homes.add(members.home)

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

    async def end(self, steps: tuple[SignalStep, ...], grace_s: float) -> Remains:
        """End all processes of the task; ``grace_s`` is for those that the program leaves when it ends."""
        killed = False
        for step in steps:
            if step.signal is signal.SIGKILL:
                killed = bool(await self.members.all())  # they may have ended while the agent was busy
                await self.members.kill()
            elif step.signal is not None:
                await self.members.send(step.signal)
            if await self.gone_within(step.wait_s):
                break
        remains = await self.clear(grace_s)
        return replace(remains, killed=remains.killed or killed)

    async def clear(self, grace_s: float) -> Remains:
        """End what the program left behind, once it has ended itself."""
        if self._is_clear:
            return Remains()
        remains = await self.members.clear(grace_s)
        self._is_clear = self.process.gone.is_set() and not remains.left
        return replace(remains, killed=remains.killed or keeper.has_killed(self._status))

    @property
    def watched(self) -> Limits:
        """What of its limits no control group holds."""
        return limits.watched(self._limits, self._group.holds if self._group else lambda _: False)

    @property
    def has_limits(self) -> bool:
        """Whether it can exceed something without being ended by the kernel at once."""
        return self.watched != limits.NOTHING or self._limits.pids > 0

    async def excess(self) -> str:
        """Return which of its limits it exceeds, in words."""
        refused = self._group.excess(self._limits) if self._group else ""
        if refused or self.watched == limits.NOTHING:
            return refused
        used = limits.use_of(each.pid for each in await self.members.all())
        return limits.excess(self.watched, used)

    def leave_group(self) -> str:
        """Take its control group away, once all has ended; return which limit it was ended for, if any."""
        if self._group is None:
            return ""
        why = self._group.excess(self._limits)
        self._group.remove()
        return why

    async def is_its_own(self, number: int) -> bool:
        """Return whether a device that calls itself ``number`` is one of the task's processes."""
        known = self._own_pids.get(number, 0)
        found = known if number in procfs.numbers_of(known) else await self.members.own(number)
        if found is not None:
            self._own_pids[number] = found
        return found is not None

    def pid_of(self, number: int | None) -> int | None:
        """Return the pid on this host of the process that calls itself ``number``, once that is known."""
        return self._own_pids.get(number, number) if number is not None else None

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
        self._host.homes.discard(self.members.home)
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
        raise Refusal(f"nobody said how to start {record.task}", "send an order with a launch")
    checks.sane(launch)
    account = host.accounts.choose(launch.user)
    switch = switch_to(account)
    env = environ.task_env(launch, host.name, record.environment, host.env, account)
    env[MARK] = str(home.folder)
    if launch.control_port is not None and host.address:
        env.setdefault(CONTROL_ADDRESS, host.address)
    argv = checks.command(launch, env)
    checks.ports_free(_ports(launch), host.claims, host.port_ranges)
    owner = (account.pw_uid, account.pw_gid) if account else None
    home.prepare(owner)
    home.keep_variables(environ.exports(env), owner)
    _forget_the_former(record, launch)
    home.save(record)
    group = cgroup.make(home.folder, launch.limits, host.groups)
    record.keeper = keeper.spawn(
        argv,
        environ.shim_env(str(home.folder)),
        home.files,
        switch,
        group.path if group else None,
        launch.grace_s,
    )
    record.keeper_started = procfs.start_ticks(record.keeper)
    record.launching, record.started = False, time.time()
    home.save(record)
    return _take_charge(record, home, host, ended, group)


async def adopt(record: Record, home: TaskHome, host: Host, ended: Callable[[], None]) -> Body | None:
    """Return the body of a task that was started by an earlier agent, if it still lives.

    Its shim is known by pid, start time and mark, all three, within one boot.
    """
    launching, record.launching = record.launching, False
    if record.boot != procfs.boot_id():
        return None
    if launching:  # the agent was killed in just that moment
        await _find_shim(record, home)
    if record.keeper is None or record.launched is None or record.keeper_started is None:
        return None
    is_ours = await _is_marked(record.keeper, home)
    if not is_ours or not procfs.is_alive(record.keeper, record.keeper_started):
        return None
    return _take_charge(record, home, host, ended, cgroup.find(home.folder, host.groups))


async def _find_shim(record: Record, home: TaskHome) -> None:
    found = [pid for pid in await execs.find_by_argument(home.files.marker) if await _is_marked(pid, home)]
    leaders = [pid for pid in found if procfs.session_of(pid) == pid]
    record.keeper = leaders[0] if leaders else None
    record.keeper_started = procfs.start_ticks(leaders[0]) if leaders else None


async def _is_marked(pid: int, home: TaskHome) -> bool:
    mark = await execs.shown(pid, lambda pid: procfs.variable(pid, MARK))
    return mark == str(home.folder)


def group_of(home: Path, host: Host) -> Group | None:
    """Return the control group of the task that lives in ``home``, if it has one."""
    return cgroup.find(home, host.groups)


async def clear_unled(home: TaskHome, host: Host, grace_s: float, also: tuple[Entry, ...] = ()) -> Remains:
    """End processes of a task whose shim has ended, or is not known; they are known by mark and group.

    ``also`` has processes that were known before to be the task's. A task that is started meanwhile keeps
    its processes.
    """
    members = Members(
        home=home.folder,
        shim=None,
        group=group_of(home.folder, host),
        census=host.census,
        also=also,
        living=host.homes,
    )
    return await members.clear(grace_s)


def clear_traces(record: Record, home: TaskHome, host: Host) -> None:
    """Take away what the processes of a task, which are all gone, have left in the file system."""
    launch = record.launched
    if (group := cgroup.find(home.folder, host.groups)) is not None:
        group.remove()
    with contextlib.suppress(Refusal):  # its account has been removed meanwhile
        account = host.accounts.choose(launch.user) if launch else None
        traces.clear(launch, record.configured, account.pw_uid if account else os.geteuid())


def past_exit(record: Record, home: TaskHome) -> Exit:
    """Return how a task ended that did so while no agent ran."""
    if record.boot != procfs.boot_id():
        return Exit()
    if record.keeper is not None:
        keeper_exit = keeper.exit_of(record.keeper, record.keeper_started or 0)
        keeper.collect(record.keeper, record.keeper_started or 0)
        return keeper.read_status(home.files.status) or keeper_exit
    return Exit()


def _take_charge(
    record: Record, home: TaskHome, host: Host, ended: Callable[[], None], group: Group | None
) -> Body:
    if record.keeper is None or record.launched is None:
        raise ValueError(f"{record.task} has no process")
    process = Process(record.keeper, record.keeper_started or 0, home.files.status)
    members = Members(home=home.folder, shim=process, group=group, census=host.census)
    body = Body(record, members, process, record.launched, host)
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
    record.killed, record.calls_itself, record.left, record.ending = False, None, (), False


def _ports(launch: Launch) -> tuple[int, ...]:
    control = () if launch.control_port is None else (launch.control_port,)
    return tuple(dict.fromkeys((*control, *launch.ports)))
