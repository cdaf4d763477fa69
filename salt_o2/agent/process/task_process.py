"""The running part of a task: its processes and its control channel."""

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
from salt_o2.linux import cgroup
from salt_o2.linux.cgroup import Group
from salt_o2.linux.kernel import Kernel
from salt_o2.linux.procfs import Entry

log = logging.getLogger(__name__)
T = TypeVar("T")


class TaskProcess:
    """One task's processes, and the control channel to them if the task has one."""

    def __init__(
        self,
        record: TaskRecord,
        members: MemberProcesses,
        shim: ProcessGroup,
        launch: Launch,
        host: HostResources,
    ) -> None:
        """Manage the processes of ``shim``; see :func:`start_process` and :func:`adopt_process`."""
        self.shim, self.members, self._host, self._limits = shim, members, host, launch.limits
        self._group, self._status = members.group, members.directory / "status"
        self._is_clear = False
        self._own_pids: dict[int, int] = {}
        self.device: DeviceSession | None = None
        if launch.mode in CONTROLLED:
            private = TaskDirectory(members.directory).control_socket(launch)
            self.device = DeviceSession(launch, host.polling_budget, host.open_channel, private)
        self._bound: asyncio.Timeout | None = None
        self._patience_s = 0.0
        self.ports_of = ports_of(launch)
        host.claims.update(dict.fromkeys(self.ports_of, record.task))
        host.task_directories.add(members.directory)

    @property
    def exit(self) -> Exit:
        """The exit status of the task, once it has ended."""
        return self.shim.exit

    async def run_while_alive(
        self, work: Coroutine[Any, Any, T], patience_s: float, *, hurried: bool
    ) -> T | None:
        """Do ``work``; None if the process ends first, or the shortened deadline passes.

        The deadline is ``patience_s`` seconds after :meth:`shorten_deadline`. ``hurried`` means that the
        deadline is already shortened. The work gets no asyncio task of its own: for steps of two hundred
        tasks such asyncio tasks were a tenth of the agent's work.
        """
        self._patience_s = patience_s
        try:
            async with asyncio.timeout(None) as self._bound:
                if self.shim.ended.is_set():
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
        """Whether the work in progress was cancelled."""
        return self._bound is not None and self._bound.expired()

    @property
    def is_urgent(self) -> bool:
        """Whether the work in progress will be cancelled if it does not finish."""
        return self._bound is not None and self._bound.when() is not None

    def shorten_deadline(self) -> None:
        """Limit the work in progress to its patience, because a caller waits for its end."""
        self._break_off_in(self._patience_s)

    def restore_deadline(self) -> None:
        """Remove the shortened deadline, unless the process has ended."""
        bound = self._bound
        if bound is not None and not bound.expired() and not self.shim.ended.is_set():
            bound.reschedule(None)

    def record_exit(self, tell: Callable[[], None]) -> None:
        """Record that the process has ended and answers no more requests; call ``tell`` to report it."""
        self._break_off_in(0.0)
        tell()

    def _break_off_in(self, seconds: float) -> None:
        """Cancel the work after ``seconds``, or sooner if that was decided before."""
        bound, when = self._bound, asyncio.get_running_loop().time() + seconds
        # asyncio forbids to reschedule a timeout that is already expiring.
        if bound is None or bound.expired():
            return
        planned = bound.when()
        if planned is None or when < planned:
            bound.reschedule(when)

    async def stop(self, steps: tuple[SignalStep, ...], grace_s: float) -> Survivors:
        """Stop all processes of the task; ``grace_s`` is for those that the program leaves when it ends."""
        killed = False
        for step in steps:
            if step.signal is signal.SIGKILL:
                # The processes may have ended while the agent was busy.
                killed = bool(await self.members.all())
                await self.members.kill()
            elif step.signal is not None:
                await self.members.send(step.signal)
            if await self.has_exited_within(step.wait_s):
                break
        survivors = await self.stop_members(grace_s)
        return replace(survivors, killed=survivors.killed or killed)

    async def stop_members(self, grace_s: float) -> Survivors:
        """Stop the processes that the program left behind, after the program has ended."""
        if self._is_clear:
            return Survivors()
        survivors = await self.members.clear(grace_s)
        self._is_clear = self.shim.ended.is_set() and not survivors.remaining
        return replace(survivors, killed=survivors.killed or shim.has_killed(self._status))

    @property
    def watched(self) -> Limits:
        """The limits of the task that no control group enforces."""
        return resource_limits.watched(self._limits, self._group.holds if self._group else lambda _: False)

    @property
    def has_limits(self) -> bool:
        """Whether the task can exceed a limit without being ended by the kernel at once."""
        return self.watched != resource_limits.NOTHING or self._limits.pids > 0

    async def limit_violation(self) -> str:
        """Return a description of the limit that the task exceeds."""
        refused = self._group.excess(self._limits) if self._group else ""
        if refused or self.watched == resource_limits.NOTHING:
            return refused
        used = resource_limits.resource_use(each.pid for each in await self.members.all())
        return resource_limits.limit_violation(self.watched, used)

    def leave_control_group(self) -> str:
        """Remove the control group of the ended task; return the limit that ended the task, if any."""
        if self._group is None:
            return ""
        why = self._group.excess(self._limits)
        self._group.remove()
        return why

    async def is_its_own(self, number: int) -> bool:
        """Return whether the device that answers as process ``number`` is one of the task's processes.

        The device itself reports the number, so the agent also asks the kernel for the owner of the port.
        """
        known = self._own_pids.get(number, 0)
        found = known if number in self._host.kernel.numbers_of(known) else await self.members.own(number)
        if found is None or not await self._has_its_port(found):
            return False
        self._own_pids[number] = found
        return True

    async def _has_its_port(self, pid: int) -> bool:
        """Return whether only root and the users of ``pid`` have the control port, which ``pid`` then keeps.

        Another account may listen there before the device does. It may also have accepted the agent's
        connection and closed its port since.
        """
        if self.device is None or pid in self._own_pids.values():
            return True
        channel = self.device.channel
        if channel.pinned is not None:
            return await self._is_member(channel.pinned.peer)
        owners = await asyncio.to_thread(self._host.kernel.owners_of, channel.host, channel.port)
        strangers = owners - self._host.kernel.uids_of(pid) - {0}
        if strangers:
            log.error("%s is used by user %s, and process %d is not theirs", channel, strangers, pid)
        return not strangers

    async def _is_member(self, pid: int) -> bool:
        """Return whether ``pid``, which listens at the task's Unix socket, is one of the task's processes."""
        if await self.members.own(pid) is not None:
            return True
        log.error("process %d listens at %s, and is not of this task", pid, self.members.directory)
        return False

    def pid_of(self, number: int | None) -> int | None:
        """Return the pid on this host of the process that reports pid ``number``, once that is known."""
        return self._own_pids.get(number, number) if number is not None else None

    async def has_exited_within(self, seconds: float) -> bool:
        """Wait for the process to end without a signal; return whether it has ended."""
        try:
            async with asyncio.timeout(seconds):
                await self.shim.ended.wait()
        except TimeoutError:
            return False
        return True

    async def release(self) -> None:
        """Stop watching and disconnect; processes keep running."""
        self.shim.forget()
        self._host.task_directories.discard(self.members.directory)
        for port in self.ports_of:
            self._host.claims.pop(port, None)
        if self.device is not None:
            await self.device.close()


