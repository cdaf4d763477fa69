"""Control groups of tasks, if this host lets the agent create them.

A group holds all processes of a task, also those that have left its session, so killing the group stops all
of them. It also enforces the template's limits, as far as the host has delegated the controllers to the
agent. On other hosts the agent uses marks, sessions and descent (agent/process/process_scan.py), and measures
resources from time to time (agent/launch/resource_limits.py).

Version 2 is used where it is mounted and writable. Otherwise a hierarchy of version 1 is used, which holds
processes and no limits. In version 1 ``freezer`` is preferred: systemd creates no groups there.

The kernel allows controllers only below a group without processes of its own (cgroup-v2.rst, "No Internal
Process Constraint"). systemd makes this possible by ``DelegateSubgroup=`` (its version 254). Without it tasks
have groups, but no controllers.
"""

import contextlib
import hashlib
import logging
import os
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from salt_o2.core.plan.launch import Limits
from salt_o2.linux import procfs
from salt_o2.linux.procfs import Entry

log = logging.getLogger(__name__)
MOUNTS = Path("/proc/self/mounts")
OWN = Path("/proc/self/cgroup")
PREFIX = "o2-"
CONTROLLERS = ("cpu", "memory", "pids")
HIERARCHIES = ("freezer", "pids", "name=systemd")
"""Controllers of version 1, in the order of preference."""
CPU_PERIOD_US = 100_000
GONE_S = 2.0
STALE_S = 60.0
MB = 1024 * 1024


@cache
def base() -> Path | None:
    """Return the group below which groups of tasks can be created on this host; ``None`` if there is none."""
    return next((place for place in _places() if _takes_groups(place)), None)


def _places() -> Iterator[Path]:
    """Return candidate groups, best first: below version 2, otherwise below a version 1 hierarchy."""
    mounts, own = _lines(MOUNTS), _lines(OWN)
    for kind, options in (("cgroup2", ""), *(("cgroup", name) for name in HIERARCHIES)):
        mounted = next((place for place, its in _mounted(mounts, kind) if options in ("", *its)), None)
        inside = next((path for names, path in _groups(own) if options in names), None)
        if mounted is not None and inside is not None:
            place = mounted / inside.lstrip("/")
            yield from (place.parent, place) if place.name == "minion" else (place,)


def _takes_groups(place: Path) -> bool:
    return os.access(place, os.W_OK) and (place / "cgroup.procs").exists()


def _mounted(mounts: Iterable[str], kind: str) -> Iterator[tuple[Path, list[str]]]:
    """Return mount points of a file system, each with its options (proc(5))."""
    for fields in (line.split() for line in mounts):
        if len(fields) > 3 and fields[2] == kind:
            yield Path(fields[1]), fields[3].split(",")


