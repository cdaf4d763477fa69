"""The living part of a task: its processes and its control channel."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from salt_o2.agent.device.session import DeviceSession
from salt_o2.agent.launch import resource_limits, shim
from salt_o2.agent.launch.refusal import Refusal
from salt_o2.agent.process import leftovers
from salt_o2.agent.process.host_resources import HostResources
from salt_o2.agent.process.member_processes import MemberProcesses, Survivors
from salt_o2.agent.process.process_group import ProcessGroup
from salt_o2.agent.storage.task_directory import TaskDirectory
from salt_o2.agent.storage.task_record import TaskRecord
from salt_o2.core.messages.reports import Exit
from salt_o2.core.plan.launch import Launch, Limits
from salt_o2.core.tasks.kill_sequence import SignalStep
from salt_o2.core.tasks.next_action import CONTROLLED
from salt_o2.linux import cgroup, procfs, tcp_table
from salt_o2.linux.cgroup import Group
from salt_o2.linux.procfs import Entry

log = logging.getLogger(__name__)
T = TypeVar("T")


class TaskProcess:
    """One task's processes, and the channel to them if the task has one."""

    def __init__(
        self,
        record: TaskRecord,
        members: MemberProcesses,
        process: ProcessGroup,
        launch: Launch,
        host: HostResources,
    ) -> None:
        """Take charge of ``process``, started by ``launch``; see :func:`give_birth` and :func:`adopt`."""
        self.process, self.members, self._host, self._limits = process, members, host, launch.limits
        self._group, self._status = members.group, members.directory / "status"
        self._is_clear = False
        self._own_pids: dict[int, int] = {}
        self.device = DeviceSession(launch, host.polling_budget) if launch.mode in CONTROLLED else None
        self._bound: asyncio.Timeout | None = None
        self._patience_s = 0.0
        self.ports_of = ports_of(launch)
        host.claims.update(dict.fromkeys(self.ports_of, record.task))
        host.task_directories.add(members.directory)

    @property
    def exit(self) -> Exit:
        """How the task ended, once it has."""
        return self.process.exit

    async def run_while_alive(
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
                    self.shorten_deadline()
                return await work
        except TimeoutError:
            if self.is_deadline_shortened:
                return None
            raise
        finally:
            self._bound = None

    @property
    def is_deadline_shortened(self) -> bool:
        """Whether the work under way was broken off."""
        return self._bound is not None and self._bound.expired()

    @property
    def is_urgent(self) -> bool:
        """Whether the work under way will be broken off if it does not end by itself."""
        return self._bound is not None and self._bound.when() is not None

    def shorten_deadline(self) -> None:
        """Somebody waits for the work under way to end: give it no more than its patience."""
        self._break_off_in(self._patience_s)

    def restore_deadline(self) -> None:
        """Let the work under way take its time again, unless the process has ended."""
        bound = self._bound
        if bound is not None and not bound.expired() and not self.process.gone.is_set():
            bound.reschedule(None)

    def record_exit(self, tell: Callable[[], None]) -> None:
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

    async def stop(self, steps: tuple[SignalStep, ...], grace_s: float) -> Survivors:
        """End all processes of the task; ``grace_s`` is for those that the program leaves when it ends."""
        killed = False
        for step in steps:
            if step.signal is signal.SIGKILL:
                killed = bool(await self.members.all())  # they may have ended while the agent was busy
                await self.members.kill()
            elif step.signal is not None:
                await self.members.send(step.signal)
            if await self.has_exited_within(step.wait_s):
                break
        remains = await self.stop_members(grace_s)
        return replace(remains, killed=remains.killed or killed)

    async def stop_members(self, grace_s: float) -> Survivors:
        """End what the program left behind, once it has ended itself."""
        if self._is_clear:
            return Survivors()
        remains = await self.members.clear(grace_s)
        self._is_clear = self.process.gone.is_set() and not remains.left
        return replace(remains, killed=remains.killed or shim.has_killed(self._status))

    @property
    def watched(self) -> Limits:
        """What of its limits no control group holds."""
        return resource_limits.watched(self._limits, self._group.holds if self._group else lambda _: False)

    @property
    def has_limits(self) -> bool:
        """Whether it can exceed something without being ended by the kernel at once."""
        return self.watched != resource_limits.NOTHING or self._limits.pids > 0

    async def limit_violation(self) -> str:
        """Return which of its limits it exceeds, in words."""
        refused = self._group.excess(self._limits) if self._group else ""
        if refused or self.watched == resource_limits.NOTHING:
            return refused
        used = resource_limits.resource_use(each.pid for each in await self.members.all())
        return resource_limits.limit_violation(self.watched, used)

    def leave_control_group(self) -> str:
        """Take its control group away, once all has ended; return which limit it was ended for, if any."""
        if self._group is None:
            return ""
        why = self._group.excess(self._limits)
        self._group.remove()
        return why

    async def is_its_own(self, number: int) -> bool:
        """Return whether the device that answers as process ``number`` is one of the task's processes.

        The number is what the device says of itself, so the kernel is asked as well whose the port is.
        """
        known = self._own_pids.get(number, 0)
        found = known if number in procfs.numbers_of(known) else await self.members.own(number)
        if found is None or not await self._has_its_port(found):
            return False
        self._own_pids[number] = found
        return True

    async def _has_its_port(self, pid: int) -> bool:
        """Return whether only the users of ``pid``, which then keeps it, and root have the control port.

        Another account may listen there before the device does. It may also have accepted the agent's
        connection and closed its port since.
        """
        if self.device is None or pid in self._own_pids.values():
            return True
        there = self.device.channel
        owners = await asyncio.to_thread(tcp_table.owners_of, there.host, there.port)
        strangers = owners - procfs.uids_of(pid) - {0}
        if strangers:
            log.error("%s is used by user %s, and process %d is not theirs", there, strangers, pid)
        return not strangers

    def pid_of(self, number: int | None) -> int | None:
        """Return the pid on this host of the process that calls itself ``number``, once that is known."""
        return self._own_pids.get(number, number) if number is not None else None

    async def has_exited_within(self, seconds: float) -> bool:
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
        self._host.task_directories.discard(self.members.directory)
        for port in self.ports_of:
            self._host.claims.pop(port, None)
        if self.device is not None:
            await self.device.close()


def group_of(home: Path, host: HostResources) -> Group | None:
    """Return the control group of the task that lives in ``home``, if it has one."""
    return cgroup.find(home, host.groups)


async def stop_leaderless_members(
    home: TaskDirectory, host: HostResources, grace_s: float, also: tuple[Entry, ...] = ()
) -> Survivors:
    """End processes of a task whose shim has ended, or is not known; they are known by mark and group.

    ``also`` has processes that were known before to be the task's. A task that is started meanwhile keeps
    its processes.
    """
    members = MemberProcesses(
        directory=home.folder,
        shim=None,
        group=group_of(home.folder, host),
        scan=host.process_scan,
        also=also,
        living=host.task_directories,
    )
    return await members.clear(grace_s)


def remove_leftovers(record: TaskRecord, home: TaskDirectory, host: HostResources) -> None:
    """Take away what the processes of a task, which are all gone, have left in the file system."""
    launch = record.launched
    if (group := cgroup.find(home.folder, host.groups)) is not None:
        group.remove()
    with contextlib.suppress(Refusal):  # its account has been removed meanwhile
        account = host.accounts.choose(launch.user) if launch else None
        leftovers.clear(launch, record.configured, account.pw_uid if account else os.geteuid())


def recorded_exit(record: TaskRecord, home: TaskDirectory) -> Exit:
    """Return how a task ended that did so while no agent ran."""
    if record.boot != procfs.boot_id():
        return Exit()
    if record.shim is not None:
        keeper_exit = shim.exit_of(record.shim, record.shim_started or 0)
        shim.collect(record.shim, record.shim_started or 0)
        return shim.read_status(home.files.status) or keeper_exit
    return Exit()


def ports_of(launch: Launch) -> tuple[int, ...]:
    """Return the ports that a task listens on, its control port first."""
    control = () if launch.control_port is None else (launch.control_port,)
    return tuple(dict.fromkeys((*control, *launch.ports)))