def group_of(home: Path, host: HostResources) -> Group | None:
    """Return the control group of the task in directory ``home``, if it has one."""
    return cgroup.find(home, host.groups)


async def stop_leaderless_members(
    home: TaskDirectory, host: HostResources, grace_s: float, also: tuple[Entry, ...] = ()
) -> Survivors:
    """Stop processes of a task whose shim ended or is unknown; marks and group identify them.

    ``also`` has processes already known to be the task's. A task that is started meanwhile keeps its
    processes.
    """
    members = MemberProcesses(
        directory=home.folder,
        shim=None,
        group=group_of(home.folder, host),
        scan=host.process_scan,
        kernel=host.kernel,
        also=also,
        running_directories=host.task_directories,
    )
    return await members.clear(grace_s)


def remove_leftovers(record: TaskRecord, home: TaskDirectory, host: HostResources) -> None:
    """Remove the files that the processes of a task, all ended, have left behind."""
    launch = record.launched
    if (group := cgroup.find(home.folder, host.groups)) is not None:
        group.remove()
    # The account of the task may have been removed meanwhile.
    with contextlib.suppress(Refusal):
        account = host.accounts.choose(launch.user) if launch else None
        leftovers.clear(launch, record.configured, account.pw_uid if account else os.geteuid())


def recorded_exit(record: TaskRecord, home: TaskDirectory, kernel: Kernel) -> Exit:
    """Return the exit status of a task that ended while no agent ran."""
    if record.boot != kernel.boot_id():
        return Exit()
    if record.shim is not None:
        exit_of_shim = shim.exit_of(record.shim, record.shim_started or 0, kernel)
        shim.collect(record.shim, record.shim_started or 0, kernel)
        return shim.read_status(home.files.status) or exit_of_shim
    return Exit()


def ports_of(launch: Launch) -> tuple[int, ...]:
    """Return the ports that a task listens on, its control port first."""
    control = () if launch.control_port is None else (launch.control_port,)
    return tuple(dict.fromkeys((*control, *launch.ports)))
