"""The processes of one task: how to identify them, and how to signal all of them and no others.

A task's processes are those in its control group (linux/cgroup.py). If this host has no group for the task,
the agent finds them by the mark in their environment, by the session of the shim, and by descent
(process_scan.py). So the agent also finds a process that has left its session, cleared its environment or
started a namespace of pids. Without a group, the shim adopts orphans of its task (agent/launch/shim.py), so
no process loses its descent.

Signals go through process handles (pidfd_open(2)), never to a pid alone.
"""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from salt_o2.agent.process.process_group import ProcessGroup
from salt_o2.agent.process.process_scan import ProcessScan
from salt_o2.linux.cgroup import Group
from salt_o2.linux.kernel import LINUX, Kernel
from salt_o2.linux.procfs import Entry

log = logging.getLogger(__name__)
REFUSED_S = 0.1
"""Pause before the next check of processes that the agent may not signal."""
KILLED_S = 5.0
"""How long the kernel may take to end a killed process."""
ROUNDS = 10
"""How often to search for processes outside the shim's group before the group itself is killed."""
SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivors:
    """The result of stopping all processes of a task."""

    found: int = 0
    """The number of processes found."""
    remaining: tuple[Entry, ...] = ()
    """The processes that do not end."""
    killed: bool = False
    """Whether a process had to be killed by SIGKILL."""


@dataclass(slots=True, kw_only=True)
class MemberProcesses:
    """All processes of the task in ``directory``; ``shim`` is ``None`` if it is unknown."""

    directory: Path
    shim: ProcessGroup | None
    group: Group | None
    scan: ProcessScan
    kernel: Kernel = LINUX
    also: tuple[Entry, ...] = ()
    """Processes already known to be the task's."""
    strangers: Sequence[Entry] = ()
    """Descendants of the task that are not proved to be its own, at the last search."""
    running_directories: Collection[Path] = ()
    """The directories of running tasks: if the task's is one and the shim is unknown, no process is found."""

    async def all(self, *, outside: bool = False) -> list[Entry]:
        """Return the present processes; with ``outside`` only those not in the shim's process group."""
        if self.group is not None and self.shim is not None:
            return self.group.entries(besides=self.shim.pid if outside else 0)
        found = await self._looked_for()
        return [each for each in found if not (outside and self._is_with_shim(each))]

    async def _looked_for(self) -> list[Entry]:
        look = await self.scan.scan()
        if self.shim is None and self.directory in self.running_directories:
            return []
        shim = self.shim.name if self.shim else None
        found = look.members(str(self.directory), shim)
        self.strangers = look.strangers(str(self.directory), shim)
        inside = self.group.entries() if self.group else []
        before = [each for each in self.also if self.kernel.is_alive(each.pid, each.started)]
        return list({each.pid: each for each in (*found, *inside, *before)}.values())

    async def own(self, number: int) -> int | None:
        """Return the pid of the process that reports pid ``number``, possibly in its own namespace."""
        if self.shim is not None and self.kernel.session_of(number) == self.shim.pid and self.shim.is_there:
            return number
        members = await self.all()
        if any(each.pid == number for each in members):
            return number
        return next((each.pid for each in members if number in self.kernel.numbers_of(each.pid)), None)

    async def send(self, number: signal.Signals) -> None:
        """Send a signal to all processes: to the shim's group at once, to each other process separately."""
        if self.shim is not None:
            self.shim.send_signal(number)
        for each in await self.all(outside=True):
            self.kernel.send(each, number)

    async def kill(self) -> None:
        """Send SIGKILL to all processes, to the shim's group last: the shim adopts and reveals orphans."""
        if self.group is not None:
            self.group.kill()
        for _ in range(ROUNDS):
            outside = await self.all(outside=True)
            # Without the shim these processes may not be identified again.
            self.also = tuple(outside)
            if not outside:
                break
            await self._end(outside, signal.SIGKILL, KILLED_S / ROUNDS)
        if self.shim is not None:
            self.shim.send_signal(signal.SIGKILL)

    async def clear(self, grace_s: float) -> Survivors:
        """Send SIGTERM to remaining processes, and SIGKILL to those left after ``grace_s`` seconds."""
        clock = asyncio.get_running_loop().time
        remaining, killed = await self.all(), False
        self._report_strangers()
        found = len(remaining)
        if remaining:
            await self._end(remaining, signal.SIGTERM, grace_s)
            remaining, until = await self.all(), clock() + KILLED_S
            while remaining and clock() < until:
                killed = True
                if self.group is not None:
                    self.group.kill()
                await self._end(remaining, signal.SIGKILL, until - clock())
                remaining = await self.all()
        return Survivors(found=found, remaining=tuple(remaining), killed=killed)

    def _report_strangers(self) -> None:
        """Log the descendants of the task that are not proved to be its own, and therefore stay."""
        if self.strangers:
            log.warning(
                "task %s ends and these processes stay, because they have an account and a session of their "
                "own: %s; end them as their user or as root if they belong to the task",
                *(self.directory.name, in_words(self.strangers, self.kernel)),
            )

    def _is_with_shim(self, each: Entry) -> bool:
        return self.shim is not None and each.group == self.shim.pid

    async def _end(self, processes: Iterable[Entry], number: signal.Signals, patience_s: float) -> None:
        """Send a signal to each process; wait until all have ended, at most ``patience_s`` seconds."""
        permitted = [each for each in processes if self.kernel.send(each, number)]
        with contextlib.ExitStack() as handles:
            ends = [self._end_of(each, handles) for each in permitted]
            if ends:
                await asyncio.wait(ends, timeout=max(0.0, patience_s))
            # The agent may signal none of them. An immediate next check would find the same, so wait first.
            else:
                await asyncio.sleep(max(0.0, min(patience_s, REFUSED_S)))

    def _end_of(self, process: Entry, handles: contextlib.ExitStack) -> asyncio.Future[None]:
        """Return a future that completes when ``process`` has ended; ``handles`` closes its resources."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        try:
            handle = self.kernel.open_process(process.pid)
        # The process has ended.
        except OSError:
            ended.set_result(None)
            return ended
        handles.callback(self.kernel.close_process, handle)
        if not self.kernel.is_alive(process.pid, process.started):
            ended.set_result(None)
            return ended
        loop.add_reader(handle, _set, ended)
        handles.callback(loop.remove_reader, handle)
        return ended


def in_words(processes: Iterable[Entry], kernel: Kernel = LINUX) -> str:
    """Return pids and commands of processes as text for a sentence."""
    listed = list(processes)
    words = [f"{each.pid} ({_command(each.pid, kernel)})" for each in listed[:SHOWN]]
    return ", ".join([*words, *(["more"] if len(listed) > SHOWN else [])])


def advice_on(left: Iterable[Entry], kernel: Kernel = LINUX) -> str:
    """Return advice about processes that do not end."""
    others = sorted(
        {owner for each in left if (owner := kernel.uid_of(each.pid)) not in (None, os.geteuid())}
    )
    if os.geteuid() != 0 and others:
        return (
            f"the agent runs as uid {os.geteuid()} and may not signal processes of uid "
            f"{', '.join(map(str, others))}: stop them as their user or as root"
        )
    return "they wait in the kernel: see dmesg on the host"


def _set(ended: asyncio.Future[None]) -> None:
    if not ended.done():
        ended.set_result(None)


def _command(pid: int, kernel: Kernel) -> str:
    words = b" ".join(kernel.command_line(pid)).decode(errors="replace").strip()
    return words[:60] or "no command line"
