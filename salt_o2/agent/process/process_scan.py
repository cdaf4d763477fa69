"""Which processes belong to which task: one look at all processes for all tasks that ask together.

To see which processes are a task's means to look at every process of the host, so two hundred tasks that
end together must not look two hundred times. A task with a control group of its own needs no look: see
member_processes.py.
"""

import asyncio
import os
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from salt_o2.agent.storage.task_directory import MARK
from salt_o2.linux import exec_wait, procfs
from salt_o2.linux.procfs import Entry

LOOK_AFTER_S = 0.002
"""How long the first task that asks waits for others, at least."""
SHARE = 4
"""A look is followed by a pause of this many times its own length: it blocks the agent while it lasts."""
SETTLED_S = 5.0
"""A process of this age that carries no mark gets none: a task's processes inherit it when they start."""
EXEC_S = 1.0
"""How long a look waits for processes that show no mark because they are in the middle of their exec."""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shim:
    """The process that leads a task's session and process group."""

    pid: int
    started: int
    kept: bool = False
    """It has ended, and its number is not given again, because it has not been collected yet."""


@dataclass(slots=True)
class ProcessTable:
    """All living processes at one moment, and the marks that they carry or once carried."""

    entries: Mapping[int, Entry]
    marks: Mapping[int, str]
    """The home folders of tasks, by pid."""
    _children: dict[int, list[int]] = field(default_factory=dict)

    def members(self, home: str, shim: Shim | None = None) -> list[Entry]:
        """Return the processes of the task that lives in ``home``, by mark, session and descent.

        The session of ``shim`` counts while its number is not free to be given again. Not this process.
        """
        first = [pid for pid, mark in self.marks.items() if mark == home]
        if shim is not None and (shim.kept or self._is_there(shim)):
            first += [each.pid for each in self.entries.values() if each.session == shim.pid]
        return [self.entries[pid] for pid in self._with_descendants(first)]

    def homes(self, above: str) -> set[str]:
        """Return the home folders below ``above`` that processes carry."""
        return {mark for mark in self.marks.values() if mark.startswith(f"{above}/")}

    def _is_there(self, shim: Shim) -> bool:
        found = self.entries.get(shim.pid)
        return found is not None and found.started == shim.started

    def _with_descendants(self, first: Iterable[int]) -> set[int]:
        if not self._children:
            for each in self.entries.values():
                self._children.setdefault(each.parent, []).append(each.pid)
        found, new = set[int](), [pid for pid in first if pid in self.entries]
        while new:
            pid = new.pop()
            if pid not in found and pid != os.getpid():
                found.add(pid)
                new += self._children.get(pid, ())
        return found


class ProcessScan:
    """Looks at all processes for all that ask within a short time."""

    def __init__(self, trusted: Callable[[], Collection[int]] | None = None) -> None:
        """Believe the marks of processes whose uid is one of ``trusted``; of all processes without it.

        Each user can write the mark of a task into an environment of its own.
        """
        self._trusted = trusted
        self._next: asyncio.Task[ProcessTable] | None = None
        self._not_before = 0.0
        self._marks: dict[int, tuple[int, str]] = {}
        """Start time and mark of processes, by pid; an empty mark is of one that has none and gets none."""

    async def scan(self) -> ProcessTable:
        """Return what runs on this host; the look begins after this call."""
        if self._next is None or self._next.done():
            self._next = asyncio.create_task(self._look())
        return await asyncio.shield(self._next)

    async def _look(self) -> ProcessTable:
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(max(LOOK_AFTER_S, self._not_before - clock()))
        self._next, began = None, clock()
        entries = procfs.processes()
        known, self._marks = self._marks, {}
        marks, unclear = self._read_marks(entries, known)
        self._not_before = clock() + SHARE * (clock() - began)
        for pid, each in unclear.items():
            if mark := await exec_wait.shown(pid, _mark, EXEC_S):
                marks[pid] = mark
                self._marks[pid] = (each.started, mark)
        return ProcessTable(entries, marks)

    def _read_marks(
        self, entries: Mapping[int, Entry], known: Mapping[int, tuple[int, str]]
    ) -> tuple[dict[int, str], dict[int, Entry]]:
        """Return the marks, and the processes that may have one and do not show it yet.

        A process that gives its mark up by a new program keeps it here.
        """
        settled = (time.clock_gettime(time.CLOCK_BOOTTIME) - SETTLED_S) * TICKS
        marks, unclear = {}, {}
        trusted = self._trusted() if self._trusted else None
        for pid, each in entries.items():
            started, before = known.get(pid, (-1, ""))
            if started != each.started and trusted is not None and procfs.uid_of(pid) not in trusted:
                continue
            mark = before if started == each.started else _mark_of(pid)
            if mark is None:
                unclear[pid] = each
            elif mark or each.started < settled:
                self._marks[pid] = (each.started, mark)
            if mark:
                marks[pid] = mark
        return marks, unclear


def _mark(pid: int) -> str:
    return procfs.variable(pid, MARK)


def _mark_of(pid: int) -> str | None:
    """Return the mark of ``pid``, empty if it has none; ``None`` if it is in its exec."""
    if mark := _mark(pid):
        return mark
    return None if procfs.is_in_exec(pid) else _mark(pid)  # its exec may have ended between the two looks
