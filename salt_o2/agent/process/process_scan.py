"""Scan of all processes to find those of tasks: one scan serves all tasks that ask together.

A scan reads every process of the host, so two hundred tasks that end together must not scan two hundred
times. A task with its own control group needs no scan: see member_processes.py.
"""

import asyncio
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from salt_o2.agent.storage.task_directory import MARK, shim_of
from salt_o2.linux import exec_wait, procfs
from salt_o2.linux.kernel import LINUX, Kernel
from salt_o2.linux.procfs import Entry

LOOK_AFTER_S = 0.002
"""Minimum time that the first task that asks waits for other tasks."""
SHARE = 4
"""Each scan is followed by a pause of this many times its own length, because a scan blocks the agent."""
SETTLED_S = 5.0
"""A process of this age without a mark gets none: a task's processes inherit the mark when they start."""
EXEC_S = 1.0
"""How long a scan waits for processes that show no mark because they are in the middle of their exec."""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shim:
    """The process that leads a task's session and process group."""

    pid: int
    started: int
    is_zombie: bool = False
    """It has ended and is not collected yet, so the kernel does not reuse its pid."""


@dataclass(slots=True)
class ProcessTable:
    """All running processes at one moment, and the marks that they carry or once carried."""

    entries: Mapping[int, Entry]
    marks: Mapping[int, str]
    """The directories of tasks, by pid."""
    caller: int = field(default_factory=os.getpid)
    """The pid of the agent, which is no process of a task."""
    is_foreign: Callable[[int], bool] = lambda _: False
    """Whether a process has an account that no task has."""
    _children: dict[int, list[int]] = field(default_factory=dict)

    def members(self, home: str, shim: Shim | None = None) -> list[Entry]:
        """Return the processes of the task in directory ``home``, by mark, session and descent.

        The session of ``shim`` counts while its number cannot be reused. The calling process is excluded, and
        so are :meth:`strangers` and their descendants.
        """
        return [self.entries[pid] for pid in self._proved(home, shim)[0]]

    def strangers(self, home: str, shim: Shim | None = None) -> list[Entry]:
        """Return descendants of the task's processes that have an account and a session of their own.

        They are services that an administrator has started within the task, for example.
        """
        return [self.entries[pid] for pid in self._proved(home, shim)[1]]

    def _proved(self, home: str, shim: Shim | None) -> tuple[set[int], set[int]]:
        first = [pid for pid, mark in self.marks.items() if mark == home]
        if shim is not None and (shim.is_zombie or self._is_there(shim)):
            first += [each.pid for each in self.entries.values() if each.session == shim.pid]
        return self._with_descendants(first)

    def homes(self, above: str) -> set[str]:
        """Return the task directories below ``above`` that processes carry."""
        return {mark for mark in self.marks.values() if mark.startswith(f"{above}/")}

    def _is_there(self, shim: Shim) -> bool:
        found = self.entries.get(shim.pid)
        return found is not None and found.started == shim.started

    def _with_descendants(self, first: Iterable[int]) -> tuple[set[int], set[int]]:
        """Return ``first`` with descendants as far as no stranger is between, and these strangers."""
        if not self._children:
            for each in self.entries.values():
                self._children.setdefault(each.parent, []).append(each.pid)
        found, strangers = set[int](), set[int]()
        new = [pid for pid in first if pid in self.entries]
        while new:
            pid = new.pop()
            if pid not in found and pid != self.caller:
                found.add(pid)
                for child in self._children.get(pid, ()):
                    (strangers.add if self._is_stranger(child, pid) else new.append)(child)
        return found, strangers - found

    def _is_stranger(self, child: int, parent: int) -> bool:
        return self.entries[child].session != self.entries[parent].session and self.is_foreign(child)


class ProcessScan:
    """Scans all processes once for all callers within a short time."""

    def __init__(self, trusted: Callable[[], Collection[int]] | None = None, kernel: Kernel = LINUX) -> None:
        """Trust marks of shims, and of processes whose uid is one of ``trusted``; without it, all marks.

        Any user can write the mark of a task into the environment of a process of its own. A shell of an
        administrator, and what it starts, may have inherited the mark.
        """
        self._trusted, self._kernel = trusted, kernel
        self._next: asyncio.Task[ProcessTable] | None = None
        self._not_before = 0.0
        self._marks: dict[int, tuple[int, str]] = {}
        """Start time and mark of processes, by pid.

        An empty mark means that the process has none and gets none.
        """

    async def scan(self) -> ProcessTable:
        """Return all processes of this host; the scan starts after this call."""
        if self._next is None or self._next.done():
            self._next = asyncio.create_task(self._look())
        return await asyncio.shield(self._next)

    async def _look(self) -> ProcessTable:
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(max(LOOK_AFTER_S, self._not_before - clock()))
        self._next, began = None, clock()
        entries = self._kernel.processes()
        known, self._marks = self._marks, {}
        marks, unclear = self._read_marks(entries, known)
        self._not_before = clock() + SHARE * (clock() - began)
        for pid, each in unclear.items():
            if mark := await exec_wait.shown(pid, self._mark, EXEC_S, self._kernel):
                marks[pid] = mark
                self._marks[pid] = (each.started, mark)
        return ProcessTable(entries, marks, self._kernel.own_pid(), self._is_foreign)

    def _read_marks(
        self, entries: Mapping[int, Entry], known: Mapping[int, tuple[int, str]]
    ) -> tuple[dict[int, str], dict[int, Entry]]:
        """Return the marks, and the processes that may have a mark and do not show it yet.

        A process that drops its mark by starting a new program keeps the mark here.
        """
        settled = (self._kernel.boot_seconds() - SETTLED_S) * TICKS
        marks, unclear = {}, {}
        trusted = self._trusted() if self._trusted else None
        for pid, each in entries.items():
            started, before = known.get(pid, (-1, ""))
            is_new = started != each.started
            if is_new and trusted is not None and not self._is_trusted(pid, trusted):
                continue
            mark = before if started == each.started else self._mark_of(pid)
            if mark is None:
                unclear[pid] = each
            elif mark or each.started < settled:
                self._marks[pid] = (each.started, mark)
            if mark:
                marks[pid] = mark
        return marks, unclear

    def _is_trusted(self, pid: int, trusted: Collection[int]) -> bool:
        """Return whether the mark of ``pid`` proves its task. A shim has the account of the agent."""
        uid = self._kernel.uid_of(pid)
        if uid in trusted:
            return True
        return uid == os.geteuid() and shim_of(self._kernel.command_line(pid)) == self._mark(pid) != ""

    def _is_foreign(self, pid: int) -> bool:
        """Return whether ``pid`` has no uid of a task; a container of a task may give it such a uid.

        An agent that is not root can end no process of another account, and reports that as a failure.
        """
        if self._trusted is None or os.geteuid() != 0:
            return False
        uids = self._kernel.uids_of(pid)
        return bool(uids) and uids.isdisjoint(self._trusted()) and procfs.shares_user_namespace(pid)

    def _mark(self, pid: int) -> str:
        return self._kernel.variable(pid, MARK)

    def _mark_of(self, pid: int) -> str | None:
        """Return the mark of ``pid``, empty if it has none; ``None`` if it is in its exec."""
        if mark := self._mark(pid):
            return mark
        # The exec may have ended between the two reads.
        return None if self._kernel.is_in_exec(pid) else self._mark(pid)
