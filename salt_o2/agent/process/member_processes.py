"""The processes of one task: which they are, and how signals reach all of them and no other process.

A task's processes are those in its control group (linux/cgroup.py). Where this host has no group for it they
are found by the mark in their environment, by the session of its shim, and by descent (process_scan.py).
So a process that has left its session, cleared its environment or started a namespace of pids is found as
well. Where there is no group, the shim adopts orphans of its task (agent/launch/shim.py), and none loses its
descent.

Signals go through handles of processes (pidfd_open(2)), never to a number alone.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from salt_o2.agent.process.process_group import ProcessGroup
from salt_o2.agent.process.process_scan import ProcessScan
from salt_o2.linux import procfs
from salt_o2.linux.cgroup import Group
from salt_o2.linux.procfs import Entry

REFUSED_S = 0.1
"""How long to wait for the next look at processes that the agent may not signal."""
KILLED_S = 5.0
"""How long the kernel may take to end a killed process."""
ROUNDS = 10
"""How often processes outside the shim's group are looked for before the group itself is killed."""
SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivors:
    """What came of ending all processes of a task."""

    found: int = 0
    """How many there were."""
    left: tuple[Entry, ...] = ()
    """Those that do not end."""
    killed: bool = False
    """Whether one had to be killed by SIGKILL."""


@dataclass(slots=True, kw_only=True)
class MemberProcesses:
    """All processes of the task that lives in ``home``; ``shim`` is ``None`` where it is not known."""

    directory: Path
    shim: ProcessGroup | None
    group: Group | None
    scan: ProcessScan
    also: tuple[Entry, ...] = ()
    """Processes that were known before to be the task's."""
    living: Collection[Path] = ()
    """The folders of living tasks: if ``home`` is one, and the shim is not known, nothing is found."""

    async def all(self, *, outside: bool = False) -> list[Entry]:
        """Return the processes as they are; with ``outside`` only those not in the shim's process group."""
        if self.group is not None and self.shim is not None:
            return self.group.entries(besides=self.shim.pid if outside else 0)
        found = await self._looked_for()
        return [each for each in found if not (outside and self._is_with_shim(each))]

    async def _looked_for(self) -> list[Entry]:
        look = await self.scan.scan()
        if self.shim is None and self.directory in self.living:
            return []
        found = look.members(str(self.directory), self.shim.name if self.shim else None)
        inside = self.group.entries() if self.group else []
        before = [each for each in self.also if each.is_alive]
        return list({each.pid: each for each in (*found, *inside, *before)}.values())

    async def own(self, number: int) -> int | None:
        """Return the pid of the process that calls itself ``number``, maybe in a namespace of its own."""
        if self.shim is not None and procfs.session_of(number) == self.shim.pid and self.shim.is_there:
            return number
        members = await self.all()
        if any(each.pid == number for each in members):
            return number
        return next((each.pid for each in members if number in procfs.numbers_of(each.pid)), None)

    async def send(self, number: signal.Signals) -> None:
        """Send a signal to all: to the shim's process group at once, to each other process by itself."""
        if self.shim is not None:
            self.shim.send_signal(number)
        for each in await self.all(outside=True):
            procfs.send(each, number)

    async def kill(self) -> None:
        """Send SIGKILL to all: to the shim's group last, as the shim adopts orphans and makes them known."""
        if self.group is not None:
            self.group.kill()
        for _ in range(ROUNDS):
            outside = await self.all(outside=True)
            self.also = tuple(outside)  # without the shim they may not be known again
            if not outside:
                break
            await _end(outside, signal.SIGKILL, KILLED_S / ROUNDS)
        if self.shim is not None:
            self.shim.send_signal(signal.SIGKILL)

    async def clear(self, grace_s: float) -> Survivors:
        """End what is left: SIGTERM, SIGKILL to those that are there ``grace_s`` seconds later."""
        clock = asyncio.get_running_loop().time
        left, killed = await self.all(), False
        found = len(left)
        if left:
            await _end(left, signal.SIGTERM, grace_s)
            left, until = await self.all(), clock() + KILLED_S
            while left and clock() < until:
                killed = True
                if self.group is not None:
                    self.group.kill()
                await _end(left, signal.SIGKILL, until - clock())
                left = await self.all()
        return Survivors(found=found, left=tuple(left), killed=killed)

    def _is_with_shim(self, each: Entry) -> bool:
        return self.shim is not None and each.group == self.shim.pid


def in_words(left: Iterable[Entry]) -> str:
    """Return pids and commands of processes for a sentence."""
    listed = list(left)
    words = [f"{each.pid} ({_command(each.pid)})" for each in listed[:SHOWN]]
    return ", ".join([*words, *(["more"] if len(listed) > SHOWN else [])])


def advice_on(left: Iterable[Entry]) -> str:
    """Return what to do about processes that do not end."""
    others = sorted(
        {owner for each in left if (owner := procfs.uid_of(each.pid)) not in (None, os.geteuid())}
    )
    if os.geteuid() != 0 and others:
        return (
            f"the agent runs as uid {os.geteuid()} and may not signal processes of uid "
            f"{', '.join(map(str, others))}: end them as their user or as root"
        )
    return "they wait in the kernel: see dmesg on the host"


async def _end(processes: Iterable[Entry], number: signal.Signals, patience_s: float) -> None:
    """Send a signal to each, and wait until all have ended, at most ``patience_s`` seconds."""
    permitted = [each for each in processes if procfs.send(each, number)]
    with contextlib.ExitStack() as handles:
        ends = [_end_of(each, handles) for each in permitted]
        if ends:
            await asyncio.wait(ends, timeout=max(0.0, patience_s))
        else:  # none may be signalled: the next look finds the same, so it comes a moment later
            await asyncio.sleep(max(0.0, min(patience_s, REFUSED_S)))


def _end_of(process: Entry, handles: contextlib.ExitStack) -> asyncio.Future[None]:
    """Return what is done when ``process`` has ended; ``handles`` closes what that takes."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    try:
        handle = os.pidfd_open(process.pid)
    except OSError:  # it has ended
        ended.set_result(None)
        return ended
    handles.callback(os.close, handle)
    if not process.is_alive:
        ended.set_result(None)
        return ended
    loop.add_reader(handle, _set, ended)
    handles.callback(loop.remove_reader, handle)
    return ended


def _set(ended: asyncio.Future[None]) -> None:
    if not ended.done():
        ended.set_result(None)


def _command(pid: int) -> str:
    words = b" ".join(procfs.command_line(pid)).decode(errors="replace").strip()
    return words[:60] or "no command line"