def _groups(own: Iterable[str]) -> Iterator[tuple[list[str], str]]:
    """Return the hierarchies that this process is in, by their controllers, each with its group there."""
    for line in own:
        _, names, path = line.split(":", 2)
        yield names.split(","), path


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def name_of(folder: Path) -> str:
    """Return the group name of the task in directory ``folder``; it is unique across agents."""
    return f"{PREFIX}{hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Group:
    """The group of one task."""

    path: Path

    @property
    def processes(self) -> list[int]:
        """All processes in the group, and in groups that the task has created below it."""
        found = []
        for folder in (str(self.path), *self._below()):
            with contextlib.suppress(OSError), open(f"{folder}/cgroup.procs") as file:  # noqa: PTH123
                found += [int(line) for line in file.read().split()]
        return found

    def entries(self, besides: int = 0) -> list[Entry]:
        """Return the running processes in the group, except those of process group ``besides``.

        Membership is checked again after the start time was read: the pid could be another process's by then.
        """
        found = (each for pid in self.processes if (each := procfs.entry(pid)) is not None)
        others = [each for each in found if each.group != besides]
        return [each for each in others if procfs.is_in_group(each.pid, self.path.name)]

    def holds(self, controller: str) -> bool:
        """Return whether the kernel enforces limits of ``controller`` here."""
        return controller in self._read("cgroup.controllers").split()

    def excess(self, limits: Limits) -> str:
        """Return a description of the limit in ``limits`` that the kernel has enforced; empty if none.

        At the memory limit the kernel ended the task. At the limit of processes it only refuses another one.
        """
        if limits.memory_mb and self._count("memory.events", "oom_kill"):
            return f"it needed more memory than its limit of {limits.memory_mb:g} MB"
        if limits.pids and self._count("pids.events", "max"):
            return f"it wanted more processes and threads, and its limit is {limits.pids}"
        return ""

    def kill(self) -> None:
        """Send SIGKILL to all processes in the group; before Linux 5.14 a new child may escape, so repeat."""
        if (self.path / "cgroup.kill").exists():
            self._write("cgroup.kill", "1")
            return
        for each in self.entries():
            procfs.send(each, signal.SIGKILL)

    def remove(self) -> None:
        """Remove the group; its processes must have ended, and may take a moment to disappear."""
        until = time.monotonic() + GONE_S
        while True:
            try:
                for folder in reversed(self._below()):
                    os.rmdir(folder)  # noqa: PTH106
                os.rmdir(self.path)  # noqa: PTH106
            except FileNotFoundError:
                return
            except OSError as error:
                if time.monotonic() > until:
                    log.warning("the control group %s cannot be removed: %s", self.path, error)
                    return
                time.sleep(0.002)
            else:
                return

    def _below(self) -> list[str]:
        """Return the groups below it, each before those below; a directory has a link for each subgroup."""
        try:
            if os.stat(self.path).st_nlink <= 2:  # noqa: PTH116
                return []
        except OSError:
            return []
        return [folder for folder, _, _ in os.walk(self.path)][1:]

    def limit(self, limits: Limits) -> None:
        """Set ``limits`` in the kernel, as far as this group can enforce them."""
        if limits.memory_mb and self.holds("memory"):
            self._write("memory.max", str(int(limits.memory_mb * MB)))
            self._write("memory.swap.max", "0")
            self._write("memory.oom.group", "1")
        if limits.cpu and self.holds("cpu"):
            self._write("cpu.max", f"{int(limits.cpu * CPU_PERIOD_US)} {CPU_PERIOD_US}")
        if limits.pids and self.holds("pids"):
            self._write("pids.max", str(limits.pids))

    def _count(self, file: str, key: str) -> int:
        pairs = [line.split() for line in self._read(file).splitlines()]
        return next((int(pair[1]) for pair in pairs if pair[0] == key), 0)

    def _read(self, file: str) -> str:
        try:
            return (self.path / file).read_text()
        except OSError:
            return ""

    def _write(self, file: str, value: str) -> None:
        try:
            (self.path / file).write_text(value)
        except OSError as error:
            log.warning("%s does not take %r: %s", self.path / file, value, error)


def make(folder: Path, limits: Limits, place: Path | None) -> Group | None:
    """Return a new group below ``place`` for the task in ``folder``, with its ``limits``, if possible."""
    if place is None:
        return None
    if limits != Limits():
        _enable(place)
    group = Group(place / name_of(folder))
    try:
        group.path.mkdir(exist_ok=True)
    except OSError as error:
        log.debug("no control group for %s: %s", folder, error)
        return None
    group.limit(limits)
    return group


def find(folder: Path, place: Path | None) -> Group | None:
    """Return the group of the task in ``folder``, if it has one."""
    group = Group(place / name_of(folder)) if place is not None else None
    return group if group is not None and group.path.is_dir() else None


def sweep(place: Path | None, now: float) -> int:
    """Remove empty groups of tasks that ended without an agent; return how many were removed.

    Groups younger than a minute at ``now``, in seconds since the epoch, stay: a task may be about to enter.
    """
    stale = [path for path in place.glob(f"{PREFIX}*") if _is_stale(path, now)] if place is not None else []
    for path in stale:
        # Another process may have removed the group first, or a process may have entered it.
        with contextlib.suppress(OSError):
            path.rmdir()
    return len(stale)


def _is_stale(path: Path, now: float) -> bool:
    try:
        if (path / "cgroup.events").exists():
            empty = "populated 0" in (path / "cgroup.events").read_text()
        # version 1
        else:
            empty = not Group(path).processes
        return empty and now - path.stat().st_mtime > STALE_S
    except OSError:
        return False


def _enable(place: Path) -> None:
    """Enable controllers below ``place``, one at a time: one refused controller must not prevent the rest."""
    for controller in CONTROLLERS:
        try:
            (place / "cgroup.subtree_control").write_text(f"+{controller}")
        except OSError as error:
            log.debug("no controller %s below %s: %s", controller, place, error)
